//! How triggers are shown.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_ledger::Trigger;
use ledgerfleet_model::{RunId, TriggerId};
use ledgerfleet_planning::triggers::Wanted;
use serde::Serialize;

use crate::output::{instant, optional, row, span};

/// A trigger, and when it last fired.
#[derive(Serialize)]
pub(crate) struct TriggerRow {
    pub(crate) id: TriggerId,
    pub(crate) state: &'static str,
    /// In UTC.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// The same by the clock of `zone`.
    pub(crate) due_local: Option<String>,
    pub(crate) zone: String,
    pub(crate) cron: Option<String>,
    pub(crate) command: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) created_by: String,
    /// The instant at which it was last due.
    pub(crate) last_planned_at: Option<DateTime<Utc>>,
    pub(crate) last_fired_at: Option<DateTime<Utc>>,
    pub(crate) late_seconds: Option<f64>,
    /// Later instants that were over by then, too.
    pub(crate) missed: u64,
    pub(crate) result: Option<&'static str>,
    pub(crate) runs: Vec<RunId>,
    pub(crate) message: Option<String>,
}

impl From<Trigger> for TriggerRow {
    fn from(trigger: Trigger) -> Self {
        let last = trigger.last.as_ref();
        let command =
            Wanted::read(&trigger.wanted).map_or_else(|error| error.to_string(), |wanted| wanted.to_string());
        Self {
            id: trigger.id,
            state: trigger.state.as_str(),
            due_at: trigger.due_at,
            due_local: trigger.due_at.map(|at| local(at, trigger.zone)),
            zone: trigger.zone.to_string(),
            cron: trigger.cron.clone(),
            command,
            created_at: trigger.created_at,
            created_by: trigger.created_by.clone(),
            last_planned_at: last.map(|last| last.planned_at),
            last_fired_at: last.map(|last| last.fired_at),
            late_seconds: last.map(|last| last.late().as_secs_f64()),
            missed: last.map_or(0, |last| last.missed),
            result: last.map(|last| last.result.as_str()),
            runs: last.map(|last| last.runs.clone()).unwrap_or_default(),
            message: last.and_then(|last| last.message.clone()),
        }
    }
}

/// An instant by the clock of a zone: `2026-03-04 22:45:54`.
pub(crate) fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

row! {
    TriggerRow as row,
    TEXTS = ["command", "message"],
    LESSER = ["message", "late", "last fired"],
    "id" => row.id,
    "state" => row.state,
    "due" => optional(row.due_at.map(instant)),
    "there" => row.due_local.as_ref().map_or_else(String::new, |at| format!("{at} {}", row.zone)),
    "cron" => row.cron.clone().unwrap_or_default(),
    "command" => row.command,
    "last fired" => optional(row.last_fired_at.map(instant)),
    "late" => row.late_seconds.map_or_else(String::new, span),
    "result" => row.result.unwrap_or_default(),
    "message" => row.message.clone().unwrap_or_default(),
}
