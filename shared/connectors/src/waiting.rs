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

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn an_absurd_wait_is_bounded_and_what_is_none_is_left_to_the_caller() {
        let sent = "Sat, 28 Nov 2026 12:00:00 GMT";
        for (asked, expected) in [
            ("0", Some(Duration::ZERO)),
            ("30", Some(Duration::from_secs(30))),
            ("86401", Some(LONGEST_WAIT)),
            ("18446744073709551615", Some(LONGEST_WAIT)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(LONGEST_WAIT)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(Duration::ZERO)),
            // More than a number holds, and what is no number of seconds.
            ("18446744073709551616", None),
            ("-1", None),
            ("1e9", None),
            ("inf", None),
            ("Fri, 31 Dec 99999 23:59:59 GMT", Some(LONGEST_WAIT)),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(asked));
            headers.insert(DATE, HeaderValue::from_static(sent));
            assert_eq!(retry_after(&headers), expected, "{asked:?}");
        }
    }
}
