//! `connection add`: a company and its credential, without a network call: a refresh would rotate the token in the
//! user's file.

use std::path::Path;

use ledgerfleet_access::private_file;
use ledgerfleet_config::{base_address, is_loopback};
use ledgerfleet_connectors::{Account, ConnectorEntry, CredentialField, connector_entry};
use ledgerfleet_ledger::{NewConnection, RemovedConnection, SealedCredential};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment};
use ledgerfleet_planning::ring;
use ledgerfleet_planning::sync::sync_at_once;
use ledgerfleet_wiring::Parts;
use secrecy::{ExposeSecret, SecretString};

use super::{credential, key};
use crate::cli::AddCommand;
use crate::commands::model;
use crate::exit::{Exit, Problem};
use crate::session::{Session, aside};

pub(crate) async fn run(session: &Session, command: AddCommand) -> anyhow::Result<Exit> {
    check_name(&command.name)?;
    let secret = read_credential(session, &command).await?;
    let wanted = wanted(&command, &secret)?;
    let parts = session.parts_or_new().await?;
    let all = parts.ledger.connections().await?;
    let existing = existing(&all, &wanted)?;
    if let Some(existing) = existing {
        confirm_replacement(session, existing).await?;
    }
    let added = match existing {
        Some(existing) if is_of_key(command.entry) => {
            key::replace(&parts, existing, &secret).await?;
            Added::Updated
        }
        _ => add_or_replace(&parts, wanted.clone(), &secret).await?,
    };
    let waits = added == Added::New && may_be_known(&parts, &wanted).await?;
    if waits {
        key::await_first_test(&parts, wanted.id).await?;
    }
    model::follow(&*parts.ledger, &session.talk).await;
    session.talk.say(told(&command, &wanted, &added));
    if waits {
        session.talk.say(format!(
            "a company of {} was removed, and this may be it: nothing is read before that test, which gives it its history \
             again",
            command.entry.name
        ));
    }
    Ok(Exit::Done)
}

/// Whether a company of which nothing but a key is known may be one that was removed: read before that is known, its books
/// would be there twice.
async fn may_be_known(parts: &Parts, wanted: &NewConnection) -> anyhow::Result<bool> {
    if !is_unknown(&wanted.account) {
        return Ok(false);
    }
    let removed = parts.ledger.removed_connections().await?;
    Ok(removed.iter().any(|removed| {
        let connection = &removed.connection;
        connection.connector == wanted.connector && !is_unknown(&connection.account)
    }))
}

/// What is told of an addition.
fn told(command: &AddCommand, wanted: &NewConnection, added: &Added) -> String {
    let (name, environment) = (&command.name, wanted.environment);
    let test = if is_of_key(command.entry) {
        format!("`scheduler connection test {name}` asks whether it answers, and whose books its key opens")
    } else {
        format!("`scheduler connection test {name}` asks whether it answers")
    };
    match added {
        Added::New if command.entry.environments.is_empty() => format!("added {name}; {test}"),
        Added::New => format!(
            "added {name}, in the {environment} environment (`scheduler connection set {name} --environment …` changes \
             that); {test}"
        ),
        Added::Again(before) => format!(
            "added {name}: it was connected before{}, and has its history again, and what was kept of its records and coverage; {test}",
            if before == name {
                String::new()
            } else {
                format!(", as {before}")
            }
        ),
        Added::Updated if is_of_key(command.entry) => {
            format!("updated {name}: its credential is replaced and waits to be tested; {test}")
        }
        Added::Updated => format!("updated {name}: its credential is replaced and it is active"),
    }
}

