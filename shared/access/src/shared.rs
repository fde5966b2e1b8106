//! Shared: what all refreshes of one process have in common.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ledgerfleet_connectors::Connectors;
use ledgerfleet_model::{Clock, ConnectionId, Timings};

use crate::expiry::Expiries;
use crate::known::Known;
use crate::store::Store;

/// An access token is refreshed this long before it ends.
const EARLY: Duration = Duration::from_mins(5);

/// And up to this much earlier still, differently for every process and connection.
const JITTER_MILLIS: u64 = 60_000;

/// What refreshing needs.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timings: Timings,
    pub(crate) expiries: Expiries,
    known: Mutex<HashMap<ConnectionId, Arc<tokio::sync::Mutex<Known>>>>,
    jitter: RandomState,
}

impl Shared {
    pub(crate) fn new(
        store: Store,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
        timings: &Timings,
    ) -> Self {
        Self {
            store,
            connectors,
            clock,
            timings: *timings,
            expiries: Expiries::default(),
            known: Mutex::default(),
            jitter: RandomState::new(),
        }
    }

    /// What is known of a connection; its lock is for whoever refreshes.
    pub(crate) fn known(&self, connection: ConnectionId) -> Arc<tokio::sync::Mutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(connection).or_default())
    }

    /// A number below `end`, different for every process, connection and `turn`.
    pub(crate) fn random(&self, connection: ConnectionId, turn: u32, end: u64) -> u64 {
        self.jitter.hash_one((connection, turn)) % end
    }

    /// How long before its end a token of this connection is refreshed: 5 to 6 minutes.
    pub(crate) fn margin(&self, connection: ConnectionId) -> Duration {
        EARLY + Duration::from_millis(self.random(connection, 0, JITTER_MILLIS))
    }
}
