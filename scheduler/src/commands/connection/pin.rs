//! Pin: a key alone tells whose books it opens. The company that its upstream names first stays the connection's company, and
//! a key of another one is refused before anything is read with it.

use ledgerfleet_connectors::{Account, ConnectorEntry, Identity, connector_entry};
use ledgerfleet_ledger::{ConnectionChange, LedgerError, NewConnection, Purge, RemovedConnection};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState};
use ledgerfleet_wiring::Parts;

use super::add::is_unknown;
use super::key::park;
use crate::exit::{Exit, Problem};

/// Keeps the company's id, or holds it against the one that is kept. Answers the company's connection: another one where it
/// turns out to be a company that was removed, which then has its history again.
pub(super) async fn pin(
    parts: &Parts,
    connection: &Connection,
    company: &Identity,
) -> anyhow::Result<ConnectionId> {
    match &company.account {
        None if is_pinned(connection) && connection.state == ConnectionState::NeedsReauthorisation => {
            Err(not_told(connection).into())
        }
        None => Ok(connection.id),
        Some(account) if connection.account == *account => Ok(connection.id),
        Some(account) if is_unknown(&connection.account) => keep(parts, connection, account).await,
        Some(account) => {
            park(parts, connection, "its key opens the books of another company").await?;
            Err(of_another(connection, account).into())
        }
    }
}

async fn keep(parts: &Parts, connection: &Connection, account: &str) -> anyhow::Result<ConnectionId> {
    if connection.state == ConnectionState::NeedsReauthorisation
        && let Some(before) = removed(parts, connection, account).await?
    {
        return take_up_again(parts, connection, before).await;
    }
    let change = ConnectionChange {
        account: Some(account.to_owned()),
        ..ConnectionChange::default()
    };
    match parts.ledger.change_connection(connection.id, &change).await {
        Ok(_) => Ok(connection.id),
        Err(LedgerError::CompanyTaken(_)) => {
            park(parts, connection, "its company is connected under another name").await?;
            let (name, word) = (&connection.name, word(connection));
            let what =
                format!("the key of {name} opens the books of {word} {account}, which are connected already");
            let next = format!("scheduler connection list -o json, then: scheduler connection remove {name}");
            Err(Problem::new(Exit::NeedsAuthorisation, what, next).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The company of that id, if it was connected before and removed.
async fn removed(
    parts: &Parts,
    connection: &Connection,
    account: &str,
) -> anyhow::Result<Option<RemovedConnection>> {
    let removed = parts.ledger.removed_connections().await?;
    Ok(removed.into_iter().find(|removed| {
        let before = &removed.connection;
        before.connector == connection.connector
            && before.environment == connection.environment
            && before.account == account
    }))
}

/// Gives a removed company its history again, under the name and with the key of a connection of which nothing was read.
async fn take_up_again(
    parts: &Parts,
    connection: &Connection,
    before: RemovedConnection,
) -> anyhow::Result<ConnectionId> {
    let token = parts.access.token(connection).await?;
    let again = NewConnection {
        id: before.connection.id,
        name: connection.name.clone(),
        connector: connection.connector.clone(),
        account: before.connection.account,
        environment: connection.environment,
        time_zone: connection.time_zone,
        requests_per_second: connection.requests_per_second,
        slots: connection.slots,
    };
    let version = before.last_version + 1;
    let sealed = || parts.access.seal_replacement(again.id, version, token.secret());
    // The name is free once the connection that had it is gone.
    parts
        .ledger
        .remove_connection(connection.id, Purge::KeepRecords)
        .await?;
    let reconnect = || async { parts.ledger.reconnect(&again, &sealed()).await };
    parts.access.store_sealed(reconnect).await?;
    Ok(again.id)
}

/// Whether a company's id was once told by its key.
fn is_pinned(connection: &Connection) -> bool {
    let entry = connector_entry(&connection.connector);
    let is_of_key = entry.is_some_and(|entry| matches!(entry.account, Account::OfKey { .. }));
    is_of_key && !is_unknown(&connection.account)
}

/// A key that answers may be that of another company, whose books would take the place of this one's.
fn not_told(connection: &Connection) -> Problem {
    let (name, word) = (&connection.name, word(connection));
    let what = format!(
        "the key of {name} answers, but nothing tells now whether it opens the books of {word} {}, which {name} has",
        connection.account
    );
    let next = format!("a little later: scheduler connection test {name}");
    Problem::new(Exit::NeedsAuthorisation, what, next)
}

fn of_another(connection: &Connection, account: &str) -> Problem {
    let (name, word) = (&connection.name, word(connection));
    let what = format!(
        "the key of {name} opens the books of {word} {account}, and {name} has those of {word} {}",
        connection.account
    );
    let again = connector_entry(&connection.connector)
        .map(|entry| entry.connect_command(name, &connection.account))
        .unwrap_or_default();
    Problem::new(
        Exit::NeedsAuthorisation,
        what,
        format!(
            "give it the key of its own company: {again}; the other company is connected under another --name"
        ),
    )
}

fn word(connection: &Connection) -> &'static str {
    connector_entry(&connection.connector).map_or("account", ConnectorEntry::account_word)
}
