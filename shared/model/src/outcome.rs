//! Outcome: what becomes of a segment after an attempt that did not finish it. A pure table.

use std::time::Duration;

use rand::Rng;

use crate::retry::backoff;
use crate::{Failure, FailureKind, Timings};

/// What to do with a segment whose attempt has ended before its last page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Due again after `wait`. Counted as waiting, never as a failure.
    Later {
        /// How long to wait.
        wait: Duration,
    },
    /// A failure: due again after `wait`, unless it was the last one allowed.
    Retry {
        /// How long to wait.
        wait: Duration,
    },
    /// No attempt can succeed.
    Dead,
    /// Due again at once and counted as nothing: the segment is not to blame.
    HandBack,
}

/// The reason a segment waits without blame: the kinds whose outcome is [`Outcome::Later`].
pub type LaterReason = FailureKind;

/// The outcome of `failure` for a segment that has failed `failures` times before it.
pub fn outcome(failure: &Failure, failures: u32, timings: &Timings, rng: &mut impl Rng) -> Outcome {
    use FailureKind as Kind;
    let is_its_own_trouble = failure.status.is_some_and(|status| status >= 500);
    match failure.kind {
        Kind::Shutdown | Kind::NeedsReauthorisation | Kind::WrongMasterKey => Outcome::HandBack,
        Kind::Throttled | Kind::GateBusy => Outcome::Later {
            wait: failure
                .retry_after
                .unwrap_or_else(|| about(timings.backoff_base, rng)),
        },
        Kind::LedgerUnavailable | Kind::CoordinationUnavailable | Kind::Braked | Kind::WrongAppKeys => Outcome::Later {
            wait: failure
                .retry_after
                .unwrap_or_else(|| about(timings.backoff_base, rng)),
        },
        // Nothing more is offered until there are calls again; what was under way looks once a while.
        Kind::Budget => Outcome::Later {
            wait: about(timings.backoff_base * 6, rng),
        },
        // The holder renews every few seconds; what it leaves is free one time to live later.
        Kind::LockBusy => Outcome::Later {
            wait: about(timings.lock_renewal, rng),
        },
        Kind::Network
        | Kind::Timeout
        | Kind::UpstreamError
        | Kind::Truncated
        | Kind::UnexpectedContent
        | Kind::Unauthorised
        | Kind::Panicked
        | Kind::Stalled
        | Kind::UpstreamChanged
        | Kind::LedgerRefused
        // Where it is the first word on a window, the reading ends it; anywhere else it is an error like others.
        | Kind::NotInPlan => Outcome::Retry {
            wait: backoff(failures + 1, timings, rng),
        },
        Kind::Unservable if is_its_own_trouble => Outcome::Retry {
            wait: backoff(failures + 1, timings, rng),
        },
        Kind::BadRequest
        | Kind::NotFound
        | Kind::Forbidden
        | Kind::Malformed
        | Kind::TooLarge
        | Kind::Unservable
        | Kind::Unstable
        | Kind::CrashLoop
        | Kind::WaitedTooLong
        | Kind::NoProgress => Outcome::Dead,
    }
}

/// Between a half and one and a half of `duration`, so that those who wait for one thing do not return as one.
fn about(duration: Duration, rng: &mut impl Rng) -> Duration {
    use rand::RngExt;
    duration.mul_f64(0.5 + rng.random::<f64>())
}
