//! How connections, and the refreshes of their credentials, are shown.

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{Refresh, RefreshOutcome};
use ledgerfleet_model::Connection;
use serde::Serialize;

use crate::output::{Row, instant, optional, row};

/// A connection without its identity's noise.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct ConnectionRow(pub(crate) Connection);

row! {
    ConnectionRow as row,
    TEXTS = ["reason"],
    LESSER = ["slots", "requests/s", "added", "time zone", "connector", "environment", "account"],
    "name" => row.0.name,
    "connector" => row.0.connector,
    "account" => row.0.account,
    "environment" => row.0.environment,
    "time zone" => row.0.time_zone,
    "state" => row.0.state,
    "reason" => row.0.state_reason.clone().unwrap_or_default(),
    "requests/s" => optional(row.0.requests_per_second),
    "slots" => optional(row.0.slots),
    "added" => instant(row.0.created_at),
}

/// A connection with the newest part of its credential's story.
#[derive(Serialize)]
pub(crate) struct ShownConnection {
    #[serde(flatten)]
    pub(crate) connection: ConnectionRow,
    /// If its credential is not used until then.
    pub(crate) authorise_again_by: Option<DateTime<Utc>>,
    /// However much it is used.
    pub(crate) consent_ends_at: Option<DateTime<Utc>>,
    /// Newest first.
    pub(crate) refreshes: Vec<RefreshRow>,
}

/// One exchange of a credential. There is no value in it, nor anything made of one.
#[derive(Serialize)]
pub(crate) struct RefreshRow {
    pub(crate) refreshed_at: Option<DateTime<Utc>>,
    pub(crate) outcome: RefreshOutcome,
    pub(crate) version: i64,
    pub(crate) worker: String,
    pub(crate) transaction_id: Option<String>,
}

impl From<Refresh> for RefreshRow {
    fn from(refresh: Refresh) -> Self {
        Self {
            refreshed_at: refresh.at,
            outcome: refresh.outcome,
            version: refresh.version,
            worker: refresh.worker.0,
            transaction_id: refresh.transaction_id,
        }
    }
}

impl Row for ShownConnection {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "connector",
        "account",
        "environment",
        "time zone",
        "state",
        "reason",
        "requests/s",
        "slots",
        "added",
        "access",
        "authorise again by",
    ];
    const TEXTS: &'static [&'static str] = &["reason", "access"];

    fn cells(&self) -> Vec<String> {
        let newest = self.refreshes.first().map(|refresh| {
            let at = refresh.refreshed_at.map(instant).unwrap_or_default();
            format!("{} {at} by {}", refresh.outcome, refresh.worker)
        });
        let mut cells = self.connection.cells();
        cells.push(newest.unwrap_or_default());
        cells.push(self.authorise_again_by.map(instant).unwrap_or_default());
        cells
    }
}
