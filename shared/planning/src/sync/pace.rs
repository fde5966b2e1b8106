//! Pace: when a company is due, and how long what fails is left alone.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_model::ConnectionId;
use rand::RngExt;

/// The longest that a company that fails waits, beyond its interval.
const LONGEST_BACKOFF: Duration = Duration::from_hours(1);

/// Failures in a row by which an attempt's segment is dead.
const FAILURES_A_RUN: u32 = 6;

/// The next instant at which a company is due, after `now`: companies lie evenly over their interval, each in a place of
/// its own, and a little beside it by chance. Whoever was late is due in its place again, and not at once.
pub fn next_due(connection: ConnectionId, every: Duration, now: DateTime<Utc>) -> DateTime<Utc> {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    let hash = blake3::hash(connection.0.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    let place = i64::from(u32::from_be_bytes([a, b, c, d])) % every;
    let since = (now.timestamp_millis() - place).rem_euclid(every);
    let beside = rand::rng().random_range(0..=every / 20);
    now + TimeDelta::milliseconds(every - since + beside)
}

/// How long after a failed attempt an entity is left alone: twice its company's interval, four times …, and not longer than
/// an hour.
pub fn backoff(failures: u32, every: Duration) -> Duration {
    let runs = failures / FAILURES_A_RUN;
    if runs == 0 {
        return Duration::ZERO;
    }
    let longest = LONGEST_BACKOFF.max(every);
    every.saturating_mul(1 << runs.min(16)).min(longest)
}
