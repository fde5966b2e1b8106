//! `connection add`: a company and its credential, without a network call: a refresh would rotate the token in the
//! user's file.

use std::path::Path;

use ledgerfleet_access::{patiently, private_file};
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::{NewConnection, RemovedConnection, SealedCredential};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState};
use ledgerfleet_wiring::Parts;
use secrecy::SecretString;

use crate::cli::{AddCommand, AddQuickbooksArgs};
use crate::commands::model;
use crate::exit::{Exit, Problem};
use crate::session::{Session, aside};

pub(crate) async fn run(session: &Session, command: AddCommand) -> anyhow::Result<Exit> {
    let AddCommand::Quickbooks(args) = command;
    let wanted = wanted(&args)?;
    let secret = read_secret(&args.refresh_token_file).await?;
    if private_file::is_open_to_others(&args.refresh_token_file) {
        session.talk.warn(private_file::warning(&args.refresh_token_file));
    }
    let parts = session.parts_or_new().await?;
    let all = parts.ledger.connections().await?;
    if let Some(existing) = existing(&all, &wanted)? {
        confirm_replacement(session, existing).await?;
    }
    let (name, environment) = (args.name, wanted.environment);
    let added = add_or_replace(&parts, wanted, &secret).await?;
    model::follow(&*parts.ledger, &session.talk).await;
    let test = format!("`scheduler connection test {name}` asks whether it answers");
    session.talk.say(match added {
        Added::New => format!(
            "added {name}, in the {environment} environment (`scheduler connection set {name} --environment …` changes \
             that); {test}"
        ),
        Added::Again(before) => format!(
            "added {name}: it was connected before{}, and has its records, coverage and history again; {test}",
            if before == name { String::new() } else { format!(", as {before}") }
        ),
        Added::Updated => format!("updated {name}: its credential is replaced and it is active"),
    });
    Ok(Exit::Done)
}

/// What became of a connection that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is new.
    New,
    /// It was removed, and is what it was: under this name.
    Again(String),
    /// It was there: its credential is replaced.
    Updated,
}

fn wanted(args: &AddQuickbooksArgs) -> Result<NewConnection, Problem> {
    check_name(&args.name)?;
    check_realm(&args.realm)?;
    Ok(NewConnection {
        id: ConnectionId::new(),
        name: args.name.clone(),
        connector: "quickbooks".to_owned(),
        account: args.realm.clone(),
        environment: args.environment.into(),
        time_zone: args.time_zone,
        // What is configured holds for every connection without numbers of its own.
        requests_per_second: None,
        slots: None,
    })
}

/// A name has to fit into a comma-separated list and a line of output.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let good = !name.is_empty() && name.chars().count() <= 64 && name.chars().all(fits);
    if good && !name.eq_ignore_ascii_case("all") {
        return Ok(());
    }
    Err(Problem::usage(
        format!("`{}` cannot name a connection", name.escape_debug()),
        "--name acme-2",
    )
    .because("a name has up to 64 letters, digits, `-`, `_` and `.`, and is not `all`"))
}

pub(super) fn check_realm(realm: &str) -> Result<(), Problem> {
    if (1..=20).contains(&realm.len()) && realm.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::usage(
        format!("`{}` is no realm id", realm.escape_debug()),
        "take the company's realm id (digits only) from its address or from your app's playground",
    ))
}

