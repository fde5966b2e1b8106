//! Segment: the unit of work, and the only transitions it knows.
//!
//! ```text
//!            claim (epoch + 1)
//!  pending ───────────────────► running ──► done          (with its last page)
//!     ▲                           │ │ └────► dead          (settle dead, sixth failure, waited too long)
//!     ├── later · retry ──────────┘ │          │
//!     ├── hand back ────────────────┤          │           (fifty claims in vain: dead)
//!     ├── pause (epoch + 1) ────────┤          │
//!     ├── rescue (epoch + 1) ───────┘          │           (third crash: dead)
//!     ├── replay (counters 0) ─────────────────┤
//!     └── withdraw (the replay is stopped) ────┘
//!  pending, running ── cancel (epoch + 1) ──► cancelled
//! ```
//!
//! [`Standing::on`] is this picture as a function. Ledgers write what it returns, or do the same in one statement
//! and are compared with it, event by event, by the conformance suite.

use std::time::Duration;

use serde::Serialize;

use crate::retry::RETRIES;
use crate::{Epoch, Failure, FailureKind, Outcome, SegmentId, Timings, words};

/// Crashes without a committed page that a segment survives; the next one makes it dead.
pub const CRASHES: u32 = 2;

/// Claims in a row of which nothing came, no stored page, no counted failure and no counted wait, after which a segment
/// that is given back once more is dead as `no_progress`. Workers that are stopped again and again while they hold a
/// segment stay far below it.
pub const IDLE_CLAIMS: u32 = 50;

/// The longest waits that a segment survives.
pub const WAITS: u32 = 24;

/// How often a window that changes while it is read is read again before it is dead as `unstable`.
pub const PASSES: u32 = 5;

/// The newest layout of segments that this program knows. A worker claims only formats it knows; each kind of work says
/// which it needs ([`crate::Work::format`]).
pub const FORMAT: i32 = 3;

/// Where a segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentState {
    /// Waiting for its due time and a worker.
    Pending,
    /// A worker holds it.
    Running,
    /// Every row of its window is stored. It never leaves this state.
    Done,
    /// It ended with a reason and waits for a person.
    Dead,
    /// A person ended it.
    Cancelled,
}
words!(SegmentState {
    Pending => "pending",
    Running => "running",
    Done => "done",
    Dead => "dead",
    Cancelled => "cancelled",
});

/// A segment's state and the counters that decide what may happen to it next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Where it stands.
    pub state: SegmentState,
    /// The fence.
    pub epoch: Epoch,
    /// Failed attempts since the last committed page.
    pub failures: u32,
    /// Attempts that died with their worker since the last committed page.
    pub crashes: u32,
    /// Sum of all waits that were nobody's fault, each counted with at most an hour.
    pub waited: Duration,
    /// Claims since the last committed page, counted failure, counted wait or counted crash.
    pub idle_claims: u32,
    /// Whether the current attempt has begun to work; one that waits to run alone has not.
    pub started: bool,
    /// Whether the current attempt has committed a page.
    pub progressed: bool,
}

/// Something that happens to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A worker takes it.
    Claim,
    /// The attempt of a suspect that was to run alone begins.
    Start,
    /// A page that is not the last is stored.
    Page,
    /// The last page is stored, or there is nothing to fetch.
    Finish,
    /// It has to wait this long, through no fault of its own.
    Later(Duration),
    /// The attempt failed.
    Retry,
    /// It can never succeed.
    Dead,
    /// The worker gives it back untouched.
    HandBack,
    /// A person pauses its run: it is taken from its worker, and counted as nothing.
    Pause,
    /// Its worker has not been heard of for a lease.
    Rescue,
    /// A person wants it tried again.
    Replay,
    /// Its replay is stopped before it was claimed again.
    Withdraw,
    /// A person ends it.
    Cancel,
}

/// An event that cannot happen to a segment in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a segment that is {state}")]
pub struct NoSuchTransition {
    /// Where the segment stands.
    pub state: SegmentState,
    /// What was to happen.
    pub event: Event,
}

impl Standing {
    /// A segment that was just submitted.
    pub const NEW: Self = Self {
        state: SegmentState::Pending,
        epoch: Epoch(0),
        failures: 0,
        crashes: 0,
        waited: Duration::ZERO,
        idle_claims: 0,
        started: false,
        progressed: false,
    };

    /// Whether its next attempt must run alone in its worker, so that no innocent neighbour dies with it.
    pub fn is_suspect(&self) -> bool {
        self.crashes >= CRASHES
    }

