//! Days: calendar days of Ecuador, as this API writes them. The mainland is five hours behind UTC all year.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Utc};

use super::source::Written;

/// A day as it is written in a query.
pub(super) fn written(day: NaiveDate, how: Written) -> String {
    match how {
        Written::DayFirst => day.format("%d/%m/%Y").to_string(),
        Written::Iso => day.format("%Y-%m-%d").to_string(),
    }
}

/// A day as it is written in a record: `dd/mm/yyyy`, or as ISO 8601 has it, with a time behind it or without.
pub(super) fn read(text: &str) -> Option<NaiveDate> {
    let part = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let day = match text.as_bytes() {
        [_, _, b'/', _, _, b'/', _, _, _, _] => [part(6..10), part(3..5), part(0..2)],
        [_, _, _, _, b'-', _, _, b'-', _, _] | [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b' ', ..] => {
            [part(0..4), part(5..7), part(8..10)]
        }
        _ => return None,
    };
    let [Some(year), Some(month), Some(day)] = day else {
        return None;
    };
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    (1..=9999).contains(&day.year()).then_some(day)
}

/// An instant as it is written in a record, without a zone: `2026-02-18T11:12:08`.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    local.and_local_timezone(ecuador()).single().map(|at| at.to_utc())
}

/// The day on which an instant is in Ecuador.
pub(super) fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ecuador()).date_naive()
}

fn ecuador() -> FixedOffset {
    const BEHIND: i32 = 5 * 3_600;
    FixedOffset::west_opt(BEHIND).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_with_the_day_first_and_as_iso_and_nothing_else_is_one() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 1);
        for text in [
            "01/02/2026",
            "2026-02-01",
            "2026-02-01T23:59:59",
            "2026-02-01 08:00",
        ] {
            assert_eq!(read(text), day, "{text}");
        }
        for text in [
            "",
            "1/2/2026",
            "31/02/2026",
            "2026-2-1",
            "01-02-2026",
            "00/00/0000",
            "01/02/0000",
            "+1/02/2026",
            "2026-02-01x",
            "ñ1/02/2026",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_evening_in_quito_is_the_next_day_in_utc_and_the_same_day_there() {
        let at = instant("2026-02-18T21:12:08").unwrap();
        assert_eq!(at.to_string(), "2026-02-19 02:12:08 UTC");
        assert_eq!(day_of(at), NaiveDate::from_ymd_opt(2026, 2, 18).unwrap());
        assert_eq!(instant("18/02/2026"), None);
    }
}
