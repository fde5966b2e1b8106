//! Dates of the command line, counted from now.

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Clock, SystemClock};
use ledgerfleet_planning::dates;

/// The first day of a range.
pub(super) fn first_day(text: &str) -> Result<NaiveDate, String> {
    dates::first_day(text, SystemClock.now().date_naive())
}

/// The first day of a month.
pub(super) fn month_begins(text: &str) -> Result<NaiveDate, String> {
    let is_month = text.split('-').map(str::len).eq([4, 2]);
    let first = format!("{text}-01").parse().ok();
    first
        .filter(|_| is_month)
        .ok_or_else(|| "a month is written YYYY-MM, such as 2026-03".to_owned())
}

/// The last day of a range, which is included.
pub(super) fn last_day(text: &str) -> Result<NaiveDate, String> {
    dates::last_day(text, SystemClock.now().date_naive())
}

/// An instant since when something is asked.
pub(super) fn since(text: &str) -> Result<DateTime<Utc>, String> {
    dates::since(text, SystemClock.now())
}
