//! Gate time: how long an attempt has waited for the gate, however each wait ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The sum of an attempt's waits for the gate, which come one after the other. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct GateTime(Arc<Mutex<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    ended: Duration,
    /// Since when the attempt waits, if it does now.
    since: Option<Instant>,
}

/// A wait that ends when this is dropped: an attempt may be stopped while it waits.
#[derive(Debug)]
pub(crate) struct GateWait<'a>(&'a GateTime);

impl GateTime {
    /// Begins a wait.
    pub(crate) fn wait(&self) -> GateWait<'_> {
        self.waits().since = Some(Instant::now());
        GateWait(self)
    }

    /// The sum of the waits, with the one that goes on.
    pub fn sum(&self) -> Duration {
        let waits = self.waits();
        waits.ended + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether it waits now.
    pub fn is_waiting(&self) -> bool {
        self.waits().since.is_some()
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GateWait<'_> {
    fn drop(&mut self) {
        let mut waits = self.0.waits();
        if let Some(since) = waits.since.take() {
            waits.ended += since.elapsed();
        }
    }
}
