//! How runs and their volumes are printed.

use ledgerfleet_ledger::{EntityVolume, Replay, RunReport};
use serde::Serialize;

use crate::output::{Row, instant, range, row, span, thousands};

row! {
    RunReport as row,
    TEXTS = ["connections", "entities"],
    "run" => row.run_id,
    "state" => row.state,
    "connections" => row.connections.join(", "),
    "entities" => row.entities.join(", "),
    "days" => range(row.from, row.to),
    "segments" => thousands(row.segments),
    "done" => thousands(row.done),
    "empty" => thousands(row.empty),
    "dead" => thousands(row.dead),
    "cancelled" => thousands(row.cancelled),
    "pending" => thousands(row.pending),
    "running" => thousands(row.running),
    "rows" => thousands(row.rows),
    "quarantined" => thousands(row.quarantined),
    "deleted" => thousands(row.deleted),
    "pages" => thousands(row.pages),
    "calls" => thousands(row.calls),
    "took" => span(row.seconds),
    "submitted" => instant(row.created_at),
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

row! {
    RunLine as row,
    TEXTS = ["connections"],
    LESSER = ["pending", "done", "rows", "segments", "days", "connections"],
    "run" => row.short_id,
    "state" => row.report.state,
    "connections" => row.report.connections.join(", "),
    "days" => range(row.report.from, row.report.to),
    "segments" => thousands(row.report.segments),
    "done" => thousands(row.report.done),
    "dead" => thousands(row.report.dead),
    "pending" => thousands(row.report.pending + row.report.running),
    "rows" => thousands(row.report.rows),
    "submitted" => instant(row.report.created_at),
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

row! {
    EntityVolume as row,
    LESSER = [
        "most", "rows/segment", "pages", "took", "quarantined", "empty", "calls", "done", "dead",
        "segments",
    ],
    "connection" => row.connection,
    "entity" => row.entity,
    "segments" => thousands(row.segments),
    "done" => thousands(row.done),
    "empty" => thousands(row.empty),
    "dead" => thousands(row.dead),
    "rows" => thousands(row.rows),
    "rows/segment" => per(row.rows, row.done),
    "most" => thousands(row.most_rows),
    "quarantined" => thousands(row.quarantined),
    "pages" => thousands(row.pages),
    "calls" => thousands(row.calls),
    "took" => span(row.seconds),
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
