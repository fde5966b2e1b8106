//! Patience: how long a command asks for one answer, and what it is told of on the way.

use std::time::Duration;

use ledgerfleet_model::{Failure, FailureKind};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::walk::Change;

/// A wait shorter than this is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// How often a wait that goes on is told again.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Who hears what asking a company meets. Whoever has no patience waits for nothing.
pub trait Observer: Send + Sync + std::fmt::Debug {
    /// The next request differs from one that failed.
    fn asks_otherwise(&self, change: Change, failure: &Failure);

    /// A question is put again after a wait.
    fn waits(&self, _wait: Wait, _failure: &Failure) {}

    /// What is added to the message of a failure, because the next wait would be longer than the patience.
    fn gave_up(&self, _wait: Wait) -> String {
        String::new()
    }
}

/// A wait before a question is put again.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// How long it takes.
    pub next: Duration,
    /// How long the question has waited before it.
    pub waited: Duration,
    /// The most between a question and its last request.
    pub most: Duration,
}

/// The waits of one question.
pub(crate) struct Waiting<'a> {
    /// The most time between the question and its last request, all waits and repetitions included.
    most: Duration,
    observer: &'a dyn Observer,
    stop: &'a CancellationToken,
    since: Instant,
    told: Option<(Instant, FailureKind)>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn begin(most: Duration, observer: &'a dyn Observer, stop: &'a CancellationToken) -> Self {
        Self {
            most,
            observer,
            stop,
            since: Instant::now(),
            told: None,
        }
    }

    /// How much patience is left.
    pub(crate) fn left(&self) -> Duration {
        self.most.saturating_sub(self.since.elapsed())
    }

    /// Waits, and says for what; gives the failure back if that would take longer than the patience.
    pub(crate) async fn wait(&mut self, failure: Failure, next: Duration) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let wait = Wait {
            next,
            waited: self.since.elapsed(),
            most: self.most,
        };
        if wait.waited + next > wait.most {
            let message = format!("{}; {}", failure.message, self.observer.gave_up(wait));
            return Err(Failure { message, ..failure });
        }
        if wait.waited + next >= WORTH_TELLING && self.is_news(&failure) {
            self.told = Some((Instant::now(), failure.kind));
            self.observer.waits(wait, &failure);
        }
        match self.stop.run_until_cancelled(sleep(next)).await {
            Some(()) => Ok(()),
            None => Err(stopped()),
        }
    }

    fn is_news(&self, failure: &Failure) -> bool {
        let is_known = |(at, kind): (Instant, FailureKind)| kind == failure.kind && at.elapsed() < TELL_EVERY;
        !self.told.is_some_and(is_known)
    }
}

/// Who was asked to stop sends no further request.
pub fn stopped() -> Failure {
    Failure::new(FailureKind::Shutdown, "a signal asks to stop")
}
