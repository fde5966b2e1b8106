//! How coverage and gaps are shown.

use ledgerfleet_ledger::CoverageRow;
use ledgerfleet_planning::Gap;
use serde::Serialize;

use crate::output::{instant, optional, range, row, thousands};

row! {
    Gap as row,
    LESSER = ["count", "by"],
    COLOURED = ["why"],
    "connection" => row.connection,
    "entity" => row.entity,
    "by" => row.axis,
    "days" => range(row.from, row.to),
    "count" => optional(row.days),
    "why" => row.why,
}

row! {
    CoverageRow as row,
    "connection" => row.connection,
    "entity" => row.entity,
    "by" => row.axis,
    "from" => optional(row.from),
    "to" => optional(row.to),
    "state" => row.state,
    "rows" => row.rows,
    "source count" => optional(row.source_count),
    "read" => instant(row.read_at),
    "last result" => row.last_result,
    "note" => row.note.clone().unwrap_or_default(),
}

/// Neighbouring windows of one state, as one line for people.
#[derive(Serialize)]
pub(crate) struct CoverageSpan {
    first: CoverageRow,
    windows: u64,
    empty: u64,
}

impl CoverageSpan {
    /// Joins the windows of a listing.
    pub(crate) fn joined(rows: &[CoverageRow]) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for row in rows {
            let empty = u64::from(row.rows == 0);
            match spans.last_mut() {
                Some(span) if span.goes_on_with(row) => {
                    span.windows += 1;
                    span.empty += empty;
                    span.first.to = row.to;
                    span.first.rows += row.rows;
                    span.first.read_at = span.first.read_at.min(row.read_at);
                }
                _ => spans.push(Self {
                    first: row.clone(),
                    windows: 1,
                    empty,
                }),
            }
        }
        spans
    }

    fn goes_on_with(&self, row: &CoverageRow) -> bool {
        let touches = self
            .first
            .to
            .and_then(|day| day.succ_opt())
            .is_some_and(|next| row.from == Some(next));
        touches
            && self.first.connection == row.connection
            && self.first.entity == row.entity
            && self.first.axis == row.axis
            && self.first.state == row.state
            && self.first.last_result == row.last_result
            && self.first.note == row.note
    }
}

row! {
    CoverageSpan as row,
    TEXTS = ["note"],
    LESSER = ["last result", "empty", "by", "windows", "read"],
    "connection" => row.first.connection,
    "entity" => row.first.entity,
    "by" => row.first.axis,
    "days" => range(row.first.from, row.first.to),
    "state" => row.first.state,
    "windows" => thousands(row.windows),
    "empty" => thousands(row.empty),
    "rows" => thousands(row.first.rows),
    "read" => instant(row.first.read_at),
    "last result" => row.first.last_result,
    "note" => row.first.note.clone().unwrap_or_default(),
}
