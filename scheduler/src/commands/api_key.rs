//! `api-key`: who may use the HTTP API.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_ledger::{ApiKey, LedgerError, NewApiKey, Scope};
use ledgerfleet_model::{ApiKeyId, ConnectionId};
use ledgerfleet_planning::connections_named;
use ledgerfleet_wiring::Parts;
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
        ApiKeyCommand::Revoke { key } => revoke(session, &key).await,
    }
}

async fn create(session: &Session, args: CreateKeyArgs) -> anyhow::Result<Exit> {
    let parts = session.parts_or_new().await?;
    let connections = match args.connection.as_slice() {
        [] => None,
        named => Some(connections_named(&*parts.ledger, named).await?),
    };
    let wanted = WantedKey {
        name: args.name,
        scopes: args.scope,
        connections: connections.map(|all| all.iter().map(|connection| connection.id).collect()),
        expires_at: args.expires.map(|lives| end_of(&parts, lives)).transpose()?,
    };
    let made = create_key(&parts, wanted, &session.user).await?;
    session.output.one(&made)?;
    session
        .talk
        .say("the key is shown this once; it is sent as `Authorization: Bearer KEY`");
    Ok(Exit::Done)
}

/// A key that somebody wants.
#[derive(Debug)]
pub(crate) struct WantedKey {
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    /// The companies that it sees; none where it sees every one.
    pub(crate) connections: Option<Vec<ConnectionId>>,
    /// When it ends by itself.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// When a key ends that lives so long from now on.
pub(crate) fn end_of(parts: &Parts, lives: Duration) -> anyhow::Result<DateTime<Utc>> {
    Ok(parts.clock.now() + TimeDelta::from_std(lives)?)
}

/// Makes a key.
pub(crate) async fn create_key(parts: &Parts, mut wanted: WantedKey, who: &str) -> anyhow::Result<MadeKey> {
    check_name(&wanted.name)?;
    wanted.scopes.sort_unstable();
    wanted.scopes.dedup();
    let id = ApiKeyId::new();
    let (hash, text) = make(id);
    let new = NewApiKey {
        id,
        name: wanted.name,
        hash,
        scopes: wanted.scopes,
        connections: wanted.connections,
        expires_at: wanted.expires_at,
    };
    let key = match parts.ledger.add_api_key(&new, who).await {
        Err(LedgerError::NameTaken(name)) => {
            let what = format!("a key named `{name}` exists already");
            return Err(Problem::usage(what, "another --name, or revoke that one first").into());
        }
        made => made?,
    };
    Ok(MadeKey {
        row: KeyRow(key),
        key: text.expose_secret().to_owned(),
    })
}

async fn list(session: &Session) -> anyhow::Result<Exit> {
    let keys: Vec<ApiKey> = session.parts().await?.ledger.api_keys().await?;
    let rows: Vec<KeyRow> = keys.into_iter().map(KeyRow).collect();
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

async fn revoke(session: &Session, key: &str) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let keys = parts.ledger.api_keys().await?;
    let meant = key_meant(&keys, key)?;
    if !parts.ledger.revoke_api_key(meant.id, &session.user).await? {
        return Err(no_such_key(key).into());
    }
    session
        .talk
        .say(format!("{} ({}) is revoked", meant.name, meant.id));
    Ok(Exit::Done)
}

/// The key of that name, or whose id begins so, among those that are not revoked.
pub(crate) fn key_meant<'a>(keys: &'a [ApiKey], text: &str) -> Result<&'a ApiKey, Problem> {
    let mut open = keys.iter().filter(|key| key.revoked_at.is_none());
    if let Some(named) = open.clone().find(|key| key.name == text) {
        return Ok(named);
    }
    let digits = text.replace('-', "").to_ascii_lowercase();
    let begins = |key: &&ApiKey| !digits.is_empty() && key.id.0.simple().to_string().starts_with(&digits);
    let first = open.find(begins).ok_or_else(|| no_such_key(text))?;
    match open.find(begins) {
        None => Ok(first),
        Some(other) => Err(Problem::usage(
            format!(
                "`{text}` begins the ids of {} and {}, among others",
                first.name, other.name
            ),
            "more of the id, or the name: scheduler api-key list",
        )),
    }
}

fn no_such_key(text: &str) -> Problem {
    let what = format!("there is no key `{}` that could be revoked", text.escape_debug());
    Problem::usage(what, "scheduler api-key list")
}
