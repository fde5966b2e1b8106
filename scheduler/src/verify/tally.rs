//! Tally: one day of one entity, at the source and here, and what that means.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

/// What the comparison of a day means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The same.
    Green,
    /// They differ, and all of it has happened at the source since the day was read, or the day never was.
    Yellow,
    /// Something that was there to be read is missing here or other than it was, or something here is gone there.
    Red,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// Records and the sum of their amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) rows: u64,
    /// None once an amount was met that no decimal of 28 digits holds.
    pub(crate) total: Option<Decimal>,
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
    pub(crate) fn add(&mut self, amount: Option<&str>) {
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

/// One day of one entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) source: Side,
    pub(crate) stored: Side,
    /// At the source and not here.
    pub(crate) missing: u64,
    /// Here in another version, or under another day.
    pub(crate) different: u64,
    /// Here and no longer at the source.
    pub(crate) gone: u64,
    /// How many of these nothing that has happened since the last reading explains.
    pub(crate) unexplained: u64,
}

impl Tally {
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.missing + self.different + self.gone, self.unexplained) {
            (0, _) => Verdict::Green,
            (_, 0) => Verdict::Yellow,
            _ => Verdict::Red,
        }
    }

    fn join(&mut self, other: &Self) {
        self.source.join(&other.source);
        self.stored.join(&other.stored);
        self.missing += other.missing;
        self.different += other.different;
        self.gone += other.gone;
        self.unexplained += other.unexplained;
    }
}

/// Neighbouring days of one entity that are all well, or one that is not; none of an entity that is read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) days: Option<(NaiveDate, NaiveDate)>,
    pub(crate) tally: Tally,
}

/// The days in their order, those that are well joined up to the next that is not.
pub(crate) fn spans(days: impl IntoIterator<Item = (Option<NaiveDate>, Tally)>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (day, tally) in days {
        let is_well = tally.verdict() == Verdict::Green;
        match (spans.last_mut(), day) {
            (
                Some(Span {
                    days: Some((_, last)),
                    tally: before,
                }),
                Some(day),
            ) if is_well && before.verdict() == Verdict::Green => {
                *last = day;
                before.join(&tally);
            }
            _ => spans.push(Span {
                days: day.map(|day| (day, day)),
                tally,
            }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2026, 9, number)
    }

    fn well(amount: &str) -> Tally {
        let mut tally = Tally::default();
        tally.source.add(Some(amount));
        tally.stored.add(Some(amount));
        tally
    }

    #[test]
    fn what_differs_is_yellow_where_time_explains_it_and_red_otherwise() {
        assert_eq!(Tally::default().verdict(), Verdict::Green);
        let late = Tally {
            missing: 2,
            ..Tally::default()
        };
        assert_eq!(late.verdict(), Verdict::Yellow);
        let lost = Tally {
            unexplained: 1,
            ..late
        };
        assert_eq!(lost.verdict(), Verdict::Red);
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
        let days = [
            (day(1), well("1.10")),
            (day(2), well("2.20")),
            (day(3), lost),
            (day(4), lost),
            (day(5), well("1")),
        ];
        let spans = spans(days);
        let told: Vec<_> = spans
            .iter()
            .map(|span| (span.days, span.tally.verdict()))
            .collect();
        let from_to = |from, to| Some((day(from).unwrap(), day(to).unwrap()));
        assert_eq!(
            told,
            [
                (from_to(1, 2), Verdict::Green),
                (from_to(3, 3), Verdict::Red),
                (from_to(4, 4), Verdict::Red),
                (from_to(5, 5), Verdict::Green)
            ]
        );
        assert_eq!(spans[0].tally.stored.total.unwrap().to_string(), "3.30");
    }
}
