//! Sync due: a company whose time has come is planned and submitted, in the live lane.
//!
//! What is submitted in a second is bounded by half as much again as the average, so that neither chance nor an outage
//! makes a herd. Who was late by more than its interval (nobody led, or the machine slept) is due anew within minutes, each in a
//! place of its own, and not at once.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::syncing::Planned;
use ledgerfleet_ledger::{LedgerError, SyncSchedule};
use ledgerfleet_model::{Connection, Lane};
use ledgerfleet_planning::sync::{Scope, Subject, next_due, plan_sync, submit_sync};
use tracing::{debug, warn};

use crate::duty::Context;
use crate::error::DutyError;

/// Over how long companies are spread that were late by more than their interval.
const SPREAD: Duration = Duration::from_mins(5);

/// Submits what is due; answers how many companies were looked at.
pub(crate) async fn sync_due(of: &Context) -> Result<usize, DutyError> {
    let Some(pace) = &of.sync else { return Ok(0) };
    let rate = of.ledger.syncs_a_second(pace.every).await?;
    if rate <= 0.0 {
        return Ok(0);
    }
    let due = of.ledger.due_syncs(pace.every, most(rate)).await?;
    if due.is_empty() {
        return Ok(0);
    }
    // What is due is due by the ledger's clock, whatever this machine's says.
    let now = of.ledger.clock().await?.now;
    for schedule in &due {
        let Some(connection) = of.ledger.connection(schedule.connection).await? else {
            continue;
        };
        let Err(error) = sync(of, schedule, Arc::new(connection), now).await else {
            continue;
        };
        if error.is_passing() {
            return Err(error.into());
        }
        // One company that cannot be submitted holds back no other, and is not tried again at once.
        warn!(connection = %schedule.connection, error = &error as &dyn std::error::Error, "its sync was not submitted");
        let every = schedule.every.unwrap_or(pace.every);
        let due_at = next_due(schedule.connection, every, now);
        of.ledger
            .sync_planned(schedule.connection, Planned::default(), due_at)
            .await?;
    }
    Ok(due.len())
}

/// How many companies are asked for in a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 10,000"
)]
fn most(rate: f64) -> u32 {
    (rate * 1.5).ceil().clamp(1.0, 10_000.0) as u32
}

async fn sync(
    of: &Context,
    schedule: &SyncSchedule,
    connection: Arc<Connection>,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let Some(pace) = &of.sync else { return Ok(()) };
    let every = schedule.every.unwrap_or(pace.every);
    let late = now - schedule.due_at;
    let is_old = late > TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX);
    // After an outage companies are spread anew, and soon: a machine that is seldom on is never on in the place of a day.
    let due_at = next_due(connection.id, if is_old { every.min(SPREAD) } else { every }, now);
    let company = connector_entry(&connection.connector).zip(of.connectors.get(&connection.connector));
    let Some((entry, connector)) = company.filter(|_| !is_old) else {
        // A company of a connector that only a newer program has is that program's to sync.
        debug!(connection = %connection.id, late = %late, "due in its place again");
        return of
            .ledger
            .sync_planned(connection.id, Planned::default(), due_at)
            .await;
    };
    let subject = Subject {
        connection: &connection,
        entry,
        changes: connector.changes(),
        entities: &[],
        scope: Scope::Due,
        lane: Lane::Live,
    };
    let plan = plan_sync(&*of.ledger, &subject, pace, now).await?;
    submit_sync(&*of.ledger, &*of.bell, connection.id, plan, due_at).await?;
    Ok(())
}
