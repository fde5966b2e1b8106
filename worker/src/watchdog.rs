//! Watchdog: notices an attempt that neither commits nor waits its turn.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The instant by which an attempt must have got somewhere.
#[derive(Debug)]
pub(crate) struct Watchdog {
    patience: Duration,
    watched: Mutex<Watched>,
}

#[derive(Debug)]
struct Watched {
    deadline: Instant,
    /// Since when the attempt has been waiting for others.
    waiting_since: Option<Instant>,
}

/// The attempt waits for others as long as this lives; that time does not count against it.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a Watchdog);

impl Watchdog {
    /// Starts watching.
    pub(crate) fn new(patience: Duration) -> Self {
        let watched = Watched {
            deadline: Instant::now() + patience,
            waiting_since: None,
        };
        Self {
            patience,
            watched: Mutex::new(watched),
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page was committed.
    pub(crate) fn progressed(&self) {
        self.watched().deadline = Instant::now() + self.patience;
    }

    /// The attempt begins to wait for others.
    pub(crate) fn waiting(&self) -> Waiting<'_> {
        self.watched().waiting_since = Some(Instant::now());
        Waiting(self)
    }

    /// Ends when the deadline has passed.
    pub(crate) async fn stalled(&self) {
        while let Some(left) = self.left() {
            sleep(left).await;
        }
    }

    /// How long until the deadline could pass; none if it has.
    fn left(&self) -> Option<Duration> {
        let watched = self.watched();
        if watched.waiting_since.is_some() {
            return Some(self.patience);
        }
        let left = watched.deadline.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut watched = self.0.watched();
        if let Some(since) = watched.waiting_since.take() {
            watched.deadline += since.elapsed();
        }
    }
}
