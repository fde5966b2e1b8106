//! How the state of a sync is shown.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{SyncSchedule, SyncState};
use ledgerfleet_model::{Connection, ConnectionState, FailureKind};
use serde::Serialize;

use crate::output::{instant, row, span};

/// What is the same of all entities of a company.
pub(crate) struct Standing<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) schedule: Option<&'a SyncSchedule>,
    /// The configured interval.
    pub(crate) usual: Duration,
    pub(crate) now: DateTime<Utc>,
}

/// Names of entities that fail, told at most.
const NAMED: usize = 3;

/// How a whole company is in sync, in a word; none where nobody has asked for that.
pub(crate) fn word(standing: &Standing<'_>, states: &[&SyncState]) -> Option<String> {
    let every = standing.schedule?.every.unwrap_or(standing.usual);
    let mut failing: Vec<&str> = states
        .iter()
        .filter(|state| state.failures > 0)
        .map(|state| state.entity.as_str())
        .collect();
    let more = failing.len().saturating_sub(NAMED);
    failing.truncate(NAMED);
    let first = states.is_empty() || states.iter().any(|state| state.succeeded_at.is_none());
    Some(match standing.connection.state {
        ConnectionState::Active if !failing.is_empty() => {
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("failing: {}{more}", failing.join(", "))
        }
        ConnectionState::Active if every.is_zero() => "off".to_owned(),
        ConnectionState::Active if first => "first sync".to_owned(),
        ConnectionState::Active => "in sync".to_owned(),
        other => other.as_str().to_owned(),
    })
}

/// Seconds since the oldest checkpoint of a company; never below zero, whichever clock is ahead.
pub(crate) fn oldest(states: &[&SyncState], now: DateTime<Utc>) -> Option<i64> {
    let oldest = states.iter().filter_map(|state| state.checkpoint).min()?;
    Some((now - oldest).num_seconds().max(0))
}

/// One entity of one company.
#[derive(Serialize)]
pub(crate) struct StateRow {
    pub(crate) connection: String,
    pub(crate) entity: String,
    /// `in sync`, `first sync`, `failing`, or why nothing is asked: `paused`, `needs_reauthorisation`, `off`.
    pub(crate) state: String,
    pub(crate) checkpoint: Option<DateTime<Utc>>,
    /// Seconds from the checkpoint to now; never below zero, whichever clock is ahead.
    pub(crate) lag_seconds: Option<i64>,
    pub(crate) last_attempt_at: DateTime<Utc>,
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    pub(crate) failures: u32,
    pub(crate) cause: Option<FailureKind>,
    pub(crate) message: Option<String>,
    pub(crate) next_at: Option<DateTime<Utc>>,
}

impl StateRow {
    pub(crate) fn of(standing: &Standing<'_>, state: &SyncState) -> Self {
        let every = standing
            .schedule
            .map(|schedule| schedule.every.unwrap_or(standing.usual));
        let is_off = every.is_some_and(|every| every.is_zero());
        let word = match standing.connection.state {
            ConnectionState::Active if state.failures > 0 => "failing",
            ConnectionState::Active if is_off => "off",
            ConnectionState::Active if state.succeeded_at.is_none() => "first sync",
            ConnectionState::Active => "in sync",
            other => other.as_str(),
        };
        let lag = state
            .checkpoint
            .map(|checkpoint| (standing.now - checkpoint).num_seconds().max(0));
        Self {
            connection: standing.connection.name.clone(),
            entity: state.entity.clone(),
            state: word.to_owned(),
            checkpoint: state.checkpoint,
            lag_seconds: lag,
            last_attempt_at: state.attempted_at,
            last_success_at: state.succeeded_at,
            failures: state.failures,
            cause: state.cause,
            message: state.message.clone(),
            next_at: standing
                .schedule
                .filter(|_| !is_off)
                .map(|schedule| schedule.due_at),
        }
    }
}

row! {
    StateRow as row,
    TEXTS = ["message"],
    LESSER = ["last attempt", "next", "message"],
    "connection" => row.connection,
    "entity" => row.entity,
    "state" => row.state,
    "checkpoint" => row.checkpoint.map_or_else(String::new, instant),
    "lag" => row.lag_seconds.map_or_else(String::new, lag),
    "last success" => row.last_success_at.map_or_else(|| "never".to_owned(), instant),
    "last attempt" => instant(row.last_attempt_at),
    "failures" => row.failures,
    "cause" => row.cause.map_or_else(String::new, |cause| cause.to_string()),
    "next" => row.next_at.map_or_else(String::new, instant),
    "message" => row.message.clone().unwrap_or_default(),
}

#[expect(clippy::cast_precision_loss, reason = "seconds, told to people")]
fn lag(seconds: i64) -> String {
    span(seconds as f64)
}
