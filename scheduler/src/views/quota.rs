//! How the metered calls of a month are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::output::{instant, row, thousands};

/// The calls of a month, of all companies of a connector together.
#[derive(Serialize)]
pub(crate) struct Quota {
    pub(crate) connector: &'static str,
    pub(crate) month_begins_at: DateTime<Utc>,
    pub(crate) month_ends_at: DateTime<Utc>,
    pub(crate) monthly_calls: u64,
    /// Kept for live syncs.
    pub(crate) reserve_percent: f64,
    pub(crate) used: u64,
    /// For backfills and verification.
    pub(crate) left_before_reserve: u64,
    pub(crate) left: u64,
    /// When nothing is left before the reserve, at the pace of the last seven days; none where that is not this month.
    pub(crate) runs_out_at: Option<DateTime<Utc>>,
    pub(crate) companies: Vec<CompanyShare>,
}

row! {
    Quota as row,
    "connector" => row.connector,
    "used" => thousands(row.used),
    "of" => thousands(row.monthly_calls),
    "left before the reserve" => thousands(row.left_before_reserve),
    "left" => thousands(row.left),
    "runs out" => row.runs_out_at.map(instant).unwrap_or_default(),
    "month ends" => instant(row.month_ends_at),
}

/// Those of one company.
#[derive(Serialize)]
pub(crate) struct CompanyShare {
    pub(crate) connection: String,
    pub(crate) calls: u64,
    /// Of the calls of all companies.
    pub(crate) percent: f64,
    /// How many it may have by itself.
    pub(crate) limit: Option<u64>,
}

row! {
    CompanyShare as row,
    "connection" => row.connection,
    "calls" => thousands(row.calls),
    "of all" => format!("{:.1} %", row.percent),
}
