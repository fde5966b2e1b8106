//! A test: one condition of a statement, ready to be held against a record.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::parser::{Condition, Operator, Value};
use super::{Distortion, QueryError};
use crate::books::blueprint::Blueprint;
use crate::books::head::Head;
use crate::books::property::Property;
use crate::books::scalar::{Kind, Scalar};
use crate::books::text::{Fields, Showing};
use crate::pacific::from_pacific;
use crate::switches::{Acceptance, LiteralZone, NotEqual, Switches};

/// A property and what it must be.
pub(super) struct Test {
    pub(super) property: Property,
    pub(super) demand: Demand,
}

pub(super) enum Demand {
    Compare(Operator, Scalar),
    AnyOf(Vec<Scalar>),
    Like(String),
}

/// What an answer depends on besides the statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) now: DateTime<Utc>,
    pub(crate) switches: Switches,
    /// Tells this answer apart from all others.
    pub(crate) answer: u64,
    pub(crate) distortion: Distortion,
    /// The custom fields that the request sees.
    pub(crate) fields: Fields,
}

impl Setting {
    /// How its records are shown.
    pub(crate) fn showing(&self) -> Showing {
        Showing {
            answer: self.answer,
            fields: self.fields,
        }
    }
}

impl Test {
    /// Gives a condition on a known property its meaning.
    pub(super) fn new(
        property: Property,
        condition: &Condition,
        setting: Setting,
    ) -> Result<Self, QueryError> {
        let operator = condition.operator;
        if operator == Operator::NotEqual && setting.switches.not_equal == NotEqual::Refused {
            return Err(QueryError::Parse(
                "Encountered \"!=\". Was expecting: an operator".to_owned(),
            ));
        }
        if operator == Operator::In && !takes_lists(&property, &setting.switches) {
            return Err(refused(&property, "cannot be compared with IN"));
        }
        if property.kind == Kind::Id && !matches!(operator, Operator::Equal | Operator::In) {
            return Err(refused(&property, "can only be compared with = and IN"));
        }
        if operator == Operator::Like && property.kind != Kind::Text {
            return Err(refused(&property, "cannot be compared with LIKE"));
        }
        let mut values = condition
            .values
            .iter()
            .map(|value| literal(&property, value, setting))
            .collect::<Result<Vec<_>, _>>()?;
        let demand = match operator {
            Operator::In => Demand::AnyOf(values),
            Operator::Like => Demand::Like(raw(&condition.values[0]).to_lowercase()),
            comparison => Demand::Compare(comparison, values.remove(0)),
        };
        Ok(Self { property, demand })
    }

    pub(super) fn holds(&self, plan: &Blueprint, head: &Head) -> bool {
        let value = self.property.read(plan, head);
        match &self.demand {
            Demand::AnyOf(wanted) => wanted.contains(&value),
            Demand::Like(pattern) => matches!(&value, Scalar::Text(text) if is_like(text, pattern)),
            Demand::Compare(operator, wanted) => compares(*operator, &value, wanted),
        }
    }
}

/// Whether a property may be compared with `IN` as the switches stand.
fn takes_lists(property: &Property, switches: &Switches) -> bool {
    let acceptance = match property.name {
        "Id" => switches.id_in,
        "Active" => switches.active_in,
        _ => Acceptance::Accepted,
    };
    acceptance == Acceptance::Accepted
}

/// Nothing equals only nothing; it is neither less nor more than anything.
fn compares(operator: Operator, value: &Scalar, wanted: &Scalar) -> bool {
    let order = value.order(wanted);
    let both = *value != Scalar::Null && *wanted != Scalar::Null;
    match operator {
        Operator::Equal => value == wanted,
        Operator::NotEqual => value != wanted,
        Operator::Less => both && order == Ordering::Less,
        Operator::Greater => both && order == Ordering::Greater,
        Operator::AtMost => both && order != Ordering::Greater,
        Operator::AtLeast => both && order != Ordering::Less,
        Operator::Like | Operator::In => false,
    }
}

/// `%` stands for any text; everything else for itself.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn raw(value: &Value) -> &str {
    match value {
        Value::Quoted(text) | Value::Bare(text) => text,
    }
}

