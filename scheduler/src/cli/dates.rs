//! Dates: how people write the first and the last day of a range.
//!
//! ```text
//! 2026-05-31   that day
//! 2026-05      the first or the last day of that month, by the end of the range that it is
//! today, yesterday, -30d   counted from today, as UTC has it
//! min, max     the first and the last day of which documents can be asked for: 1970-01-01, and today in a year
//! ```

use chrono::{Days, Months, NaiveDate};
use ledgerfleet_model::window::EARLIEST_DAY;
use ledgerfleet_model::{Clock, SystemClock};

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
pub(super) fn first_day(text: &str) -> Result<NaiveDate, String> {
    day(text, End::First, SystemClock.now().date_naive())
}

/// The last day of a range, which is included.
pub(super) fn last_day(text: &str) -> Result<NaiveDate, String> {
    day(text, End::Last, SystemClock.now().date_naive())
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
