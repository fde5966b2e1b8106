//! Retry: how long a segment waits after a failure. Pure; chance is an argument.

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::Timings;

/// Failures that a segment survives. The next one is its last: five retries make six attempts.
pub const RETRIES: u32 = 5;

/// The wait before the next attempt after `failures` failures (1 for the first): a random part of
/// 10 s, 20 s, 40 s, 80 s, 160 s; never more than 15 min.
///
/// Full jitter, so that segments that failed together do not return together.
pub fn backoff(failures: u32, timings: &Timings, rng: &mut impl Rng) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let ceiling = (timings.backoff_base * 2u32.pow(doublings)).min(timings.backoff_cap);
    ceiling.mul_f64(rng.random::<f64>())
}
