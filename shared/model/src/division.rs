//! Division: how days of an entity are cut into windows while they are read.
//!
//! ```text
//! nothing is known            the first rows are read in the order of their days; a page that is not full is all there is
//! sparse                      likewise: what the page shows whole is a window, what is left is read by another segment
//! dense                       windows of several days, whose pages follow each other; a day is never cut
//! more than some pages        parts that are read side by side: halves, counted, down to a year; then equal ones
//! no order is served          a count says whether one page may be enough; if not, equal parts
//! ```
//!
//! Counts only say where to cut. Whatever they say, each window is read until its end is proven, so that a wrong one costs
//! calls and never a row; and each part is smaller than what it is a part of, so that cutting ends.

use chrono::{Days as CalendarDays, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::window::{Days, Window, window_of};

/// The most pages that are read one after the other: of one window, and of windows of a page each.
pub const PAGES_IN_A_ROW: u32 = 20;

/// Parts are planned so full, in hundredths, for days differ.
const FULL: u128 = 80;

/// A day is dense if it fills more than this part of a page: where pages end between days, that much of each is lost.
const DENSE: u64 = 4;

/// Parts that are longer are cut by counts, so that years without rows are found; shorter ones equally.
const YEAR: u64 = 366;

/// What is known of the rows of some days before they are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filled {
    /// Nothing.
    #[default]
    Unknown,
    /// They may be more than can be read in a row.
    Many,
    /// They are said to be so many.
    Rows(u64),
}

/// What is known of the days before they are read.
#[derive(Debug, Clone, Copy)]
pub struct Outlook {
    /// How many days there are.
    pub days: u64,
    /// What is known of their rows.
    pub filled: Filled,
    /// Rows a page.
    pub page: u64,
    /// Whether pages come in the order of days.
    pub ordered: bool,
    /// Whether the source counts.
    pub counted: bool,
}

/// What to do next with some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Read the first rows in the order of their days.
    FirstDays,
    /// Read all of them as one window.
    Whole,
    /// Ask how many rows they have.
    Count,
    /// Count the rows of the earlier half of so many, and read both.
    Halves(u64),
    /// Read equal parts.
    Parts {
        /// How many.
        count: u64,
        /// What is to be expected of each.
        rows: Filled,
    },
}

impl Outlook {
    /// What to do next.
    pub fn step(self) -> Step {
        let in_a_row = self.page.saturating_mul(PAGES_IN_A_ROW.into());
        match self.filled {
            _ if self.days <= 1 => Step::Whole,
            Filled::Many if self.counted => Step::Count,
            Filled::Unknown if self.counted && !self.ordered => Step::Count,
            Filled::Many | Filled::Unknown if self.ordered => Step::FirstDays,
            Filled::Rows(rows) if rows > in_a_row && self.days > YEAR && self.counted => Step::Halves(rows),
            Filled::Rows(rows) if rows > in_a_row => self.parts_of(rows, in_a_row),
            Filled::Rows(rows) if self.ordered && !self.is_dense(rows) => Step::FirstDays,
            Filled::Rows(rows) if !self.ordered && rows > self.page => self.parts_of(rows, self.page),
            Filled::Many | Filled::Unknown | Filled::Rows(_) => Step::Whole,
        }
    }

    /// Whether what is left may be more than can be read in a row, where a page has shown so many days whole.
    pub fn is_many(self, shown: u64, left: u64) -> bool {
        left.div_ceil(shown.max(1)) > u64::from(PAGES_IN_A_ROW) / 2
    }

    fn is_dense(self, rows: u64) -> bool {
        rows.saturating_mul(DENSE) > self.page.saturating_mul(self.days)
    }

    /// Parts that are planned to be so full, or single days.
    fn parts_of(self, rows: u64, most: u64) -> Step {
        let planned = u128::from(most) * FULL / 100;
        let days = (planned * u128::from(self.days) / u128::from(rows.max(1))).max(1);
        let days = u64::try_from(days).unwrap_or(self.days);
        let count = self.days.div_ceil(days).clamp(2, self.days);
        Step::Parts {
            count,
            rows: Filled::Rows(rows.div_ceil(count)),
        }
    }
}

/// Equal parts of some days in their order, disjoint and without gaps; as many as there are days at most.
pub fn parts(days: Days, count: u64) -> Vec<Days> {
    let all = length(days);
    let count = count.clamp(1, all.max(1));
    let border = |part: u64| {
        days.from
            + CalendarDays::new(
                u64::try_from(u128::from(all) * u128::from(part) / u128::from(count)).unwrap_or(all),
            )
    };
    (0..count)
        .map(|part| Days {
            from: border(part),
            to: border(part + 1),
        })
        .collect()
}

/// What of a window lies before a day, and what does not.
pub fn cut(window: &Window, day: NaiveDate, zone: Tz) -> Option<(Window, Window)> {
    let days = window.days().filter(|days| days.from < day && day < days.to)?;
    let of = |days| window_of(days, window.axis(), zone);
    let before = Days { to: day, ..days };
    let after = Days { from: day, ..days };
    Some((of(before), of(after)))
}

/// How many days these are.
pub fn length(days: Days) -> u64 {
    u64::try_from((days.to - days.from).num_days()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(days: u64, filled: Filled, ordered: bool, counted: bool) -> Step {
        let outlook = Outlook {
            days,
            filled,
            page: 1_000,
            ordered,
            counted,
        };
        outlook.step()
    }

    #[test]
    fn what_is_known_decides_how_days_are_cut() {
        use Filled::{Many, Rows, Unknown};
        let parts = |count, rows| Step::Parts {
            count,
            rows: Rows(rows),
        };
        for (days, filled, ordered, counted, next) in [
            (1_826, Unknown, true, true, Step::FirstDays),
            (1_826, Unknown, false, true, Step::Count),
            (1_826, Unknown, false, false, Step::Whole),
            (1_826, Many, true, true, Step::Count),
            (1_826, Many, true, false, Step::FirstDays),
            (1_826, Rows(0), true, true, Step::FirstDays),
            (1_826, Rows(20_000), true, true, Step::FirstDays),
            (1_826, Rows(20_001), true, true, Step::Halves(20_001)),
            (1_826, Rows(20_001), true, false, parts(2, 10_001)),
            (366, Rows(100_000), true, true, parts(7, 14_286)),
            (365, Rows(3_650_000), true, true, parts(365, 10_000)),
            (10, Rows(10_000), true, true, Step::Whole),
            (3, Rows(u64::MAX), true, true, parts(3, u64::MAX / 3)),
            (1, Rows(u64::MAX), true, true, Step::Whole),
            (30, Rows(5_000), false, true, parts(8, 625)),
            (30, Rows(900), false, true, Step::Whole),
        ] {
            assert_eq!(
                step(days, filled, ordered, counted),
                next,
                "{days} {filled:?} {ordered} {counted}"
            );
        }
    }

    proptest! {
        #[test]
        fn parts_follow_each_other_without_a_gap_and_each_is_smaller(all in 2u64..5_000, count in 2u64..9_000) {
            let from = NaiveDate::from_ymd_opt(2020, 2, 1).unwrap();
            let days = Days { from, to: from + CalendarDays::new(all) };
            let parts = parts(days, count);
            prop_assert_eq!(parts.first().unwrap().from, days.from);
            prop_assert_eq!(parts.last().unwrap().to, days.to);
            prop_assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
            prop_assert!(parts.iter().all(|part| (1..all).contains(&length(*part))));
        }
    }
}
