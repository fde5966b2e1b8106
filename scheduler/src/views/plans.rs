//! How plans, and what becomes of them, are shown.

use ledgerfleet_ledger::Submitted;
use serde::Serialize;

use crate::output::{row, thousands};

/// What became of a request.
#[derive(Serialize)]
pub(crate) struct SubmittedRow(pub(crate) Submitted);

row! {
    SubmittedRow as row,
    "run" => row.0.run,
    "attached" => row.0.attached,
    "segments" => row.0.segments,
}

/// One line of a plan that is only shown.
#[derive(Serialize)]
pub(crate) struct Planned {
    pub(crate) connection: String,
    pub(crate) entity: &'static str,
    pub(crate) axis: String,
    pub(crate) segments: u64,
    /// At least.
    pub(crate) requests: u64,
}

row! {
    Planned as row,
    "connection" => row.connection,
    "entity" => row.entity,
    "by" => row.axis,
    "segments" => thousands(row.segments),
}
