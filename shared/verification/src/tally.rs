//! Tally: one place of one entity, at the source and here, and what that means.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

/// Where a tally belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An entity that is read whole.
    Whole,
    /// These days, both included.
    Days {
        /// The first.
        from: NaiveDate,
        /// The last.
        to: NaiveDate,
    },
    /// One or some of these days: records whose own date cannot be read, and that the source shows for them.
    Within {
        /// The first.
        from: NaiveDate,
        /// The last.
        to: NaiveDate,
    },
}

impl Place {
    /// One day.
    pub fn day(day: NaiveDate) -> Self {
        Self::Days { from: day, to: day }
    }

    /// First and last day; none of what is read whole.
    pub fn days(self) -> Option<(NaiveDate, NaiveDate)> {
        match self {
            Self::Whole => None,
            Self::Days { from, to } | Self::Within { from, to } => Some((from, to)),
        }
    }
}

/// By place. Days without a record have no tally.
pub type Tallies = BTreeMap<Place, Tally>;

/// What the comparison of a place means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same.
    Green,
    /// They differ, and all of it is accounted for: it has happened at the source since the day was read, or the day never
    /// was, or the records are in quarantine.
    Yellow,
    /// Something that was there to be read is missing here or other than it was, or something here is gone there.
    Red,
}

impl Verdict {
    /// Its word, in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// Records and the sum of their amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Records.
    pub rows: u64,
    /// The sum; none once an amount was met that no decimal of 28 digits holds.
    pub total: Option<Decimal>,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            rows: 0,
            total: Some(Decimal::ZERO),
        }
    }
}

impl Side {
    /// Adds a record; one without an amount adds nothing to the total.
    pub fn add(&mut self, amount: Option<&str>) {
        self.rows += 1;
        let Some(amount) = amount else { return };
        let amount = Decimal::from_str_exact(amount).or_else(|_| Decimal::from_scientific(amount));
        self.total = self
            .total
            .zip(amount.ok())
            .and_then(|(total, amount)| total.checked_add(amount));
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.total = self
            .total
            .zip(other.total)
            .and_then(|(one, other)| one.checked_add(other));
    }
}

/// One place of one entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// At the source.
    pub source: Side,
    /// Here.
    pub stored: Side,
    /// At the source and not here.
    pub missing: u64,
    /// Here in another version, or under another day.
    pub different: u64,
    /// Here and no longer at the source.
    pub gone: u64,
    /// At the source in a form that cannot be stored, and in quarantine here.
    pub quarantined: u64,
    /// How many of those missing, different and gone nothing that has happened since the last reading explains.
    pub unexplained: u64,
}

impl Tally {
    /// What it means.
    pub fn verdict(&self) -> Verdict {
        match (self.may_be_mended(), self.quarantined, self.unexplained) {
            (false, 0, _) => Verdict::Green,
            (_, _, 0) => Verdict::Yellow,
            _ => Verdict::Red,
        }
    }

    /// Whether reading it again may help. It does not help against what cannot be stored.
    pub fn may_be_mended(&self) -> bool {
        self.missing + self.different + self.gone > 0
    }

    fn join(&mut self, other: &Self) {
        self.source.join(&other.source);
        self.stored.join(&other.stored);
        self.missing += other.missing;
        self.different += other.different;
        self.gone += other.gone;
        self.quarantined += other.quarantined;
        self.unexplained += other.unexplained;
    }
}

/// Neighbouring days of one entity that are all well, or one place that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where.
    pub place: Place,
    /// What was found there, all of it together.
    pub tally: Tally,
}

/// The same with every day of `ranges` (the only place of what is read whole): where neither side has a record, both are
/// the same.
pub fn with_days_without_records(mut tallies: Tallies, ranges: Option<&[(NaiveDate, NaiveDate)]>) -> Tallies {
    let Some(ranges) = ranges else {
        tallies.entry(Place::Whole).or_default();
        return tallies;
    };
    for (from, to) in ranges {
        for day in from.iter_days().take_while(|day| day <= to) {
            tallies.entry(Place::day(day)).or_default();
        }
    }
    tallies
}

