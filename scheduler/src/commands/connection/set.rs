//! `connection set`: a company gets another name, or is moved to the other environment, where it is.

use std::time::Duration;

use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::{ConnectionChange, Ledger, LedgerError};
use ledgerfleet_model::{Connection, Environment};

use super::add::{check_name, company_of};
use super::remove::records;
use crate::cli::{Every, SetConnectionArgs};
use crate::commands::model;
use crate::exit::{Exit, Problem};
use crate::output::{counted, span};
use crate::session::Session;
use ledgerfleet_planning::connection_named;
use ledgerfleet_planning::sync::next_due;
use ledgerfleet_wiring::Parts;

pub(super) async fn run(session: &Session, args: &SetConnectionArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let ledger = &*parts.ledger;
    let connection = connection_named(ledger, &args.connection).await?;
    let change = ConnectionChange {
        name: args.changes.name.clone(),
        environment: args.changes.environment.map(Environment::from),
        account: None,
    };
    check(ledger, &connection, &change).await?;
    if let Some(environment) = change.environment {
        check_nothing_is_kept(ledger, &connection, environment).await?;
    }
    if let Some(every) = args.changes.sync_every {
        let interval = schedule(&parts, session.settings.sync.every, &connection, every).await?;
        tell_schedule(session, &connection.name, interval);
        if change.name.is_none() && change.environment.is_none() {
            return Ok(Exit::Done);
        }
    }
    let changed = ledger.change_connection(connection.id, &change).await?;
    model::follow(ledger, &session.talk).await;
    tell(session, &connection, &changed);
    Ok(Exit::Done)
}

/// Refuses what cannot be.
pub(crate) async fn check(
    ledger: &dyn Ledger,
    connection: &Connection,
    change: &ConnectionChange,
) -> anyhow::Result<()> {
    if let Some(name) = &change.name {
        check_name(name)?;
        check_free(ledger, connection, name).await?;
    }
    if change.environment.is_some() {
        check_has_environments(connection)?;
    }
    Ok(())
}

/// Sets how often it is synced, and answers that; `usual` is the configured interval.
pub(crate) async fn schedule(
    parts: &Parts,
    usual: Duration,
    connection: &Connection,
    every: Every,
) -> Result<Duration, LedgerError> {
    let stored = every.stored();
    let interval = stored.unwrap_or(usual);
    let now = parts.ledger.clock().await?.now;
    let due_at = next_due(connection.id, interval, now);
    parts.ledger.schedule_sync(connection.id, stored, due_at).await?;
    Ok(interval)
}

fn tell_schedule(session: &Session, name: &str, interval: Duration) {
    session.talk.say(if interval.is_zero() {
        format!(
            "{name} is not synced from now on, but when somebody asks: scheduler sync --connection {name}"
        )
    } else {
        let pace = span(interval.as_secs_f64());
        format!("{name} is synced every {pace} while `scheduler serve` runs")
    });
}

async fn check_free(ledger: &dyn Ledger, connection: &Connection, name: &str) -> anyhow::Result<()> {
    let all = ledger.connections().await?;
    let other = all
        .iter()
        .find(|other| other.name == name && other.id != connection.id);
    other.map_or(Ok(()), |other| {
        let what = format!("`{name}` is the name of {} already", company_of(other));
        Err(Problem::usage(what, "choose another --name").into())
    })
}

fn check_has_environments(connection: &Connection) -> Result<(), Problem> {
    let entry = connector_entry(&connection.connector);
    if entry.is_none_or(|entry| !entry.environments.is_empty()) {
        return Ok(());
    }
    let (name, title) = (&connection.name, entry.map_or("", |entry| entry.title));
    Err(Problem::usage(
        format!("{name} is of {title}, which has no environments"),
        format!(
            "leave --environment out; another address is given when it is added: scheduler connection add {} --help",
            connection.connector
        ),
    ))
}

/// Records that were copied from another environment than this. A company of this one is another company, and may have ids of
/// theirs.
pub(crate) async fn left_behind(
    ledger: &dyn Ledger,
    connection: &Connection,
    environment: Environment,
) -> Result<u64, LedgerError> {
    if connection.environment == environment {
        return Ok(0);
    }
    Ok(records(ledger).await?.get(&connection.id).copied().unwrap_or(0))
}

async fn check_nothing_is_kept(
    ledger: &dyn Ledger,
    connection: &Connection,
    environment: Environment,
) -> anyhow::Result<()> {
    let kept = left_behind(ledger, connection, environment).await?;
    if kept == 0 {
        return Ok(());
    }
    let (name, before) = (&connection.name, connection.environment);
    let kept = counted(kept, "record");
    Err(Problem::usage(
        format!("{name} has {kept} of {before}, and a company of {environment} is another one"),
        format!(
            "if they are to go: scheduler connection remove {name} --purge-data, then add it in {environment}; if they are to \
             stay: add the one of {environment} under another name"
        ),
    )
    .into())
}

fn tell(session: &Session, before: &Connection, now: &Connection) {
    if before.name != now.name {
        session
            .talk
            .say(format!("{} is called {} from now on", before.name, now.name));
    }
    if before.environment != now.environment {
        let (name, environment) = (&now.name, now.environment);
        session.talk.say(format!(
            "{name} is asked for in the {environment} environment from now on; `scheduler connection test {name}` tells \
             whether it answers there"
        ));
    }
    if (&before.name, before.environment) == (&now.name, now.environment) {
        session.talk.say(format!("{} is like that already", now.name));
    }
}
