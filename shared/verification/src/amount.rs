//! Amount: a decimal of a payload with all its digits, and when two of them are the same.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

/// The amount in a member of a JSON object, with all its digits, whether it stands there as a number or as a text.
pub(crate) fn amount<'a>(payload: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let members: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(payload).ok()?;
    let value = members.get(name)?.get();
    match value {
        "null" => None,
        text if text.starts_with('"') => serde_json::from_str(text).ok().map(Cow::Owned),
        number => Some(Cow::Borrowed(number)),
    }
}

/// Whether two amounts are the same number, however it is written: 10.50 is 1.05e1. What is no number on both sides is
/// no amount on both sides.
pub(crate) fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(Decimal::read) == other.map(Decimal::read)
}

/// A decimal of any length: its digits without zeros at either end, and the power of ten that they count.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    power: i64,
}

impl Decimal {
    const ZERO: Self = Self {
        is_negative: false,
        digits: String::new(),
        power: 0,
    };

    fn read(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let from_first = digits.trim_start_matches('0');
        let significant = from_first.trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self::ZERO);
        }
        let zeros = i64::try_from(from_first.len() - significant.len()).ok()?;
        let decimals = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            is_negative,
            digits: significant.to_owned(),
            power: exponent.checked_add(zeros - decimals)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_or_a_text_with_all_its_digits() {
        let read = |value: &str| {
            amount(&format!(r#"{{"Id":"1","TotalAmt":{value}}}"#), "TotalAmt").map(Cow::into_owned)
        };
        let exact = Some("9007199254740993.10".to_owned());
        assert_eq!(read("9007199254740993.10"), exact);
        assert_eq!(read(r#""9007199254740993.10""#), exact);
        assert_eq!(read("null"), None);
        assert_eq!(amount(r#"{"Id":"1"}"#, "TotalAmt"), None);
    }

    #[test]
    fn amounts_are_the_same_however_they_are_written_and_to_the_last_digit() {
        let long = "12345678901234567890.123456789012345678901";
        for (one, other) in [
            ("10.50", "1.05e1"),
            ("1E+05", "100000"),
            ("2.50e-3", "0.00250"),
            ("-0.00", "0"),
            (long, long),
            ("1e300", &format!("1{}.0", "0".repeat(300))),
            ("not billed", "never billed"),
        ] {
            assert!(is_same(Some(one), Some(other)), "{one} {other}");
        }
        for (one, other) in [
            ("2796.93", "4.00"),
            ("10.5", "-10.5"),
            ("1", "10"),
            (long, "12345678901234567890.123456789012345678902"),
            ("0", "not billed"),
        ] {
            assert!(!is_same(Some(one), Some(other)), "{one} {other}");
        }
        assert!(is_same(None, None));
        assert!(!is_same(Some("0"), None) && !is_same(None, Some("4.00")));
    }
}
