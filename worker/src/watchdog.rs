//! Watchdog: notices an attempt that neither commits nor waits its turn.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The instant by which an attempt must have got somewhere.
#[derive(Debug)]
pub(crate) struct Watchdog {
    patience: Duration,
    deadline: Mutex<Instant>,
}

impl Watchdog {
    /// Starts watching.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            deadline: Mutex::new(Instant::now() + patience),
        }
    }

    fn deadline(&self) -> MutexGuard<'_, Instant> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page was committed.
    pub(crate) fn progressed(&self) {
        *self.deadline() = Instant::now() + self.patience;
    }

    /// The attempt has waited for others; that time does not count against it.
    pub(crate) fn waited(&self, waited: Duration) {
        *self.deadline() += waited;
    }

    /// Ends when the deadline has passed.
    pub(crate) async fn stalled(&self) {
        loop {
            let deadline = *self.deadline();
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }
}
