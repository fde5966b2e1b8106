//! `doctor` on clocks.

use chrono::DateTime;
use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_wiring::Parts;

use crate::output::{instant, span};
use crate::views::checks::Check;

/// This machine's clock by more than this from the ledger's, in seconds, misleads people and evidence, although no order
/// rests on it.
const SKEW: f64 = 5.0;

/// The ledger's clock orders what it holds: it is held against what it has written before, and against this machine's.
pub(super) async fn clocks(parts: &Parts, settings: &Settings) -> anyhow::Result<Check> {
    let asked = parts.clock.now();
    let clock = parts.ledger.clock().await?;
    let answered = parts.clock.now();
    if let Some(ahead) = clock.was_ahead() {
        return Ok(Check::doubtful(
            "clocks",
            format!(
                "the ledger was last written at {}, {} ahead of now: its clock was wrong then, or is now",
                instant(clock.last_written.unwrap_or(clock.now)),
                span(ahead.as_seconds_f64())
            ),
            "set the clock right; then: scheduler verify --fix",
        ));
    }
    if let Shape::Embedded { .. } = settings.shape {
        return Ok(Check::good("clocks", "nothing was written ahead of now"));
    }
    let between = asked + (answered - asked) / 2;
    let skew = (between - clock.now).as_seconds_f64();
    if skew.abs() <= SKEW {
        return Ok(beside_redis(parts, skew).await);
    }
    let which = if skew > 0.0 { "ahead of" } else { "behind" };
    Ok(Check::doubtful(
        "clocks",
        format!(
            "this machine's clock is {} {which} the database's",
            span(skew.abs())
        ),
        "have both machines set by NTP",
    ))
}

/// The gates are Redis' clock's alone, so one that is wrong harms nothing by being wrong; one that is set harms once.
async fn beside_redis(parts: &Parts, skew: f64) -> Check {
    let others = format!("this machine's and the database's differ by {skew:.1} s");
    let asked = parts.clock.now();
    // One that does not answer has a line of its own, and one that may not be asked is not asked.
    let Ok(Some(redis)) = parts.redis_clock().await else {
        return Check::good("clocks", others);
    };
    let here = asked + (parts.clock.now() - asked) / 2;
    let micros = i64::try_from(redis.as_micros()).unwrap_or(i64::MAX);
    let redis = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    let apart = (here - redis).as_seconds_f64();
    if apart.abs() <= SKEW {
        return Check::good(
            "clocks",
            format!("{others}, this machine's and Redis' by {apart:.1} s"),
        );
    }
    let which = if apart > 0.0 { "ahead of" } else { "behind" };
    Check::doubtful(
        "clocks",
        format!("this machine's clock is {} {which} Redis'", span(apart.abs())),
        "have both machines set by NTP; gates stay closed for a while when Redis' clock is set",
    )
}
