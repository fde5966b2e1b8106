//! Bounds: what a question says about dates, instants and ids before any record is looked at.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta};

/// From and to, both included; an open end is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<T> {
    pub(crate) from: Option<T>,
    pub(crate) to: Option<T>,
}

impl<T> Default for Span<T> {
    fn default() -> Self {
        Self { from: None, to: None }
    }
}

impl<T: Ord + Copy> Span<T> {
    pub(crate) fn at_least(&mut self, from: T) {
        self.from = Some(self.from.map_or(from, |known| known.max(from)));
    }

    pub(crate) fn at_most(&mut self, to: T) {
        self.to = Some(self.to.map_or(to, |known| known.min(to)));
    }

    pub(crate) fn includes(&self, value: T) -> bool {
        self.from.is_none_or(|from| from <= value) && self.to.is_none_or(|to| value <= to)
    }
}

/// The part of a question that the order of ordinals can answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds {
    /// Document dates.
    pub(crate) dates: Span<NaiveDate>,
    /// Creation, in Unix seconds.
    pub(crate) created: Span<i64>,
    /// Last update, in Unix seconds.
    pub(crate) updated: Span<i64>,
    /// Only these ordinals.
    pub(crate) ordinals: Option<BTreeSet<u64>>,
}

/// A document is entered at most this many days before its date (post-dated) …
pub(crate) const POST_DATED_DAYS: i64 = 5;
/// … or this many after it, counting the hours after midnight UTC as a day.
pub(crate) const BACK_DATED_DAYS: i64 = 4;
/// A document is updated at most this many days after it was entered.
pub(crate) const UPDATED_WITHIN_DAYS: i64 = 45;

impl Bounds {
    /// The document dates that an unmutated document within these bounds can have.
    ///
    /// Creation and update stay within a known distance of the date, which is what makes a window of one day on them
    /// cost some fifty days of records instead of the whole book.
    pub(crate) fn possible_dates(&self) -> Span<NaiveDate> {
        let mut dates = self.dates;
        let days = |seconds: i64, shift: i64| {
            let date = DateTime::from_timestamp(seconds, 0)?.date_naive();
            date.checked_add_signed(TimeDelta::days(shift))
        };
        let narrow = |dates: &mut Span<NaiveDate>, instants: &Span<i64>, lag: i64| {
            if let Some(from) = instants.from.and_then(|from| days(from, -lag)) {
                dates.at_least(from);
            }
            if let Some(to) = instants.to.and_then(|to| days(to, POST_DATED_DAYS)) {
                dates.at_most(to);
            }
        };
        narrow(&mut dates, &self.created, BACK_DATED_DAYS);
        narrow(&mut dates, &self.updated, BACK_DATED_DAYS + UPDATED_WITHIN_DAYS);
        dates
    }
}
