//! Dates: how people write the first and the last day of a range, and an instant. What is told by its distance from now is
//! counted when it is asked for: a command that recurs means other days each time.
//!
//! ```text
//! 2026-05-31   that day
//! 2026-05      the first or the last day of that month, by the end of the range that it is
//! today, yesterday, -30d   counted from today, which is the UTC day on a command line and that of its zone in a trigger
//! min, max     the first and the last day of which documents can be asked for: 1970-01-01, and today in a year
//! ```

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use ledgerfleet_model::window::EARLIEST_DAY;

/// What a date may look like, for those who wrote another.
const SHAPES: &str = "a day is written YYYY-MM-DD, such as 2026-03-31; also: 2026-03 for the month, today, yesterday, -30d \
                      for thirty days ago, min or max";

/// Which end of a range a date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// The first day of a range.
///
/// # Errors
/// It is none; what a day looks like.
pub fn first_day(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    day(text, End::First, today)
}

/// The last day of a range, which is included.
///
/// # Errors
/// It is none; what a day looks like.
pub fn last_day(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    day(text, End::Last, today)
}

/// An instant since when something is asked: with its zone, as `7d` or `12h` ago, or as the beginning of a day in UTC. A
/// time without a zone would be taken for Pacific time by one, for UTC by another: so it is demanded.
///
/// # Errors
/// It is none; what an instant looks like.
pub fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    const WRITTEN: &str = "an instant is written with its zone, such as 2026-03-05T04:07:00Z or 2026-03-04T20:07:00-08:00, and its day is one of the calendar; \
         also: 7d or 12h for so long ago, 2026-03-05 for the beginning of that day in UTC";
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        && text.len() == 10
    {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    ago(text)
        .and_then(|ago| now.checked_sub_signed(ago))
        .ok_or_else(|| WRITTEN.to_owned())
}

/// `7d`, `12h`.
fn ago(text: &str) -> Option<TimeDelta> {
    let (number, hours) = match text.strip_suffix('d') {
        Some(days) => (days, 24),
        None => (text.strip_suffix('h')?, 1),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| number.parse().ok()).flatten()?;
    TimeDelta::try_hours(number.checked_mul(hours)?)
}

/// A time beside a day would be ignored or misread, so it is refused.
fn day(text: &str, end: End, today: NaiveDate) -> Result<NaiveDate, String> {
    if let Some(day) = relative(text, today) {
        return day;
    }
    let shape: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '-');
    match (digits, shape.as_slice()) {
        (true, [4, 2, 2]) => text
            .parse()
            .map_err(|_| format!("there is no day {text} in the calendar")),
        (true, [4, 2]) => month(text, end).ok_or_else(|| format!("there is no month {text} in the calendar")),
        _ => Err(refusal(text)),
    }
}

/// A day that is told by its distance from today; none where it is told otherwise.
fn relative(text: &str, today: NaiveDate) -> Option<Result<NaiveDate, String>> {
    let back = match text.to_ascii_lowercase().as_str() {
        "today" => 0,
        "yesterday" => 1,
        "min" => return Some(Ok(EARLIEST_DAY)),
        "max" => {
            return Some(
                today
                    .checked_add_months(Months::new(12))
                    .ok_or_else(|| "the calendar ends".to_owned()),
            );
        }
        other => other
            .strip_prefix('-')?
            .strip_suffix('d')
            .filter(|days| !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit()))?
            .parse()
            .unwrap_or(u64::MAX),
    };
    let day = today.checked_sub_days(Days::new(back));
    Some(day.ok_or_else(|| format!("{text} lies before the calendar")))
}

fn month(text: &str, end: End) -> Option<NaiveDate> {
    let first: NaiveDate = format!("{text}-01").parse().ok()?;
    match end {
        End::First => Some(first),
        End::Last => first.checked_add_months(Months::new(1))?.pred_opt(),
    }
}

fn refusal(text: &str) -> String {
    let day = text
        .get(..10)
        .filter(|start| start.parse::<NaiveDate>().is_ok())
        .filter(|_| text[10..].starts_with(['T', 't', ' ']));
    day.map_or_else(
        || SHAPES.to_owned(),
        |day| format!("a day is wanted without a time: {day}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn first(text: &str) -> Result<NaiveDate, String> {
        day(text, End::First, on(2026, 3, 1))
    }

    #[test]
    fn a_day_is_a_real_day_without_a_time() {
        assert_eq!(first("2024-02-29"), Ok(on(2024, 2, 29)));
        assert!(first("2026-02-30").unwrap_err().contains("no day"));
        assert!(
            first("2026-01-01T00:00:00Z")
                .unwrap_err()
                .contains("without a time")
        );
        for wrong in [
            "",
            "01/02/2026",
            "2026-1-1",
            "26-01-01",
            "2026-01-01x",
            "tomorrow",
            "２０２６-01-01",
            "2026-1",
            "2026",
            "-d",
            "30d",
            "-30",
            "--30d",
            "-3 d",
            "+30d",
        ] {
            assert!(first(wrong).unwrap_err().contains("YYYY-MM-DD"), "{wrong}");
        }
    }

    #[test]
    fn an_instant_has_a_zone_or_is_told_by_its_distance_or_is_the_beginning_of_a_day() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let now = at("2026-03-08T12:00:00Z");
        for (text, wanted) in [
            ("2026-03-04T20:07:00-08:00", at("2026-03-05T04:07:00Z")),
            ("7d", at("2026-03-01T12:00:00Z")),
            ("12h", at("2026-03-08T00:00:00Z")),
            ("0h", now),
            ("2026-01-01", at("2026-01-01T00:00:00Z")),
        ] {
            assert_eq!(since(text, now), Ok(wanted), "{text}");
        }
        for wrong in [
            "2026-03-05T04:07:00",
            "2026-02-30T04:07:00Z",
            "2026-02-30",
            "2026-3-5",
            "yesterday",
            "",
            "d",
            "-7d",
            "7",
            "7m",
            "99999999999999999999d",
            "9999999999999d",
        ] {
            let refused = since(wrong, now).unwrap_err();
            assert!(
                refused.contains("zone") && refused.contains("calendar"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_month_is_its_first_or_its_last_day() {
        for (month, begins, ends) in [
            ("2026-05", on(2026, 5, 1), on(2026, 5, 31)),
            ("2024-02", on(2024, 2, 1), on(2024, 2, 29)),
            ("2026-12", on(2026, 12, 1), on(2026, 12, 31)),
        ] {
            assert_eq!(first(month), Ok(begins));
            assert_eq!(day(month, End::Last, on(2026, 3, 1)), Ok(ends));
        }
        assert!(first("2026-13").unwrap_err().contains("no month 2026-13"));
    }

    #[test]
    fn a_relative_day_is_counted_from_today_across_months() {
        for (text, wanted) in [
            ("today", on(2026, 3, 1)),
            ("Yesterday", on(2026, 2, 28)),
            ("-0d", on(2026, 3, 1)),
            ("-30d", on(2026, 1, 30)),
            ("min", on(1970, 1, 1)),
            ("max", on(2027, 3, 1)),
        ] {
            assert_eq!(first(text), Ok(wanted), "{text}");
        }
        for endless in ["-99999999d", "-99999999999999999999999d"] {
            assert!(first(endless).unwrap_err().contains("before the calendar"));
        }
    }
}
