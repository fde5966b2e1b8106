//! How plans, and what becomes of them, are shown.

use ledgerfleet_ledger::Submitted;
use ledgerfleet_planning::{Estimate, PartEstimate, Price};
use serde::Serialize;

use crate::output::{counted, row, span, thousands};

/// What became of a request.
#[derive(Serialize)]
pub(crate) struct SubmittedRow(pub(crate) Submitted);

row! {
    SubmittedRow as row,
    "run" => row.0.run,
    "attached" => row.0.attached,
    "segments" => row.0.segments,
}

/// A plan that is only shown, as one document.
#[derive(Serialize)]
pub(crate) struct Document(pub(crate) Estimate);

row! {
    Document as row,
    "segments" => thousands(row.0.total.segments),
    "calls" => thousands(row.0.total.calls.least),
}

/// One line of it.
#[derive(Serialize)]
pub(crate) struct Planned(pub(crate) PartEstimate);

row! {
    Planned as row,
    LESSER = ["rows", "likely"],
    "connection" => row.0.connection,
    "entity" => row.0.entity,
    "by" => row.0.axis,
    "segments" => thousands(row.0.segments),
    "calls" => thousands(row.0.calls.least),
    "likely" => row.0.calls.likely.map(thousands).unwrap_or_default(),
    "rows" => row.0.rows.map(thousands).unwrap_or_default(),
}

/// What a plan costs when it is cut so, in a line.
pub(crate) fn told(price: &Price) -> String {
    let likely = price.calls.likely.filter(|likely| *likely > price.calls.least);
    let likely = likely.map_or_else(String::new, |likely| format!(" (about {})", thousands(likely)));
    let percent = |share: Option<f64>, of: &str| {
        share.map_or_else(String::new, |share| format!(", {:.1} % of {of}", share * 100.0))
    };
    format!(
        "at least {}{likely}, {} at the companies' own limits{}{}",
        counted(price.calls.least, "metered request"),
        span(price.minutes * 60.0),
        percent(price.share_of_month, "the calls of a month"),
        percent(price.share_of_left, "what is left of it before the reserve"),
    )
}
