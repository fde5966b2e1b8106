//! Portion: days of an entity, or all of it, of which both sides fit into memory as far as days can be cut.

use chrono::{Days as CalendarDays, NaiveDate};
use ledgerfleet_ledger::{LedgerError, Which};
use ledgerfleet_model::{Days, Window};

use crate::subject::Subject;
use crate::tally::Place;

/// What is compared at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portion {
    /// None of what is read whole.
    pub(crate) days: Option<Days>,
    /// How many records are stored of it, tombstones included; of a half, at most so many.
    pub(crate) stored: u64,
}

impl Portion {
    pub(crate) fn window(&self) -> Window {
        match self.days {
            Some(days) => Window::Dates { days },
            None => Window::Whole,
        }
    }

    pub(crate) fn which(&self) -> Which<'static> {
        match self.days {
            Some(Days { from, to }) => Which::Days {
                from,
                to: last_before(to),
            },
            None => Which::All,
        }
    }

    /// Where a record of that date belongs that the source shows for this portion: to its day, or, where its date cannot
    /// be read, to the portion's only day or to some day of it.
    pub(crate) fn place(&self, date: Option<NaiveDate>) -> Place {
        match (self.days, date) {
            (None, _) => Place::Whole,
            (Some(_), Some(date)) => Place::day(date),
            (Some(Days { from, to }), None) if last_before(to) == from => Place::day(from),
            (Some(Days { from, to }), None) => Place::Within {
                from,
                to: last_before(to),
            },
        }
    }

    /// Whether a record of that date belongs here.
    pub(crate) fn holds(&self, date: Option<NaiveDate>) -> bool {
        self.days
            .is_none_or(|Days { from, to }| date.is_some_and(|date| from <= date && date < to))
    }

    /// The later and the earlier half, if the source counts too much for one portion and there is more than a day to cut.
    pub(crate) fn halves_if_more_than(&self, most: u64, count: Option<u64>) -> Option<[Self; 2]> {
        let Days { from, to } = self.days.filter(|_| count.is_some_and(|count| count > most))?;
        let days = u64::try_from((to - from).num_days())
            .ok()
            .filter(|days| *days > 1)?;
        let middle = from + CalendarDays::new(days / 2);
        let half = |from, to| Self {
            days: Some(Days { from, to }),
            ..*self
        };
        Some([half(middle, to), half(from, middle)])
    }
}

fn last_before(day: NaiveDate) -> NaiveDate {
    day.pred_opt().unwrap_or(day)
}

impl Subject<'_> {
    /// The days cut so that what is stored of each portion fits into memory; a single day may have more.
    pub(crate) async fn portions(&self) -> Result<Vec<Portion>, LedgerError> {
        let (connection, table) = (self.asking.company().connection.id, self.entity.table);
        let Some(ranges) = self.ranges else {
            let stored = self.ledger.record_count(connection, table).await?;
            return Ok(vec![Portion { days: None, stored }]);
        };
        let mut portions = Vec::new();
        for &(first, last) in ranges {
            let counts = self.ledger.day_counts(connection, table, first, last).await?;
            let (mut from, mut stored) = (first, 0);
            for count in counts {
                if stored > 0 && stored + count.records > self.at_once {
                    portions.push(portion(from, count.day, stored));
                    (from, stored) = (count.day, 0);
                }
                stored += count.records;
            }
            portions.push(portion(from, last + CalendarDays::new(1), stored));
        }
        Ok(portions)
    }
}

fn portion(from: NaiveDate, to: NaiveDate, stored: u64) -> Portion {
    Portion {
        days: Some(Days { from, to }),
        stored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 9, number).unwrap()
    }

    #[test]
    fn days_are_halved_until_one_is_left_and_none_is_lost() {
        let mut portions = vec![portion(day(1), day(12), 0)];
        let mut cut = Vec::new();
        while let Some(portion) = portions.pop() {
            match portion.halves_if_more_than(100, Some(101)) {
                Some(halves) => portions.extend(halves),
                None => cut.push(portion.days.unwrap()),
            }
        }
        assert_eq!(cut.len(), 11);
        assert!(cut.windows(2).all(|pair| pair[0].to == pair[1].from), "{cut:?}");
        assert!(
            portion(day(1), day(9), 0)
                .halves_if_more_than(100, Some(100))
                .is_none()
        );
        assert!(
            portion(day(1), day(9), 0)
                .halves_if_more_than(100, None)
                .is_none()
        );
    }

    #[test]
    fn a_record_without_a_readable_date_belongs_to_the_portion() {
        let days = portion(day(1), day(4), 0);
        assert_eq!(days.place(Some(day(2))), Place::day(day(2)));
        let within = Place::Within {
            from: day(1),
            to: day(3),
        };
        assert_eq!(days.place(None), within);
        assert_eq!(portion(day(1), day(2), 0).place(None), Place::day(day(1)));
        assert!(days.holds(Some(day(3))) && !days.holds(Some(day(4))) && !days.holds(None));
    }
}