/// A token from its file. A flag would show it to every user of the machine.
async fn read_secret(path: &Path) -> Result<SecretString, Problem> {
    let unusable = |why: String| {
        Problem::usage(
            format!("no refresh token can be read from {}", path.display()),
            "name a file that holds the token and nothing else: --refresh-token-file FILE",
        )
        .because(why)
    };
    // It may be a pipe that nobody has written to yet.
    let file = path.to_owned();
    let text = aside(move || std::fs::read_to_string(file)).await;
    let text = text.map_err(|error| unusable(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(unusable("the file is empty".to_owned()));
    }
    if token.contains(char::is_whitespace) {
        return Err(unusable("the file holds more than one word".to_owned()));
    }
    Ok(SecretString::from(token))
}

/// Adds a connection, or replaces the credential of the one that has its name, account and environment.
pub(crate) async fn add_or_replace(
    parts: &Parts,
    wanted: NewConnection,
    secret: &SecretString,
) -> anyhow::Result<Added> {
    let all = parts.ledger.connections().await?;
    let Some(existing) = existing(&all, &wanted)? else {
        let seal = |id, version| parts.access.seal_replacement(id, version, secret);
        return add_or_reconnect(parts, wanted, &seal).await;
    };
    replace(parts, existing, secret).await?;
    parts
        .ledger
        .set_connection_state(existing.id, ConnectionState::Active, None)
        .await?;
    Ok(Added::Updated)
}

/// Adds a company whose credential `seal` seals as the version that is asked for.
///
/// A company is known by its connector, environment and account: one that was removed is what it was.
pub(crate) async fn add_or_reconnect(
    parts: &Parts,
    wanted: NewConnection,
    seal: &(dyn Fn(ConnectionId, i64) -> SealedCredential + Sync),
) -> anyhow::Result<Added> {
    let removed = parts.ledger.removed_connections().await?;
    let before = removed.into_iter().find(|removed| {
        let connection = &removed.connection;
        connection.connector == wanted.connector
            && connection.environment == wanted.environment
            && connection.account == wanted.account
    });
    let Some(RemovedConnection {
        connection,
        last_version,
    }) = before
    else {
        let credential = seal(wanted.id, 1);
        patiently(|| parts.ledger.add_connection(&wanted, &credential)).await?;
        return Ok(Added::New);
    };
    let again = NewConnection {
        id: connection.id,
        ..wanted
    };
    let credential = seal(again.id, last_version + 1);
    patiently(|| parts.ledger.reconnect(&again, &credential)).await?;
    Ok(Added::Again(connection.name))
}

/// The connection whose credential would be replaced, if there is one.
pub(crate) fn existing<'a>(
    all: &'a [Connection],
    wanted: &NewConnection,
) -> Result<Option<&'a Connection>, Problem> {
    check_not_connected_twice(all, wanted)?;
    let existing = all.iter().find(|connection| connection.name == wanted.name);
    existing.map_or(Ok(()), |existing| check_same_company(existing, wanted))?;
    Ok(existing)
}

/// Whoever connected a company keeps the file; its token is stale as soon as it has been used.
async fn confirm_replacement(session: &Session, existing: &Connection) -> anyhow::Result<()> {
    if existing.state != ConnectionState::Active {
        return Ok(());
    }
    let name = &existing.name;
    let question = format!(
        "Replace the credential of {name}? It is connected and active; its token rotates with use, so a file that was \
         used before is stale. `scheduler connection test {name}` checks it as it is."
    );
    session.confirm(&question).await
}

/// Two connections for one company would each get the whole quota and rotate each other's token away.
fn check_not_connected_twice(all: &[Connection], wanted: &NewConnection) -> Result<(), Problem> {
    let is_same = |connection: &&Connection| {
        connection.connector == wanted.connector
            && connection.account == wanted.account
            && connection.environment == wanted.environment
            && connection.name != wanted.name
    };
    match all.iter().find(is_same) {
        None => Ok(()),
        Some(other) => Err(Problem::usage(
            format!(
                "realm {} is connected already, as `{}`",
                wanted.account, other.name
            ),
            format!(
                "use --name {}; `scheduler connection set {} --name {}` renames it",
                other.name, other.name, wanted.name
            ),
        )
        .because("two connections would spend the company's quota twice and rotate each other's token away")),
    }
}

fn check_same_company(existing: &Connection, wanted: &NewConnection) -> Result<(), Problem> {
    if existing.connector == wanted.connector
        && existing.account == wanted.account
        && existing.environment == wanted.environment
    {
        return Ok(());
    }
    let title = connector_entry(&existing.connector).map_or(existing.connector.as_str(), |entry| entry.title);
    let name = &wanted.name;
    let next = if (&existing.connector, &existing.account) == (&wanted.connector, &wanted.account) {
        let environment = wanted.environment;
        format!(
            "`scheduler connection set {name} --environment {environment}` moves it, or choose another --name"
        )
    } else {
        format!("choose another --name, or give it another: `scheduler connection set {name} --name …`")
    };
    Err(Problem::usage(
        format!("a connection named `{name}` exists already, for another company"),
        next,
    )
    .because(format!(
        "it is realm {} of {title}, {}",
        existing.account, existing.environment
    )))
}

/// Replaces the credential; again, if a refresh elsewhere was first: the person's is the one to use.
async fn replace(parts: &Parts, connection: &Connection, secret: &SecretString) -> anyhow::Result<()> {
    loop {
        let current = parts.ledger.credential(connection.id).await?;
        let version = current.map_or(0, |credential| credential.version);
        let credential = parts.access.seal_replacement(connection.id, version + 1, secret);
        if parts
            .ledger
            .replace_credential(connection.id, version, &credential)
            .await?
        {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_list_and_a_realm_is_a_number() {
        assert!(check_name("acme-2").is_ok());
        assert!(check_name("Café_3.1").is_ok());
        for wrong in ["", "all", "ALL", "a,b", "a b", "a\n", "a/b"] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
        assert!(check_realm("9341453172067236").is_ok());
        for wrong in ["", "12a", "١٢", "123456789012345678901"] {
            assert!(check_realm(wrong).is_err(), "{wrong:?}");
        }
    }
}