pub(super) fn is_of_key(entry: &ConnectorEntry) -> bool {
    matches!(entry.account, Account::OfKey { .. })
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

fn wanted(command: &AddCommand, secret: &SecretString) -> Result<NewConnection, Problem> {
    let entry = command.entry;
    let account = match (entry.account, &command.account) {
        (Account::Asked { what, digits, .. }, account) => {
            let account = account.as_deref().unwrap_or_default();
            check_account(account, what, digits)?;
            account.to_owned()
        }
        (Account::OfKey { .. }, _) => unknown_account(secret),
    };
    Ok(NewConnection {
        id: ConnectionId::new(),
        name: command.name.clone(),
        connector: entry.name.to_owned(),
        account,
        environment: command.environment.unwrap_or(Environment::Production),
        time_zone: command.time_zone,
        // What is configured holds for every connection without numbers of its own.
        requests_per_second: None,
        slots: None,
    })
}

/// Stands for the id of a company that its upstream has not told yet: the same for the same key, and nothing else.
fn unknown_account(secret: &SecretString) -> String {
    let key = secret.expose_secret().split(' ').next().unwrap_or_default();
    format!("{UNKNOWN}{}", &blake3::hash(key.as_bytes()).to_hex()[..16])
}

const UNKNOWN: &str = "key:";

/// Whether a company's id is not known yet.
pub(super) fn is_unknown(account: &str) -> bool {
    account.starts_with(UNKNOWN)
}

/// A company as its upstream calls it: `realm 9130347`.
pub(super) fn company_of(connection: &Connection) -> String {
    let word = connector_entry(&connection.connector).map_or("account", ConnectorEntry::account_word);
    if is_unknown(&connection.account) {
        return format!("the company of {}", connection.name);
    }
    format!("{word} {}", connection.account)
}

/// What names no connection: the word for every one, and what the HTTP API has at the place of a name.
const RESERVED: [&str; 2] = ["all", "authorize"];

/// A name has to fit into a comma-separated list and a line of output.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let good = !name.is_empty() && name.chars().count() <= 64 && name.chars().all(fits);
    if good && !RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    Err(Problem::usage(
        format!("`{}` cannot name a connection", name.escape_debug()),
        "--name acme-2",
    )
    .because("a name has up to 64 letters, digits, `-`, `_` and `.`, and is neither `all` nor `authorize`"))
}

pub(super) fn check_account(account: &str, what: &str, digits: usize) -> Result<(), Problem> {
    if (1..=digits).contains(&account.len()) && account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::usage(
        format!("`{}` is no {what}", account.escape_debug()),
        format!("take the company's {what} (digits only) from its address or from your app's playground"),
    ))
}

/// The texts of a credential, each from its file; the one that requests are made with, and behind it the address that it
/// is for, if the connection has one of its own: a key goes nowhere else.
async fn read_credential(session: &Session, command: &AddCommand) -> Result<SecretString, Problem> {
    let address = command
        .api_url
        .as_deref()
        .map(|url| own_address(session, command.entry, url));
    let address = address.transpose()?;
    let mut kept = SecretString::default();
    let mut others = Vec::new();
    for (field, path) in &command.files {
        let secret = read_secret(field, path).await?;
        if private_file::is_open_to_others(path) {
            session.talk.warn(private_file::warning(path));
        }
        if field.is_kept {
            kept = secret;
        } else {
            others.push((field, secret));
        }
    }
    if let Some((field, _)) = others
        .iter()
        .find(|(_, other)| other.expose_secret() == kept.expose_secret())
    {
        let what = format!(
            "both files hold the same text, so one of them is not the {}",
            field.what
        );
        return Err(Problem::usage(
            what,
            format!("scheduler connection add {} --help", command.entry.name),
        ));
    }
    Ok(match address {
        Some(address) => SecretString::from(format!("{} {address}", kept.expose_secret())),
        None => kept,
    })
}