    /// Where the segment stands after `event`.
    pub fn on(self, event: Event, timings: &Timings) -> Result<Self, NoSuchTransition> {
        use SegmentState::{Cancelled, Dead, Done, Pending, Running};
        let next = match (self.state, event) {
            (Pending, Event::Claim) => Self {
                state: Running,
                epoch: self.epoch.next(),
                started: !self.is_suspect(),
                progressed: false,
                idle_claims: self.idle_claims.saturating_add(1),
                ..self
            },
            (Running, Event::Start) => Self {
                started: true,
                ..self
            },
            (Running, Event::Page) => Self {
                progressed: true,
                failures: 0,
                crashes: 0,
                idle_claims: 0,
                ..self
            },
            (Running, Event::Finish) => Self { state: Done, ..self },
            (Running, Event::Later(wait)) => self.after_wait(wait, timings),
            (Running, Event::Retry) => self.after_failure(),
            // Only what a replay has sent and nobody has claimed since is withdrawn; the ledger knows which that is.
            (Running, Event::Dead) | (Pending, Event::Withdraw) => Self { state: Dead, ..self },
            (Running, Event::HandBack) => Self {
                state: self.unless_idle(Pending),
                ..self
            },
            (Running, Event::Pause) => Self {
                state: Pending,
                epoch: self.epoch.next(),
                ..self
            },
            (Running, Event::Rescue) => self.after_crash(),
            (Dead, Event::Replay) => Self {
                epoch: self.epoch,
                ..Self::NEW
            },
            (Pending | Running, Event::Cancel) => Self {
                state: Cancelled,
                epoch: self.epoch.next(),
                ..self
            },
            (state, event) => return Err(NoSuchTransition { state, event }),
        };
        Ok(next)
    }

    /// A single wait counts with at most a 24th of the cap, an hour: one that is longer was asked for by the upstream,
    /// and to obey it is no reason to give up.
    fn after_wait(self, wait: Duration, timings: &Timings) -> Self {
        let waited = self.waited.saturating_add(wait.min(timings.waiting_cap / WAITS));
        let state = if waited > timings.waiting_cap {
            SegmentState::Dead
        } else {
            SegmentState::Pending
        };
        Self {
            state,
            waited,
            idle_claims: 0,
            ..self
        }
    }

    /// `state`, unless it was claimed in vain too often.
    fn unless_idle(self, state: SegmentState) -> SegmentState {
        if self.idle_claims >= IDLE_CLAIMS {
            SegmentState::Dead
        } else {
            state
        }
    }

    fn after_failure(self) -> Self {
        let failures = self.failures + 1;
        let state = if failures > RETRIES {
            SegmentState::Dead
        } else {
            SegmentState::Pending
        };
        Self {
            state,
            failures,
            idle_claims: 0,
            ..self
        }
    }

    fn after_crash(self) -> Self {
        let counts = self.started && !self.progressed;
        let crashes = self.crashes + u32::from(counts);
        let state = if crashes > CRASHES {
            SegmentState::Dead
        } else if counts {
            SegmentState::Pending
        } else {
            self.unless_idle(SegmentState::Pending)
        };
        Self {
            state,
            crashes,
            idle_claims: if counts { 0 } else { self.idle_claims },
            epoch: self.epoch.next(),
            ..self
        }
    }
}

/// Why a segment is dead that was given back by `worker` once too often.
pub fn no_progress(idle_claims: u32, worker: &str) -> Failure {
    let message = format!(
        "claimed {idle_claims} times in a row, last by {worker}, without a stored page, a counted failure or a counted wait"
    );
    Failure::new(FailureKind::NoProgress, message)
}

/// What a ledger writes when an attempt ends otherwise than done. Only this module builds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    segment: SegmentId,
    epoch: Epoch,
    event: Event,
    after: Standing,
    wait: Duration,
    failure: Option<Failure>,
}

impl Settlement {
    /// The settlement of a running segment whose attempt ended with `failure`.
    ///
    /// # Errors
    ///
    /// A segment that is not running has no attempt to settle.
    pub fn of(
        segment: SegmentId,
        standing: Standing,
        outcome: &Outcome,
        failure: Failure,
        timings: &Timings,
    ) -> Result<Self, NoSuchTransition> {
        let (event, wait) = match *outcome {
            // Another process may see calls where this one sees none: that is no reason to give up in the end.
            Outcome::Later { wait } if failure.kind == FailureKind::Budget => {
                (Event::Later(Duration::ZERO), wait)
            }
            Outcome::Later { wait } => (Event::Later(wait), wait),
            Outcome::Retry { wait } => (Event::Retry, wait),
            Outcome::Dead => (Event::Dead, Duration::ZERO),
            Outcome::HandBack => (Event::HandBack, Duration::ZERO),
        };
        let after = standing.on(event, timings)?;
        let waited_out = matches!(event, Event::Later(_)) && after.state == SegmentState::Dead;
        let kind = if waited_out {
            FailureKind::WaitedTooLong
        } else {
            failure.kind
        };
        let failure = (event != Event::HandBack).then_some(Failure { kind, ..failure });
        Ok(Self {
            segment,
            epoch: standing.epoch,
            event,
            after,
            wait,
            failure,
        })
    }

    /// The segment.
    pub fn segment(&self) -> SegmentId {
        self.segment
    }

    /// The fence: the settlement does nothing if the segment's epoch differs.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What happened to the segment.
    pub fn event(&self) -> Event {
        self.event
    }

    /// Where the segment stands afterwards.
    pub fn after(&self) -> Standing {
        self.after
    }

    /// How long after now it is due again, if it is pending afterwards.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// What went wrong; none when it is handed back.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}
