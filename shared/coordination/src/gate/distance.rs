//! Distance: how far away the gate is, as an answer needs at least to come from there.
//!
//! A grant that is older than a moment when its request leaves is given up, because the request would arrive beside one
//! that was granted later. What every answer of the gate needs alike is no such delay: it shifts all requests of this
//! process by the same time, and counting it would leave a fleet whose Redis is far away without a single grant.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// More than this is not allowed for. Two processes at different distances ask that far apart; with the moment that a grant
/// may be old, it stays below the quarter of a second that the gate's rate leaves room for.
const FARTHEST: Duration = Duration::from_millis(150);

/// An answer is forgotten after one to two of these: a Redis that has failed over may be farther away than before.
const MEMORY: Duration = Duration::from_secs(10);

/// The quickest answers of the gate of late.
#[derive(Debug, Default)]
pub struct Distance(Mutex<Answers>);

/// The quickest answer of the current stretch of time, and of the one before.
#[derive(Debug, Default, Clone, Copy)]
struct Answers {
    since: Option<Instant>,
    now: Option<Duration>,
    before: Option<Duration>,
}

impl Distance {
    /// Notes how long an answer took.
    pub(crate) fn measure(&self, answer: Duration) {
        // Numbers only: whoever panicked beside them left them whole.
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.note(answer, Instant::now());
    }

    /// What every answer needs at least for its way back; nothing before one has come.
    pub(crate) fn one_way(&self) -> Duration {
        self.two_answers() / 4
    }

    /// What two answers need at least, that to the booking and that to the start.
    pub(crate) fn two_answers(&self) -> Duration {
        (2 * self.quickest()).min(FARTHEST)
    }

    /// What an answer needs at least; nothing before one has come.
    pub(crate) fn quickest(&self) -> Duration {
        let answers = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .now
            .into_iter()
            .chain(answers.before)
            .min()
            .unwrap_or_default()
    }
}

impl Answers {
    fn note(&mut self, answer: Duration, at: Instant) {
        if self.since.is_none_or(|since| at - since > MEMORY) {
            (self.since, self.before, self.now) = (Some(at), self.now, None);
        }
        self.now = Some(self.now.map_or(answer, |quickest| quickest.min(answer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_quickest_answer_counts_up_to_the_farthest_that_is_allowed_for() {
        let distance = Distance::default();
        assert_eq!(distance.two_answers(), Duration::ZERO);
        for (answer, two_answers) in [(400, 150), (60, 120), (200, 120)] {
            distance.measure(millis(answer));
            assert_eq!(distance.two_answers(), millis(two_answers));
            assert_eq!(distance.one_way(), millis(two_answers) / 4);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_has_moved_farther_away_is_believed_after_a_while() {
        let distance = Distance::default();
        distance.measure(millis(1));
        tokio::time::advance(MEMORY + millis(1)).await;
        distance.measure(millis(60));
        assert_eq!(distance.quickest(), millis(1));
        tokio::time::advance(MEMORY + millis(1)).await;
        distance.measure(millis(70));
        assert_eq!(distance.quickest(), millis(60));
    }
}
