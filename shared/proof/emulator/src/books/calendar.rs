//! A calendar: which ordinals of a document entity fall on which day. The index is made by construction, not by a scan.

use std::ops::Range;

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use super::bounds::Span;
use crate::dice::{Dice, topic};

/// The days of one entity's documents with the running count at the start of each.
#[derive(Debug)]
pub(crate) struct Calendar {
    first: NaiveDate,
    /// One entry per day and a last one with the total.
    starts: Vec<u64>,
}

/// Where a document stands in its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) date: NaiveDate,
    /// Which day of the books, from 0.
    pub(crate) day: i64,
    /// From 0, in the order of ids.
    pub(crate) position: u64,
    /// How many documents the day has.
    pub(crate) of: u64,
}

impl Calendar {
    /// Lays out days from `first` with so many documents each.
    pub(crate) fn new(first: NaiveDate, counts: impl IntoIterator<Item = u64>) -> Self {
        let mut starts = vec![0];
        let mut total = 0;
        for count in counts {
            total += count;
            starts.push(total);
        }
        Self { first, starts }
    }

    /// The ordinals of a day counted from the first; none outside of the books.
    pub(crate) fn day(&self, number: i64) -> Option<Range<u64>> {
        let number = usize::try_from(number).ok()?;
        Some(*self.starts.get(number)?..*self.starts.get(number + 1)?)
    }

    pub(crate) fn total(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The ordinals of the days of a span.
    pub(crate) fn ordinals(&self, dates: Span<NaiveDate>) -> Range<u64> {
        let days = self.starts.len() - 1;
        let from = dates.from.map_or(0, |date| self.day_number(date).clamp(0, days));
        let after_last = |date: NaiveDate| date.succ_opt().map_or(days, |next| self.day_number(next));
        let to = dates.to.map_or(days, after_last).clamp(from, days);
        self.starts[from]..self.starts[to]
    }

    /// The place of an ordinal that is less than the total.
    pub(crate) fn place(&self, ordinal: u64) -> Place {
        let day = self
            .starts
            .partition_point(|start| *start <= ordinal)
            .saturating_sub(1);
        let start = self.starts[day];
        let end = self.starts.get(day + 1).copied().unwrap_or(start + 1);
        let day = i64::try_from(day).unwrap_or(0);
        let date = self.first + TimeDelta::days(day);
        Place {
            date,
            day,
            position: ordinal - start,
            of: end - start,
        }
    }

    fn day_number(&self, date: NaiveDate) -> usize {
        usize::try_from((date - self.first).num_days()).unwrap_or(0)
    }
}

/// How many documents that follow from no other one a day has.
pub(crate) fn drawn(seed: u64, entity: u64, number: u64, date: NaiveDate, per_day: u64) -> u64 {
    let mut dice = Dice::new(seed ^ entity, topic("documents of a day"), number);
    documents_of(&mut dice, date.weekday(), per_day)
}

/// Workdays are full, Saturdays are thin and often empty, Sundays nearly always; a workday in fifty is a holiday.
fn documents_of(dice: &mut Dice, weekday: Weekday, per_day: u64) -> u64 {
    let (empty_percent, share_percent) = match weekday {
        Weekday::Sat => (50, 30),
        Weekday::Sun => (85, 10),
        _ => (2, 135),
    };
    if dice.chance(empty_percent) {
        return 0;
    }
    let wobble = 60 + dice.below(81);
    // In ten-thousandths of a document, so that one document a day is sometimes none and sometimes two.
    let expected = per_day * share_percent * wobble;
    expected / 10_000 + u64::from(dice.below(10_000) < expected % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(per_day: u64) -> Calendar {
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let days = (0..180).zip(first.iter_days());
        Calendar::new(
            first,
            days.map(|(number, date)| drawn(7, topic("invoice"), number, date, per_day)),
        )
    }

    #[test]
    fn a_size_means_about_that_many_documents_a_day() {
        for per_day in [10, 100, 10_000] {
            let average = calendar(per_day).total() / 180;
            assert!(
                (per_day * 8 / 10..=per_day * 12 / 10).contains(&average),
                "{per_day}: {average}"
            );
        }
    }

    #[test]
    fn the_days_tile_the_ordinals_and_some_are_empty() {
        let calendar = calendar(10);
        let mut next = 0;
        let mut empty = 0;
        for date in calendar.first.iter_days().take(180) {
            let range = calendar.ordinals(Span {
                from: Some(date),
                to: Some(date),
            });
            assert_eq!(range.start, next);
            empty += u32::from(range.is_empty());
            for ordinal in range.clone() {
                let place = calendar.place(ordinal);
                assert_eq!((place.date, place.position), (date, ordinal - range.start));
            }
            next = range.end;
        }
        assert_eq!(next, calendar.total());
        assert!((10..60).contains(&empty), "{empty}");
    }

    #[test]
    fn a_span_beyond_the_books_is_cut_to_them() {
        let calendar = calendar(10);
        let day = |text: &str| Some(text.parse().unwrap());
        let all = Span {
            from: day("1999-01-01"),
            to: day("2999-01-01"),
        };
        assert_eq!(calendar.ordinals(all), 0..calendar.total());
        let before = Span {
            from: day("1999-01-01"),
            to: day("1999-01-02"),
        };
        assert!(calendar.ordinals(before).is_empty());
        let after = Span {
            from: day("2999-01-01"),
            to: None,
        };
        assert!(calendar.ordinals(after).is_empty());
        let reversed = Span {
            from: day("2026-03-02"),
            to: day("2026-03-01"),
        };
        assert!(calendar.ordinals(reversed).is_empty());
    }
}
