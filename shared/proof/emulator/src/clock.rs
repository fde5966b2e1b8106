//! A clock: the time the emulator believes in. It runs with the machine's or stands still, and can be stepped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time; clones share it, so that a test holds one and the server another.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Dial>);

#[derive(Debug)]
struct Dial {
    origin: DateTime<Utc>,
    /// Set when the clock runs. Monotonic, because a jump of the machine's clock must not open a rate limit.
    running_since: Option<Instant>,
    stepped_micros: AtomicI64,
}

impl Clock {
    /// Starts at the machine's time and runs with it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine for the time"
    )]
    pub fn running() -> Self {
        Self::new(Utc::now(), Some(Instant::now()))
    }

    /// Stands still at `instant` until it is stepped.
    pub fn frozen_at(instant: DateTime<Utc>) -> Self {
        Self::new(instant, None)
    }

    fn new(origin: DateTime<Utc>, running_since: Option<Instant>) -> Self {
        Self(Arc::new(Dial {
            origin,
            running_since,
            stepped_micros: AtomicI64::new(0),
        }))
    }

    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        let dial = &self.0;
        let stepped = TimeDelta::microseconds(dial.stepped_micros.load(Ordering::SeqCst));
        let ran = dial.running_since.map_or(Duration::ZERO, |start| start.elapsed());
        let ran = TimeDelta::from_std(ran).unwrap_or_default();
        let moved = dial.origin.checked_add_signed(stepped);
        moved
            .and_then(|moved| moved.checked_add_signed(ran))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Moves the clock forward; there is no way back, because expiries and rate windows count on it.
    pub fn step(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.stepped_micros.fetch_add(micros, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_stepped() {
        let origin = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let clock = Clock::frozen_at(origin);
        assert_eq!(clock.now(), origin);
        clock.clone().step(Duration::from_millis(1500));
        assert_eq!(clock.now() - origin, TimeDelta::milliseconds(1500));
    }
}
