//! How values of the model stand in Postgres, and what Postgres cannot hold.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use ledgerfleet_model::json::{Number, Token, may_have_odd_numbers, tokens};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

/// A value that stands as text: words of a vocabulary, time zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Word<T>(pub(super) T);

impl<T> Type<Postgres> for Word<T> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl<T: FromStr<Err: std::error::Error + Send + Sync + 'static>> Decode<'_, Postgres> for Word<T> {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(<&str as Decode<Postgres>>::decode(value)?.parse()?))
    }
}

/// A number that is never negative, from an integer column of any width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count<T>(pub(super) T);

impl<T> Type<Postgres> for Count<T> {
    fn type_info() -> PgTypeInfo {
        <i64 as Type<Postgres>>::type_info()
    }

    fn compatible(column: &PgTypeInfo) -> bool {
        [
            <i16 as Type<Postgres>>::type_info(),
            <i32 as Type<Postgres>>::type_info(),
            <i64 as Type<Postgres>>::type_info(),
        ]
        .contains(column)
    }
}

impl<T: TryFrom<i64, Error: std::error::Error + Send + Sync + 'static>> Decode<'_, Postgres> for Count<T> {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(<i64 as Decode<Postgres>>::decode(value)?.try_into()?))
    }
}

/// Long texts as one array. It says how long it is, so that the buffer of the arguments is made for it: one that grows by
/// doubling would take up to twice as much.
#[derive(Debug, Default)]
pub(super) struct Texts<'a>(pub(super) Vec<Cow<'a, str>>);

impl Type<Postgres> for Texts<'_> {
    fn type_info() -> PgTypeInfo {
        <[&str] as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Texts<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.encode_by_ref(buffer)
    }

    fn size_hint(&self) -> usize {
        const HEAD: usize = 20;
        HEAD + self
            .0
            .iter()
            .map(|text| size_of::<i32>() + text.len())
            .sum::<usize>()
    }
}

/// A count as a `bigint`. Nothing that is counted here comes near its end.
pub(super) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A count as an `integer`.
pub(super) fn small(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

/// A duration in whole milliseconds.
pub(super) fn millis(duration: Duration) -> i64 {
    number(duration.as_millis())
}

/// A duration as SQL adds it to an instant. One beyond the calendar ends some thousand years on.
pub(super) fn interval(duration: Duration) -> PgInterval {
    const LONGEST: Duration = Duration::from_hours(1000 * 365 * 24);
    PgInterval {
        months: 0,
        days: 0,
        microseconds: number(duration.min(LONGEST).as_micros()),
    }
}

/// A span between two instants as Postgres has it.
pub(super) fn span(by: TimeDelta) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: by.num_microseconds().unwrap_or(i64::MAX),
    }
}

/// Text without NUL, the one character that no text of Postgres can hold.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A JSON text as `jsonb` takes it: escapes of NUL and of halves of surrogate pairs, which name no character that it
/// could hold, are replaced by the replacement character.
pub(super) fn storable(json: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    let mut at = 0;
    // A backslash stands only inside strings.
    while let Some(found) = json[at..].find('\\') {
        let escape = at + found;
        at = escape + escape_length(&json[escape..]);
        if !names_a_character(&json[escape..at]) {
            kept.push_str(&json[from..escape]);
            kept.push_str(r"\ufffd");
            from = at;
        }
    }
    if kept.is_empty() {
        return Cow::Borrowed(json);
    }
    kept.push_str(&json[from..]);
    Cow::Owned(kept)
}

/// Whether `jsonb` would write a number otherwise than it is written here. It keeps every digit and every trailing zero,
/// but neither exponents (`1e2` becomes `100`) nor a zero below zero.
pub(super) fn changes_numbers(json: &str) -> bool {
    may_have_odd_numbers(json)
        && tokens(json).any(|token| matches!(token, Token::Number(text) if !Number::of(text).is_plain()))
}

/// The bytes of the escape that `text` begins with; a pair of surrogates is one.
fn escape_length(text: &str) -> usize {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
        (Some(_), _) => 6,
        // Whatever is escaped here is one byte of ASCII in valid JSON.
        (None, _) => 2.min(text.len()),
    }
}

fn names_a_character(escape: &str) -> bool {
    let unit = escape
        .strip_prefix("\\u")
        .and_then(|digits| u16::from_str_radix(digits, 16).ok());
    !matches!(unit, Some(0 | 0xd800..=0xdfff))
}

/// JSON text without insignificant whitespace, which `jsonb` puts behind every comma and colon.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            ' ' | '\n' | '\r' | '\t' if !in_string => continue,
            _ => {}
        }
        compact.push(character);
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jsonb_refuses_is_replaced_and_all_else_is_kept() {
        for (served, stored) in [
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#""\u0000""#, r#""\ufffd""#),
            (r#""a\u0000\u0000b""#, r#""a\ufffd\ufffdb""#),
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\uD83D\uDE00""#, r#""\uD83D\uDE00""#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""é\n\u00e9😀\u0000ñ""#, r#""é\n\u00e9😀\ufffdñ""#),
        ] {
            assert_eq!(storable(served), stored);
            assert_eq!(matches!(storable(served), Cow::Borrowed(_)), served == stored);
        }
    }

    #[test]
    fn an_array_of_texts_is_as_long_as_it_says() {
        for texts in [
            vec![],
            vec!["".into()],
            vec!["{}".into(), Cow::Owned("é".repeat(1_000))],
        ] {
            let (texts, mut buffer) = (Texts(texts), PgArgumentBuffer::default());
            assert!(matches!(texts.encode_by_ref(&mut buffer), Ok(IsNull::No)));
            assert_eq!(buffer.len(), texts.size_hint());
        }
    }

    #[test]
    fn whitespace_inside_strings_is_significant() {
        let spread = "{\"a b\": [1, 2.50],\n \"c\\\" : d\": \"\\\\\", \"e\": \" \"}";
        assert_eq!(compact(spread), r#"{"a b":[1,2.50],"c\" : d":"\\","e":" "}"#);
    }

    #[test]
    fn a_wait_beyond_the_calendar_ends_with_it() {
        assert_eq!(interval(Duration::from_millis(1500)).microseconds, 1_500_000);
        assert!(interval(Duration::MAX).microseconds < i64::MAX / 100);
    }
}