/// The places in their order, days that are well joined up to the next that is not, or that begins one of `ranges`: what
/// lies between ranges was not compared.
pub fn spans(
    tallies: impl IntoIterator<Item = (Place, Tally)>,
    ranges: &[(NaiveDate, NaiveDate)],
) -> Vec<Span> {
    let begins_between =
        |last: NaiveDate, day: NaiveDate| ranges.iter().any(|(from, _)| last < *from && *from <= day);
    let mut spans: Vec<Span> = Vec::new();
    for (place, tally) in tallies {
        let is_well = tally.verdict() == Verdict::Green;
        match (spans.last_mut(), place) {
            (
                Some(Span {
                    place: Place::Days { to: last, .. },
                    tally: before,
                }),
                Place::Days { from, to },
            ) if is_well && before.verdict() == Verdict::Green && !begins_between(*last, from) => {
                *last = to;
                before.join(&tally);
            }
            _ => spans.push(Span { place, tally }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 9, number).unwrap()
    }

    fn well(amount: &str) -> Tally {
        let mut tally = Tally::default();
        tally.source.add(Some(amount));
        tally.stored.add(Some(amount));
        tally
    }

    #[test]
    fn what_differs_is_yellow_where_it_is_accounted_for_and_red_otherwise() {
        assert_eq!(Tally::default().verdict(), Verdict::Green);
        let late = Tally {
            missing: 2,
            ..Tally::default()
        };
        let put_away = Tally {
            quarantined: 1,
            ..Tally::default()
        };
        let lost = |tally| Tally {
            unexplained: 1,
            ..tally
        };
        assert_eq!((late.verdict(), late.may_be_mended()), (Verdict::Yellow, true));
        assert_eq!(
            (put_away.verdict(), put_away.may_be_mended()),
            (Verdict::Yellow, false)
        );
        assert_eq!(lost(late).verdict(), Verdict::Red);
        let both = Tally {
            quarantined: 1,
            ..lost(late)
        };
        assert_eq!(both.verdict(), Verdict::Red);
    }

    #[test]
    fn totals_are_exact_or_unknown() {
        let mut side = Side::default();
        for amount in ["0.1", "0.2", "-1e2"] {
            side.add(Some(amount));
        }
        side.add(None);
        assert_eq!(
            (side.rows, side.total.unwrap().to_string().as_str()),
            (4, "-99.7")
        );
        side.add(Some("1e300"));
        assert_eq!((side.rows, side.total), (5, None));
    }

    #[test]
    fn days_that_are_well_are_one_span_up_to_the_next_that_is_not() {
        let lost = Tally {
            missing: 1,
            unexplained: 1,
            ..Tally::default()
        };
        let put_away = Tally {
            quarantined: 1,
            ..Tally::default()
        };
        let somewhere = Place::Within {
            from: day(1),
            to: day(5),
        };
        let tallies = Tallies::from([
            (somewhere, put_away),
            (Place::day(day(1)), well("1.10")),
            (Place::day(day(2)), well("2.20")),
            (Place::day(day(3)), lost),
            (Place::day(day(4)), lost),
            (Place::day(day(5)), well("1")),
        ]);
        let spans = spans(tallies, &[(day(1), day(5))]);
        let told: Vec<_> = spans
            .iter()
            .map(|span| (span.place, span.tally.verdict()))
            .collect();
        let from_to = |from, to| Place::Days {
            from: day(from),
            to: day(to),
        };
        assert_eq!(
            told,
            [
                (from_to(1, 2), Verdict::Green),
                (from_to(3, 3), Verdict::Red),
                (from_to(4, 4), Verdict::Red),
                (from_to(5, 5), Verdict::Green),
                (somewhere, Verdict::Yellow),
            ]
        );
        assert_eq!(spans[0].tally.stored.total.unwrap().to_string(), "3.30");
    }

    #[test]
    fn days_without_records_are_the_same_on_both_sides() {
        let lost = Tally {
            missing: 1,
            unexplained: 1,
            ..Tally::default()
        };
        let ranges = [(day(1), day(9))];
        let tallies = Tallies::from([(Place::day(day(3)), well("1")), (Place::day(day(6)), lost)]);
        let all = with_days_without_records(tallies, Some(&ranges));
        let days: Vec<_> = spans(all, &ranges)
            .iter()
            .map(|span| (span.place.days().unwrap(), span.tally.source.rows))
            .collect();
        assert_eq!(
            days,
            [
                ((day(1), day(5)), 1),
                ((day(6), day(6)), 0),
                ((day(7), day(9)), 0)
            ]
        );
        let whole = with_days_without_records(Tallies::new(), None);
        assert_eq!(whole.len(), 1);
    }

    #[test]
    fn days_are_not_joined_over_days_that_were_not_compared() {
        let ranges = [(day(1), day(3)), (day(7), day(9))];
        let tallies = [1, 3, 8].map(|number| (Place::day(day(number)), well("1")));
        let places: Vec<Place> = spans(tallies, &ranges).iter().map(|span| span.place).collect();
        let first = Place::Days {
            from: day(1),
            to: day(3),
        };
        assert_eq!(places, [first, Place::day(day(8))]);
    }
}
