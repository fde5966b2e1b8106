//! Gate time: how long an attempt has waited for the gate, however each wait ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The sum of an attempt's waits for the gate. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct GateTime(Arc<AtomicU64>);

/// A wait that is added when this is dropped: an attempt may be stopped while it waits.
#[derive(Debug)]
pub(crate) struct GateWait<'a> {
    sum: &'a GateTime,
    since: Instant,
}

impl GateTime {
    /// Begins a wait.
    pub(crate) fn wait(&self) -> GateWait<'_> {
        GateWait {
            sum: self,
            since: Instant::now(),
        }
    }

    /// The sum of the waits that have ended.
    pub(crate) fn sum(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

impl Drop for GateWait<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.sum.0.fetch_add(micros, Ordering::Relaxed);
    }
}