/// An address that a key may be sent to.
fn own_address(session: &Session, entry: &ConnectorEntry, url: &str) -> Result<String, Problem> {
    let Some(address) = base_address(url) else {
        let what = format!("`{}` is no address of an API", url.escape_debug());
        let next = "--api-url https://HOST/sistema, without user, query or fragment";
        return Err(Problem::usage(what, next));
    };
    let host = address.host_str().unwrap_or_default();
    let is_of = |domain: &&str| host == *domain || host.ends_with(&format!(".{domain}"));
    let is_own = address.scheme() == "https" && entry.domains.iter().any(is_of);
    if !is_own && !is_loopback(&address) && !session.settings.allow_custom_endpoints {
        let what = format!(
            "{host} is no address of {}; the key would be sent there",
            entry.title
        );
        let next = "leave --api-url out, or allow other addresses on purpose: LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS=true";
        return Err(Problem::usage(what, next));
    }
    Ok(address.as_str().trim_end_matches('/').to_owned())
}

/// A secret from its file. A flag would show it to every user of the machine.
async fn read_secret(field: &CredentialField, path: &Path) -> Result<SecretString, Problem> {
    let CredentialField { flag, what, .. } = *field;
    let unusable = |why: String| {
        Problem::usage(
            format!("no {what} can be read from {}", path.display()),
            format!("name a file that holds the {what} and nothing else: --{flag} FILE"),
        )
        .because(why)
    };
    // It may be a pipe that nobody has written to yet.
    let file = path.to_owned();
    let text = aside(move || std::fs::read_to_string(file)).await;
    let text = text.map_err(|error| unusable(error.to_string()))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(unusable("the file is empty".to_owned()));
    }
    if secret.contains(char::is_whitespace) {
        return Err(unusable("the file holds more than one word".to_owned()));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable(
            "the file holds characters that no key and no token has".to_owned(),
        ));
    }
    Ok(SecretString::from(secret))
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
    credential::replace(parts, existing, secret).await?;
    parts
        .ledger
        .set_connection_state(existing.id, ConnectionState::Active, None)
        .await?;
    sync_at_once(&*parts.ledger, existing.id).await?;
    ring(&*parts.bell).await;
    Ok(Added::Updated)
}

/// Adds a company whose credential `seal` seals as the version that is asked for.
///
/// A company is known by its connector, environment and account: one that was removed is what it was, and due at once for
/// what has happened meanwhile.
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
        let add = || async { parts.ledger.add_connection(&wanted, &seal(wanted.id, 1)).await };
        parts.access.store_sealed(add).await?;
        return Ok(Added::New);
    };
    let again = NewConnection {
        id: connection.id,
        ..wanted
    };
    let sealed = || seal(again.id, last_version + 1);
    let reconnect = || async { parts.ledger.reconnect(&again, &sealed()).await };
    parts.access.store_sealed(reconnect).await?;
    sync_at_once(&*parts.ledger, again.id).await?;
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
            if is_unknown(&other.account) {
                format!("this key is connected already, as `{}`", other.name)
            } else {
                format!("{} is connected already, as `{}`", company_of(other), other.name)
            },
            format!(
                "use --name {}; `scheduler connection set {} --name {}` renames it",
                other.name, other.name, wanted.name
            ),
        )
        .because("two connections would spend the company's quota twice and rotate each other's token away")),
    }
}

fn check_same_company(existing: &Connection, wanted: &NewConnection) -> Result<(), Problem> {
    // Another key may be that of the same company; it is asked before anything is read with it.
    let is_same_account = existing.account == wanted.account || is_unknown(&wanted.account);
    if existing.connector == wanted.connector && is_same_account && existing.environment == wanted.environment
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
        "it is {} of {title}, {}",
        company_of(existing),
        existing.environment
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_list_and_a_realm_is_a_number() {
        assert!(check_name("acme-2").is_ok());
        assert!(check_name("Café_3.1").is_ok());
        for wrong in ["", "all", "ALL", "authorize", "a,b", "a b", "a\n", "a/b"] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
        assert!(check_account("9341453172067236", "realm id", 20).is_ok());
        for wrong in ["", "12a", "١٢", "123456789012345678901"] {
            assert!(check_account(wrong, "realm id", 20).is_err(), "{wrong:?}");
        }
    }
}
