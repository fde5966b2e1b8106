//! Days: how the records of a list lie on the days of the books.

use std::ops::Range;

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use crate::dice::{Dice, topic};

/// An index of ordinals by day: a number per day, whatever the days hold.
#[derive(Debug)]
pub(in crate::contifico) struct Days {
    first: NaiveDate,
    /// The first ordinal of each day, and the number of all at the end.
    starts: Vec<u64>,
}

impl Days {
    pub(in crate::contifico) fn new(first: NaiveDate, counts: impl Iterator<Item = u64>) -> Self {
        let mut starts = vec![0];
        let mut total = 0;
        for count in counts {
            total += count;
            starts.push(total);
        }
        Self { first, starts }
    }

    pub(in crate::contifico) fn total(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The date of an ordinal, and its place among those of its day.
    pub(in crate::contifico) fn place(&self, ordinal: u64) -> (NaiveDate, u64) {
        let day = self
            .starts
            .partition_point(|start| *start <= ordinal)
            .saturating_sub(1);
        let offset = TimeDelta::days(i64::try_from(day).unwrap_or(0));
        (self.first + offset, ordinal - self.starts[day])
    }

    /// The ordinals from one day to another, both included.
    pub(in crate::contifico) fn between(&self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Range<u64> {
        let days = self.starts.len() - 1;
        let number = |date: NaiveDate| usize::try_from((date - self.first).num_days()).unwrap_or(0);
        let first = from.map_or(0, |date| number(date).min(days));
        let after = |date: NaiveDate| date.succ_opt().map_or(days, |next| number(next).min(days));
        let last = to.map_or(days, after).max(first);
        self.starts[first]..self.starts[last]
    }
}

/// How many documents a shop writes on a day: Sundays are quiet, one day in forty is a holiday.
pub(in crate::contifico) fn documents_on(seed: u64, date: NaiveDate, per_day: u64) -> u64 {
    let dice = &mut Dice::new(
        seed,
        topic("documents of a day"),
        date.num_days_from_ce().unsigned_abs().into(),
    );
    let share = match date.weekday() {
        Weekday::Sun => 40,
        Weekday::Sat => 140,
        _ => 110,
    };
    if dice.below(40) == 0 {
        return 0;
    }
    let expected = per_day * share * (70 + dice.below(61));
    expected / 10_000 + u64::from(dice.below(10_000) < expected % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_tile_the_ordinals() {
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let days = Days::new(
            first,
            first.iter_days().take(90).map(|date| documents_on(7, date, 10)),
        );
        let average = days.total() / 90;
        assert!((8..=12).contains(&average), "{average}");
        let mut next = 0;
        for date in first.iter_days().take(90) {
            let range = days.between(Some(date), Some(date));
            assert_eq!(range.start, next);
            for ordinal in range.clone() {
                assert_eq!(days.place(ordinal), (date, ordinal - range.start));
            }
            next = range.end;
        }
        assert_eq!(next, days.total());
        assert_eq!(days.between(None, None), 0..next);
        assert!(days.between(first.pred_opt(), first.pred_opt()).is_empty());
    }
}
