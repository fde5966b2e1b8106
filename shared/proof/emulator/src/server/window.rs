//! A window: how many events lie in the last so many microseconds, exactly, and the most that ever did.

use std::collections::VecDeque;

/// A sliding window. It remembers no event longer than its span, so its memory is that of the span's traffic.
#[derive(Debug)]
pub(crate) struct Window {
    span_micros: i64,
    events: VecDeque<i64>,
    peak: usize,
}

impl Window {
    pub(crate) fn of_seconds(seconds: i64) -> Self {
        Self {
            span_micros: seconds * 1_000_000,
            events: VecDeque::new(),
            peak: 0,
        }
    }

    /// How many events lie in (now − span, now].
    pub(crate) fn count(&mut self, now_micros: i64) -> usize {
        while self
            .events
            .front()
            .is_some_and(|event| now_micros - event >= self.span_micros)
        {
            self.events.pop_front();
        }
        self.events.len()
    }

    pub(crate) fn add(&mut self, now_micros: i64) {
        self.events.push_back(now_micros);
        let count = self.count(now_micros);
        self.peak = self.peak.max(count);
    }

    /// The highest count in any window of this span; every such maximum is reached at an event.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_that_of_a_sliding_window_and_not_of_a_calendar_second() {
        let mut window = Window::of_seconds(1);
        for event in [900_000, 950_000, 1_100_000, 1_899_999, 1_900_000] {
            window.add(event);
        }
        assert_eq!(window.peak(), 4);
        assert_eq!(window.count(2_899_999), 1);
        assert_eq!(window.count(2_900_000), 0);
    }

    #[test]
    fn counting_agrees_with_counting_by_hand() {
        let mut dice = crate::dice::Dice::new(1, 1, 1);
        let mut events: Vec<i64> = (0..500).map(|_| dice.between(0, 20_000_000)).collect();
        events.sort_unstable();
        let mut window = Window::of_seconds(1);
        for event in &events {
            window.add(*event);
        }
        let by_hand = events.iter().map(|last| {
            events
                .iter()
                .filter(|e| **e <= *last && last - **e < 1_000_000)
                .count()
        });
        // Equal instants are added one after the other, so that only the last of them sees them all.
        assert_eq!(window.peak(), by_hand.max().unwrap());
    }
}
