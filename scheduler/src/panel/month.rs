//! Month: whether the days of a month are complete, for each company and entity, out of the coverage map.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Deserialize;

/// The coverage map as the API tells it.
#[derive(Deserialize)]
pub(super) struct Map {
    pub(super) rows: Vec<MapRow>,
}

#[derive(Deserialize)]
pub(super) struct MapRow {
    pub(super) connection: String,
    pub(super) entity: String,
    pub(super) whole: bool,
    cells: String,
}

/// Letters, the worst first.
const WORST: [char; 10] = ['x', 'b', 'c', 'h', 'r', 'p', 'u', 'n', 'd', 'e'];

/// How many days are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) complete: u64,
    pub(super) of: u64,
    /// The worst letter, and on how many days.
    pub(super) worst: char,
    pub(super) on: u64,
}

impl MapRow {
    /// How the days of this entity stand.
    pub(super) fn days(&self) -> Standing {
        sum(&runs(&self.cells))
    }
}

/// How the days of several entities stand. A list that is read as a whole has no days, and counts once.
pub(super) fn together<'a>(rows: impl Iterator<Item = &'a MapRow>) -> Option<Standing> {
    let mut all = Vec::new();
    for row in rows {
        let runs = runs(&row.cells);
        if row.whole {
            all.extend(runs.first().map(|(letter, _)| (*letter, 1)));
        } else {
            all.extend(runs);
        }
    }
    (!all.is_empty()).then(|| sum(&all))
}

fn runs(cells: &str) -> Vec<(char, u64)> {
    let mut runs: Vec<(char, u64)> = Vec::new();
    for sign in cells.chars() {
        match (sign.to_digit(10), runs.last_mut()) {
            (Some(digit), Some((_, many))) => *many = many.saturating_mul(10).saturating_add(digit.into()),
            _ => runs.push((sign, 0)),
        }
    }
    runs
}

fn sum(runs: &[(char, u64)]) -> Standing {
    let many = |letter: char| {
        runs.iter()
            .filter(|(known, _)| *known == letter)
            .map(|(_, many)| many)
            .sum::<u64>()
    };
    let worst = WORST.into_iter().find(|letter| many(*letter) > 0).unwrap_or('n');
    Standing {
        complete: many('d') + many('e'),
        of: runs.iter().map(|(_, many)| many).sum(),
        worst,
        on: many(worst),
    }
}

/// The month that is asked for, or the last one that is over.
pub(super) fn asked(text: Option<&str>, today: NaiveDate) -> NaiveDate {
    let asked = text.and_then(|text| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok());
    let first = today.with_day(1).unwrap_or(today);
    asked.unwrap_or_else(|| first.checked_sub_months(Months::new(1)).unwrap_or(first))
}

/// The month that is asked for, or this one.
pub(super) fn asked_or_this(text: Option<&str>, today: NaiveDate) -> NaiveDate {
    let this = today.format("%Y-%m").to_string();
    asked(Some(text.unwrap_or(&this)), today)
}

/// Its last day.
pub(super) fn end(first: NaiveDate) -> NaiveDate {
    let next = first.checked_add_months(Months::new(1));
    next.and_then(|next| next.checked_sub_days(Days::new(1)))
        .unwrap_or(first)
}

/// The month so many later, as an address has it.
pub(super) fn beside(first: NaiveDate, later: i32) -> String {
    let months = Months::new(later.unsigned_abs());
    let other = if later < 0 {
        first.checked_sub_months(months)
    } else {
        first.checked_add_months(months)
    };
    other.unwrap_or(first).format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(whole: bool, cells: &str) -> MapRow {
        MapRow {
            connection: String::new(),
            entity: String::new(),
            whole,
            cells: cells.to_owned(),
        }
    }

    #[test]
    fn the_worst_day_of_a_month_is_told_and_never_averaged_away() {
        for (cells, complete, worst, on) in [
            ("d31", 31, 'd', 31),
            ("d10e20x1", 30, 'x', 1),
            ("n31", 0, 'n', 31),
            ("d5p20h6", 5, 'h', 6),
        ] {
            let days = row(false, cells).days();
            assert_eq!(
                (days.complete, days.of, days.worst, days.on),
                (complete, 31, worst, on),
                "{cells}"
            );
        }
        let both = [row(false, "d31"), row(true, "d31"), row(true, "x31")];
        let both = together(both.iter()).unwrap();
        assert_eq!((both.complete, both.of, both.worst, both.on), (32, 33, 'x', 1));
        assert_eq!(together([].iter()), None);
    }

    #[test]
    fn the_month_before_this_one_is_meant_where_none_is_said() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 31).unwrap();
        assert_eq!(asked(None, today).to_string(), "2026-02-01");
        assert_eq!(asked(Some("2024-02"), today).to_string(), "2024-02-01");
        assert_eq!(asked(Some("2024-13"), today).to_string(), "2026-02-01");
        assert_eq!(end(asked(Some("2024-02"), today)).to_string(), "2024-02-29");
        assert_eq!(
            (beside(today, -1), beside(today, 1)),
            ("2026-02".to_owned(), "2026-04".to_owned())
        );
    }
}
