//! Waiting: how long an upstream asks to be left alone.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// A longer wait than this is not believed: nothing would wait for it.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How long the upstream asks to wait: seconds, or a date against the answer's own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = text.parse().map(Duration::from_secs).ok().or_else(|| {
        let sent = headers.get(DATE)?.to_str().ok()?;
        let instant = |date| DateTime::parse_from_rfc2822(date).ok();
        Some(
            (instant(text)? - instant(sent)?)
                .to_std()
                .unwrap_or(Duration::ZERO),
        )
    })?;
    Some(wait.min(LONGEST_WAIT))
}
