//! How runs and their volumes are printed.

use ledgerfleet_ledger::{EntityVolume, Replay, RunReport};
use serde::Serialize;

use crate::output::{Row, instant, range, span, thousands};

impl Row for RunReport {
    const COLUMNS: &'static [&'static str] = &[
        "run",
        "state",
        "connections",
        "entities",
        "days",
        "segments",
        "done",
        "empty",
        "dead",
        "cancelled",
        "pending",
        "running",
        "rows",
        "quarantined",
        "deleted",
        "pages",
        "calls",
        "took",
        "submitted",
    ];
    const TEXTS: &'static [&'static str] = &["connections", "entities"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.run_id.to_string(),
            self.state.to_string(),
            self.connections.join(", "),
            self.entities.join(", "),
            range(self.from, self.to),
            thousands(self.segments),
            thousands(self.done),
            thousands(self.empty),
            thousands(self.dead),
            thousands(self.cancelled),
            thousands(self.pending),
            thousands(self.running),
            thousands(self.rows),
            thousands(self.quarantined),
            thousands(self.deleted),
            thousands(self.pages),
            thousands(self.calls),
            span(self.seconds),
            instant(self.created_at),
        ]
    }
}

/// A run as a line of a list.
#[derive(Serialize)]
pub(crate) struct RunLine {
    #[serde(flatten)]
    pub(crate) report: RunReport,
    /// As much of its id as tells it apart, for people.
    #[serde(skip)]
    pub(crate) short_id: String,
}

impl Row for RunLine {
    const COLUMNS: &'static [&'static str] = &[
        "run",
        "state",
        "connections",
        "days",
        "segments",
        "done",
        "dead",
        "pending",
        "rows",
        "submitted",
    ];
    const TEXTS: &'static [&'static str] = &["connections"];
    const LESSER: &'static [&'static str] = &["pending", "done", "rows", "segments", "days", "connections"];

    fn cells(&self) -> Vec<String> {
        let run = &self.report;
        vec![
            self.short_id.clone(),
            run.state.to_string(),
            run.connections.join(", "),
            range(run.from, run.to),
            thousands(run.segments),
            thousands(run.done),
            thousands(run.dead),
            thousands(run.pending + run.running),
            thousands(run.rows),
            instant(run.created_at),
        ]
    }
}

/// A run with how much it brought of each entity, and the replays of its dead letters.
#[derive(Serialize)]
pub(crate) struct RunDetails {
    #[serde(flatten)]
    pub(crate) report: RunReport,
    pub(crate) volumes: Vec<EntityVolume>,
    /// Of its dead letters, newest first.
    pub(crate) replays: Vec<Replay>,
}

impl Row for RunDetails {
    const COLUMNS: &'static [&'static str] = RunReport::COLUMNS;
    const TEXTS: &'static [&'static str] = RunReport::TEXTS;

    fn cells(&self) -> Vec<String> {
        self.report.cells()
    }
}

impl Row for EntityVolume {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "entity",
        "segments",
        "done",
        "empty",
        "dead",
        "rows",
        "rows/segment",
        "most",
        "quarantined",
        "pages",
        "calls",
        "took",
    ];
    const LESSER: &'static [&'static str] = &[
        "most",
        "rows/segment",
        "pages",
        "took",
        "quarantined",
        "empty",
        "calls",
        "done",
        "dead",
        "segments",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.entity.clone(),
            thousands(self.segments),
            thousands(self.done),
            thousands(self.empty),
            thousands(self.dead),
            thousands(self.rows),
            per(self.rows, self.done),
            thousands(self.most_rows),
            thousands(self.quarantined),
            thousands(self.pages),
            thousands(self.calls),
            span(self.seconds),
        ]
    }
}

/// A mean with one decimal.
fn per(count: u64, of: u64) -> String {
    let tenths = (count * 10).checked_div(of).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_nothing_is_zero() {
        assert_eq!(per(7, 2), "3.5");
        assert_eq!(per(7, 0), "0.0");
    }
}
