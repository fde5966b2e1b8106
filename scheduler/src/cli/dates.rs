//! Dates of the command line, counted from now.

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Clock, SystemClock};
use ledgerfleet_planning::dates;

/// The first day of a range.
pub(super) fn first_day(text: &str) -> Result<NaiveDate, String> {
    dates::first_day(text, SystemClock.now().date_naive())
}

/// The last day of a range, which is included.
pub(super) fn last_day(text: &str) -> Result<NaiveDate, String> {
    dates::last_day(text, SystemClock.now().date_naive())
}

/// An instant since when something is asked.
pub(super) fn since(text: &str) -> Result<DateTime<Utc>, String> {
    dates::since(text, SystemClock.now())
}
