//! Keys: every name that is used in Redis, made in one place.
//!
//! The prefix is a hash tag, so that in a cluster all keys lie in one slot and a script may touch several.

use ledgerfleet_model::{ConnectionId, Lane, Window};

use crate::LockKey;

/// Makes keys that begin with one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: format!("{{{prefix}}}"),
        }
    }

    /// Sorted set: the ids of a lane that are ready, by their place in the order.
    pub(crate) fn lane(&self, lane: Lane) -> String {
        format!("{}:bell:{lane}", self.prefix)
    }

    /// List of at most one element: whether the ledger has changed since the leader last looked.
    pub(crate) fn ring(&self) -> String {
        format!("{}:bell:ring", self.prefix)
    }

    /// Sorted set: nothing, but for the moment of a probe.
    pub(crate) fn probe(&self) -> String {
        format!("{}:bell:probe", self.prefix)
    }

    /// Hash: the Redis that the gates were last seen on, and when they open there.
    pub(crate) fn sentinel(&self) -> String {
        format!("{}:gate:sentinel", self.prefix)
    }

    /// Hash: the first free instant of a connection's gate, and until when it is closed.
    pub(crate) fn gate(&self, connection: ConnectionId) -> String {
        format!("{}:gate:{connection}", self.prefix)
    }

    /// Sorted set: a connection's requests in flight, by the end of their lease.
    pub(crate) fn slots(&self, connection: ConnectionId) -> String {
        format!("{}:slots:{connection}", self.prefix)
    }

    /// String: who reads a window.
    pub(crate) fn lock(&self, key: &LockKey) -> String {
        format!(
            "{}:lock:{}:{}:{}",
            self.prefix,
            key.connection,
            key.entity,
            window(&key.window)
        )
    }
}

fn window(window: &Window) -> String {
    match window {
        Window::Dates { days } => format!("{}:{}:{}", window.axis(), days.from, days.to),
        Window::Instants { start, end, .. } => {
            format!("{}:{}:{}", window.axis(), start.timestamp(), end.timestamp())
        }
        Window::Whole => window.axis().to_string(),
    }
}
