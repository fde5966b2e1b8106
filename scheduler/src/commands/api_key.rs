//! `api-key`: who may use the HTTP API.

use chrono::TimeDelta;
use ledgerfleet_ledger::{ApiKey, LedgerError, NewApiKey};
use ledgerfleet_model::ApiKeyId;
use ledgerfleet_planning::connections_named;
use secrecy::ExposeSecret;

use crate::cli::{ApiKeyCommand, CreateKeyArgs};
use crate::commands::connection::add::check_name;
use crate::exit::{Exit, Problem};
use crate::http::keys::make;
use crate::session::Session;
use crate::views::keys::{KeyRow, MadeKey};

pub(super) async fn run(session: &Session, command: ApiKeyCommand) -> anyhow::Result<Exit> {
    match command {
        ApiKeyCommand::Create(args) => create(session, args).await,
        ApiKeyCommand::List => list(session).await,
        ApiKeyCommand::Revoke { id } => revoke(session, id).await,
    }
}

async fn create(session: &Session, args: CreateKeyArgs) -> anyhow::Result<Exit> {
    check_name(&args.name)?;
    let parts = session.parts_or_new().await?;
    let connections = match args.connection.as_slice() {
        [] => None,
        named => Some(connections_named(&*parts.ledger, named).await?),
    };
    let mut scopes = args.scope;
    scopes.sort_unstable();
    scopes.dedup();
    let now = parts.clock.now();
    let expires_at = args
        .expires
        .map(TimeDelta::from_std)
        .transpose()?
        .map(|span| now + span);
    let id = ApiKeyId::new();
    let (hash, text) = make(id);
    let new = NewApiKey {
        id,
        name: args.name,
        hash,
        scopes,
        connections: connections.map(|all| all.iter().map(|connection| connection.id).collect()),
        expires_at,
    };
    let key = match parts.ledger.add_api_key(&new, &session.user).await {
        Err(LedgerError::NameTaken(name)) => {
            let what = format!("a key named `{name}` exists already");
            return Err(Problem::usage(what, "another --name, or revoke that one first").into());
        }
        made => made?,
    };
    session.output.one(&MadeKey {
        row: KeyRow(key),
        key: text.expose_secret().to_owned(),
    })?;
    session
        .talk
        .say("the key is shown this once; it is sent as `Authorization: Bearer KEY`");
    Ok(Exit::Done)
}

async fn list(session: &Session) -> anyhow::Result<Exit> {
    let keys: Vec<ApiKey> = session.parts().await?.ledger.api_keys().await?;
    let rows: Vec<KeyRow> = keys.into_iter().map(KeyRow).collect();
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

async fn revoke(session: &Session, id: ApiKeyId) -> anyhow::Result<Exit> {
    let revoked = session
        .parts()
        .await?
        .ledger
        .revoke_api_key(id, &session.user)
        .await?;
    if !revoked {
        let what = format!("there is no key {id} that could be revoked");
        return Err(Problem::usage(what, "scheduler api-key list").into());
    }
    session.talk.say(format!("{id} is revoked"));
    Ok(Exit::Done)
}