fn literal(property: &Property, value: &Value, setting: Setting) -> Result<Scalar, QueryError> {
    let text = raw(value).trim();
    let wrong = || refused(property, &format!("cannot be compared with '{text}'"));
    if text.is_empty() {
        return Ok(Scalar::Null);
    }
    let current = matches!(value, Value::Bare(word) if word.eq_ignore_ascii_case("CURRENT_DATE"));
    match property.kind {
        Kind::Text => Ok(Scalar::text(raw(value))),
        Kind::Flag if text.eq_ignore_ascii_case("true") => Ok(Scalar::Flag(true)),
        Kind::Flag if text.eq_ignore_ascii_case("false") => Ok(Scalar::Flag(false)),
        Kind::Flag => Err(wrong()),
        Kind::Id if !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(wrong()),
        Kind::Id | Kind::Number => number(text).ok_or_else(wrong),
        Kind::Date if current => Ok(Scalar::Date(today(setting.now))),
        Kind::Date => date(text).map(Scalar::Date).ok_or_else(wrong),
        Kind::Instant if current => Ok(Scalar::Instant(
            midnight(today(setting.now), setting).timestamp_micros(),
        )),
        Kind::Instant => instant(text, setting)
            .map(|at| Scalar::Instant(at.timestamp_micros()))
            .ok_or_else(wrong),
    }
}

fn refused(property: &Property, why: &str) -> QueryError {
    QueryError::Validation(format!("Property {} {why}", property.name))
}

/// A decimal of at most six places, in millionths.
fn number(text: &str) -> Option<Scalar> {
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 20
        || fraction.len() > 6
        || !all_digits(whole)
        || !all_digits(fraction)
    {
        return None;
    }
    let millionths: i128 = format!("{whole}{fraction:0<6}").parse().ok()?;
    Some(Scalar::Number(if negative { -millionths } else { millionths }))
}

/// A date, or the date of a timestamp: document dates know no zone.
fn date(text: &str) -> Option<NaiveDate> {
    let day = text.get(..10)?;
    let rest = &text[10..];
    let timed = rest.is_empty() || rest.starts_with(['T', ' ']);
    timed
        .then(|| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok())
        .flatten()
}

/// `2011-08-10T10:20:30-07:00`, `-0700`, `Z`, without an offset, with a fraction, or only a date.
pub(crate) fn instant(text: &str, setting: Setting) -> Option<DateTime<Utc>> {
    // Years beyond four digits would leave the range of the calendar.
    if !text.starts_with(|first: char| first.is_ascii_digit()) || text.find('-') != Some(4) {
        return None;
    }
    let with_offset = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|instant| instant.with_timezone(&Utc));
    if let Ok(instant) = with_offset {
        return Some(instant);
    }
    if let Ok(local) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(in_zone(local, setting));
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .map(|date| midnight(date, setting))
}

fn midnight(date: NaiveDate, setting: Setting) -> DateTime<Utc> {
    in_zone(date.and_time(NaiveTime::MIN), setting)
}

fn in_zone(local: NaiveDateTime, setting: Setting) -> DateTime<Utc> {
    match setting.switches.literal_without_offset {
        LiteralZone::Pacific => from_pacific(local),
        LiteralZone::Utc => local.and_utc(),
    }
}

/// Today is upstream's today.
fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&chrono_tz::America::Los_Angeles).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> Setting {
        Setting {
            now: DateTime::from_timestamp(1_767_229_200, 0).unwrap(),
            switches: Switches::default(),
            answer: 1,
            distortion: Distortion::default(),
            fields: Fields::All,
        }
    }

    #[test]
    fn a_percent_sign_stands_for_any_text() {
        for (text, pattern) in [
            ("abc", "%b%"),
            ("abc", "a%"),
            ("abc", "%c"),
            ("abc", "abc"),
            ("abab", "%ab"),
            ("x", "%"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("abc", "b%"), ("abc", "%b"), ("abc", "ab"), ("a", "a%a")] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn timestamps_are_read_in_all_the_forms_seen() {
        let read = |text: &str| instant(text, setting()).map(|at| at.timestamp());
        for same in [
            "2026-01-01T01:00:00Z",
            "2025-12-31T17:00:00-08:00",
            "2025-12-31T17:00:00-0800",
            "2025-12-31T17:00:00",
        ] {
            assert_eq!(read(same), Some(1_767_229_200), "{same}");
        }
        assert_eq!(read("2026-01-01"), Some(1_767_225_600 + 8 * 3_600));
        assert!(instant("2026-01-01T01:00:00.9658792Z", setting()).is_some());
        for wrong in ["2026-01-01T01:00:00 00:00", "2026-13-01", "yesterday", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_current_date_is_the_pacific_coasts() {
        assert_eq!(today(setting().now).to_string(), "2025-12-31");
    }

    #[test]
    fn numbers_are_exact_decimals() {
        assert_eq!(number("12.5"), Some(Scalar::Number(12_500_000)));
        assert_eq!(number("-0.01"), Some(Scalar::Number(-10_000)));
        for wrong in ["", ".5", "1e3", "1.2.3", "0.1234567", "--1"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_date_may_be_written_as_a_timestamp() {
        assert_eq!(date("2026-02-28T23:00:00Z"), date("2026-02-28"));
        assert_eq!(date("2026-02-30"), None);
        assert_eq!(date("2026-02-28x"), None);
        assert_eq!(date("é026-02-28"), None);
    }
}
