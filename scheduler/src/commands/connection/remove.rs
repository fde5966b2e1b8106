//! `connection remove` and `connection purge`: a company goes, and its records with it or later.

use std::collections::HashMap;

use ledgerfleet_connectors::Revocation;
use ledgerfleet_ledger::{Ledger, LedgerError, Purge};
use ledgerfleet_model::{Connection, ConnectionId};
use ledgerfleet_planning::{SelectionError, connection_named};

use ledgerfleet_wiring::Parts;

use super::add::company_of;
use crate::commands::model;
use crate::exit::{Exit, Problem, explain};
use crate::output::counted;
use crate::session::Session;

/// What to do with a consent that cannot be ended at the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenConsent {
    /// The company is not removed.
    Refuse,
    /// The company is removed all the same.
    Leave,
}

/// Removes a company. The records of one that is removed already can still be deleted by its name.
pub(super) async fn remove(
    session: &Session,
    name: &str,
    purge: Purge,
    consent: OpenConsent,
) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let ledger = &*parts.ledger;
    let unknown = match connection_named(ledger, name).await {
        Ok(connection) => {
            let records = records(ledger).await?.get(&connection.id).copied().unwrap_or(0);
            return remove_connected(session, &parts, &connection, records, (purge, consent)).await;
        }
        Err(unknown) => unknown,
    };
    let of_that_name: Vec<Connection> = removed(ledger)
        .await?
        .into_iter()
        .filter(|connection| connection.name == name)
        .collect();
    match (&unknown, purge) {
        (SelectionError::Ledger(_), _) | (_, Purge::KeepRecords) => Err(unknown.into()),
        _ if of_that_name.is_empty() => Err(unknown.into()),
        _ => purge_these(session, ledger, &of_that_name).await,
    }
}

/// Deletes the records of every removed company.
pub(super) async fn purge(session: &Session) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let gone = removed(&*parts.ledger).await?;
    purge_these(session, &*parts.ledger, &gone).await
}

async fn remove_connected(
    session: &Session,
    parts: &Parts,
    connection: &Connection,
    records: u64,
    (purge, consent): (Purge, OpenConsent),
) -> anyhow::Result<Exit> {
    let ledger = &*parts.ledger;
    let (name, records) = (&connection.name, counted(records, "record"));
    let fate = match purge {
        Purge::KeepRecords => format!("its {records} are kept and taken up when it is added again"),
        Purge::DeleteRecords => format!("its {records} are deleted"),
    };
    let question =
        format!("Remove {name}? Its credential is deleted, its unfinished segments are cancelled, {fate}.");
    session.confirm(&question).await?;
    match end_consent(parts, connection, consent).await? {
        ConsentEnd::Now => session
            .talk
            .say(format!("the consent of {name} is ended at its upstream")),
        ConsentEnd::Before => {}
        ConsentEnd::Open(why) => session.talk.warn(format!(
            "the consent of {name} is not ended at its upstream ({why}): the owner of the company can end it there"
        )),
    }
    let deleted = ledger.remove_connection(connection.id, purge).await?;
    model::follow(ledger, &session.talk).await;
    session.talk.say(match purge {
        Purge::DeleteRecords => format!("removed {name}; {} deleted", counted(deleted, "record")),
        Purge::KeepRecords => format!(
            "removed {name}; {records} kept. `scheduler connection add` takes them up again; `scheduler connection \
             remove {name} --purge-data` deletes them"
        ),
    });
    Ok(Exit::Done)
}

/// What has become of a consent.
#[derive(Debug)]
pub(crate) enum ConsentEnd {
    /// It was ended.
    Now,
    /// There was none, or it had ended.
    Before,
    /// It is still good, and why.
    Open(String),
}

/// Ends the consent at the upstream first: afterwards the credential is gone, and nobody could.
pub(crate) async fn end_consent(
    parts: &Parts,
    connection: &Connection,
    consent: OpenConsent,
) -> anyhow::Result<ConsentEnd> {
    let name = &connection.name;
    let error = match parts.access.revoke(connection).await {
        Ok(Revocation::Revoked) => return Ok(ConsentEnd::Now),
        Ok(Revocation::HadEnded | Revocation::NothingToRevoke) => return Ok(ConsentEnd::Before),
        Err(error) => error,
    };
    if consent == OpenConsent::Leave {
        return Ok(ConsentEnd::Open(error.to_string()));
    }
    let exit = explain(&error).map_or(Exit::Failed, |problem| problem.exit);
    let next = format!(
        "run it again later, or leave the consent as it is: scheduler connection remove {name} --force"
    );
    let what = format!("{name} is not removed, because its consent could not be ended at its upstream");
    Err(Problem::new(exit, what, next).because(error.to_string()).into())
}

async fn purge_these(session: &Session, ledger: &dyn Ledger, gone: &[Connection]) -> anyhow::Result<Exit> {
    let records = records(ledger).await?;
    let kept: Vec<(&Connection, u64)> = gone
        .iter()
        .filter_map(|connection| Some((connection, *records.get(&connection.id)?)))
        .collect();
    if kept.is_empty() {
        session.talk.say("no removed company has records");
        return Ok(Exit::Done);
    }
    let listed: Vec<String> = kept
        .iter()
        .map(|(connection, records)| {
            let (name, company) = (&connection.name, company_of(connection));
            format!("{name} ({company}): {}", counted(*records, "record"))
        })
        .collect();
    let question = format!("Delete the records of removed companies? {}.", listed.join("; "));
    session.confirm(&question).await?;
    for (connection, _) in kept {
        let deleted = ledger
            .remove_connection(connection.id, Purge::DeleteRecords)
            .await?;
        session.talk.say(format!(
            "{}: {} deleted",
            connection.name,
            counted(deleted, "record")
        ));
    }
    Ok(Exit::Done)
}

async fn removed(ledger: &dyn Ledger) -> Result<Vec<Connection>, LedgerError> {
    let removed = ledger.removed_connections().await?;
    Ok(removed.into_iter().map(|removed| removed.connection).collect())
}

/// The records of each connection that has any, deleted rows included.
pub(crate) async fn records(ledger: &dyn Ledger) -> Result<HashMap<ConnectionId, u64>, LedgerError> {
    let mut records = HashMap::new();
    for totals in ledger.entity_totals().await? {
        *records.entry(totals.connection).or_default() += totals.live + totals.deleted;
    }
    Ok(records)
}
