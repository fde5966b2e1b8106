//! Leading: whether this process does the leader's duties now, for whoever tells of the whole fleet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ledgerfleet_telemetry::metrics;

/// Shared by the process's duties, which set it, and by those who ask.
#[derive(Debug, Clone, Default)]
pub struct Leading(Arc<AtomicBool>);

impl Leading {
    /// Whether this process leads.
    pub fn is_now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, leads: bool) {
        self.0.store(leads, Ordering::Relaxed);
        metrics::leading(leads);
    }
}
