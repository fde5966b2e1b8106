//! Watchdog: notices an attempt that neither commits nor waits its turn.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledgerfleet_upstream::GateTime;
use tokio::time::{Instant, sleep};

/// How long an attempt may work without getting anywhere.
#[derive(Debug)]
pub(crate) struct Watchdog {
    patience: Duration,
    /// The time that it waits for others, which does not count against it.
    gate_time: GateTime,
    last: Mutex<Milestone>,
}

/// When the attempt last got somewhere.
#[derive(Debug, Clone, Copy)]
struct Milestone {
    at: Instant,
    /// How long it had waited for others by then.
    waited: Duration,
}

impl Watchdog {
    /// Starts watching.
    pub(crate) fn new(patience: Duration, gate_time: GateTime) -> Self {
        let last = Milestone::now(&gate_time);
        Self {
            patience,
            gate_time,
            last: Mutex::new(last),
        }
    }

    /// A page was committed, or one of those came that are known and have an end.
    pub(crate) fn progressed(&self) {
        *self.last() = Milestone::now(&self.gate_time);
    }

    /// Ends when the attempt has worked for too long.
    pub(crate) async fn stalled(&self) {
        while let Some(left) = self.left() {
            sleep(left).await;
        }
    }

    /// How long until its time could be over; none if it is.
    fn left(&self) -> Option<Duration> {
        if self.gate_time.is_waiting() {
            return Some(self.patience);
        }
        let last = *self.last();
        let waited = self.gate_time.sum().saturating_sub(last.waited);
        let worked = last.at.elapsed().saturating_sub(waited);
        let left = self.patience.saturating_sub(worked);
        (!left.is_zero()).then_some(left)
    }

    fn last(&self) -> MutexGuard<'_, Milestone> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Milestone {
    fn now(gate_time: &GateTime) -> Self {
        Self {
            at: Instant::now(),
            waited: gate_time.sum(),
        }
    }
}
