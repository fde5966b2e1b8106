//! Expiry: when a company will have to be connected again at the latest.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use ledgerfleet_model::{Connection, ConnectionId};
use ledgerfleet_telemetry::metrics;

/// When the credentials that this process has used expire.
#[derive(Debug, Default)]
pub(crate) struct Expiries(Mutex<HashMap<ConnectionId, DateTime<Utc>>>);

impl Expiries {
    /// The connection's credential expires at `at`, if anything is known of that.
    pub(crate) fn note(&self, connection: ConnectionId, at: Option<DateTime<Utc>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match at {
            Some(at) => known.insert(connection, at),
            None => known.remove(&connection),
        };
    }

    /// Shows the first of those of these connections. Where nothing is known nothing is shown: a zero would be an alarm.
    pub(crate) fn show(&self, connections: &[Connection], now: DateTime<Utc>) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = connections
            .iter()
            .filter_map(|connection| known.get(&connection.id))
            .min();
        if let Some(first) = first {
            metrics::token_expires((*first - now).num_seconds().try_into().unwrap_or(0));
        }
    }
}
