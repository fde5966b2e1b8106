//! How a company is shown on the page of `status`.

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{Brake, ConnectionSums, Missing};
use ledgerfleet_model::{Connection, ConnectionState};
use serde::Serialize;

use crate::braked::concerns;
use crate::output::{instant, row, some, thousands};

/// One company on the page.
#[derive(Serialize)]
pub(crate) struct CompanyRow {
    pub(crate) connection: String,
    pub(crate) state: ConnectionState,
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    /// Days that were asked for and are not complete; a list counts as one.
    pub(crate) gaps: u64,
    pub(crate) dead_letters: u64,
    pub(crate) running: u64,
    pub(crate) calls_this_month: u64,
    /// `in sync`, `first sync`, `off`, what fails, or why nothing is asked; none where it is not kept in sync.
    pub(crate) sync: Option<String>,
    /// Seconds since the oldest checkpoint.
    pub(crate) sync_lag_seconds: Option<i64>,
    pub(crate) warnings: Vec<String>,
}

impl CompanyRow {
    /// A company, its sums, and what of all companies is missing and held back.
    pub(crate) fn of(
        connection: &Connection,
        sums: &ConnectionSums,
        missing: &[Missing],
        brakes: &[Brake],
    ) -> Self {
        let of_it = missing
            .iter()
            .filter(|missing| missing.connection == connection.name);
        let mut row = Self {
            connection: connection.name.clone(),
            state: connection.state,
            last_success_at: sums.last_read_at,
            gaps: sums.open + of_it.map(days).sum::<u64>(),
            dead_letters: sums.dead,
            running: sums.running,
            calls_this_month: sums.calls,
            sync: None,
            sync_lag_seconds: None,
            warnings: Vec::new(),
        };
        row.warnings = row.warnings(connection);
        let of_it = brakes.iter().filter(|brake| concerns(brake, connection));
        row.warnings.extend(of_it.map(ToString::to_string));
        row
    }

    fn warnings(&self, connection: &Connection) -> Vec<String> {
        let reason = connection.state_reason.as_deref().unwrap_or("no reason is known");
        let state = match self.state {
            ConnectionState::NeedsReauthorisation => Some(format!("needs authorisation: {reason}")),
            ConnectionState::Paused => Some("paused".to_owned()),
            ConnectionState::Active | ConnectionState::Removed => None,
        };
        let never = self
            .last_success_at
            .is_none()
            .then(|| "nothing was ever read".to_owned());
        state.into_iter().chain(never).collect()
    }
}

/// Days of a gap; what has no days is one.
fn days(missing: &Missing) -> u64 {
    let days = missing
        .from
        .zip(missing.to)
        .map_or(1, |(from, to)| (to - from).num_days() + 1);
    days.try_into().unwrap_or(0)
}

row! {
    CompanyRow as row,
    TEXTS = ["warnings"],
    LESSER = ["warnings", "running", "calls", "sync"],
    "connection" => row.connection,
    "state" => row.state,
    "last success" => row.last_success_at.map_or_else(|| "never".to_owned(), instant),
    "sync" => row.sync.clone().unwrap_or_default(),
    "gaps" => some(row.gaps),
    "dead" => some(row.dead_letters),
    "running" => some(row.running),
    "calls" => thousands(row.calls_this_month),
    "warnings" => row.warnings.join("; "),
}
