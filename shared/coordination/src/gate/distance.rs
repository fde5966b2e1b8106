//! Distance: how far away the gate is, as an answer needs at least to come from there.
//!
//! A grant that is older than a moment when its request leaves is given up, because the request would arrive beside one
//! that was granted later. What every answer of the gate needs alike is no such delay: it shifts all requests of this
//! process by the same time, and counting it would leave a fleet whose Redis is far away without a single grant.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// More than this is not allowed for. Two processes at different distances ask that far apart; with the moment that a grant
/// may be old, it stays below the quarter of a second that the gate's rate leaves room for.
const FARTHEST: Duration = Duration::from_millis(150);

/// The quickest answer of the gate so far, in microseconds.
#[derive(Debug)]
pub struct Distance(AtomicU64);

impl Default for Distance {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Distance {
    /// Notes how long an answer took.
    pub(crate) fn measure(&self, answer: Duration) {
        let answer = u64::try_from(answer.as_micros()).unwrap_or(u64::MAX);
        self.0.fetch_min(answer, Ordering::Relaxed);
    }

    /// What every answer needs at least for its way back; nothing before one has come.
    pub(crate) fn one_way(&self) -> Duration {
        self.two_answers() / 4
    }

    /// What two answers need at least, that to the booking and that to the start.
    pub(crate) fn two_answers(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Duration::ZERO,
            quickest => Duration::from_micros(quickest.saturating_mul(2)).min(FARTHEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_answer_counts_up_to_the_farthest_that_is_allowed_for() {
        let distance = Distance::default();
        let millis = Duration::from_millis;
        assert_eq!(distance.two_answers(), Duration::ZERO);
        for (answer, two_answers) in [(400, 150), (60, 120), (200, 120)] {
            distance.measure(millis(answer));
            assert_eq!(distance.two_answers(), millis(two_answers));
            assert_eq!(distance.one_way(), millis(two_answers) / 4);
        }
    }
}
