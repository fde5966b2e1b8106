//! JSON text, looked at token by token without being understood, so that every number keeps its digits.
//!
//! Every record passes here more than once, so what most records are can be told in one pass that compiles to wide
//! instructions ([`may_have_odd_numbers`], [`brackets`]); only the others are looked at token by token.

use memchr::memchr2;

/// What stands outside of strings in a JSON text, as far as anybody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    /// A number, as it is written.
    Number(&'a str),
}

/// The tokens of a valid JSON text, in one pass.
pub fn tokens(json: &str) -> impl Iterator<Item = Token<'_>> {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'"' => at = after_string(bytes, at),
                b'{' | b'[' => return Some(Token::Open),
                b'}' | b']' => return Some(Token::Close),
                b'-' | b'0'..=b'9' => {
                    at = end_of_number(bytes, at);
                    return Some(Token::Number(&json[start..at]));
                }
                _ => {}
            }
        }
        None
    })
}

/// Where the string ends whose first character is at `at`: after its closing quote, or at the end of the text.
pub fn after_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

fn end_of_number(bytes: &[u8], at: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
    at + length
}

/// Whether a valid JSON text may have a number with an exponent, or one below zero that begins with a zero. Never false
/// where it has one; strings that look like them make it true as well. No branches: all of it is looked at, many bytes
/// at a time.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "with a branch a byte it would not be one wide pass"
)]
pub fn may_have_odd_numbers(json: &str) -> bool {
    let bytes = json.as_bytes();
    let [first, second, ..] = bytes else { return false };
    let mut odd = *first == b'-' && *second == b'0';
    for ((before, this), next) in bytes.iter().zip(&bytes[1..]).zip(&bytes[2..]) {
        let is_exponent = before.is_ascii_digit() & (*this | 0x20 == b'e');
        // In dates and times a digit stands before.
        let is_below_zero = !before.is_ascii_digit() & (*this == b'-') & (*next == b'0');
        odd |= is_exponent | is_below_zero;
    }
    odd
}

/// How many brackets open in a JSON text, those inside of strings included: it is never deeper than that.
pub fn brackets(json: &str) -> usize {
    // So few bytes at a time that a byte can count them.
    let few = json.as_bytes().chunks(usize::from(u8::MAX));
    let opened = few.map(|few| few.iter().map(|byte| u8::from(*byte | 0x20 == b'{')).sum::<u8>());
    opened.map(usize::from).sum()
}

/// A number of a JSON text, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// None where it is beyond all that anything could hold.
    exponent: Option<i32>,
    has_exponent: bool,
}

impl<'a> Number<'a> {
    /// Takes the text of a number apart.
    pub fn of(text: &'a str) -> Self {
        let (negative, digits) = text
            .strip_prefix('-')
            .map_or((false, text), |digits| (true, digits));
        let (mantissa, exponent) = digits
            .split_once(['e', 'E'])
            .map_or((digits, None), |(mantissa, exponent)| {
                (mantissa, Some(exponent.trim_start_matches('+')))
            });
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        Self {
            negative,
            whole,
            fraction,
            exponent: exponent.map_or(Some(0), |exponent| exponent.parse().ok()),
            has_exponent: exponent.is_some(),
        }
    }

    /// Whether a database's decimals write it as it is written here: without an exponent, and no zero below zero.
    pub fn is_plain(&self) -> bool {
        !(self.has_exponent || self.negative && self.is_zero())
    }

    /// How many digits it has before and after its point once it is written without an exponent; none if they are
    /// beyond counting.
    pub fn digits(&self) -> Option<(u64, u64)> {
        let exponent = i64::from(self.exponent?);
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX / 4);
        let after = (length(self.fraction) - exponent).max(0);
        let before = if self.is_zero() {
            1
        } else if self.whole.trim_start_matches('0').is_empty() {
            let zeros = self.fraction.len() - self.fraction.trim_start_matches('0').len();
            exponent - i64::try_from(zeros).unwrap_or(i64::MAX / 4)
        } else {
            length(self.whole) + exponent
        };
        Some((before.max(1).unsigned_abs(), after.unsigned_abs()))
    }

    fn is_zero(&self) -> bool {
        self.whole
            .bytes()
            .chain(self.fraction.bytes())
            .all(|digit| digit == b'0')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn brackets_and_numbers_inside_strings_are_text() {
        let json = r#"{"a 1":[1.10,-0.0,"2 [ \" 3 \\",true,null,1e5],"é":{"7":-12E-3}}"#;
        let told: Vec<String> = tokens(json)
            .map(|token| match token {
                Token::Open => "<".to_owned(),
                Token::Close => ">".to_owned(),
                Token::Number(number) => number.to_owned(),
            })
            .collect();
        assert_eq!(told.join(" "), "< < 1.10 -0.0 1e5 > < -12E-3 > >");
        for odd in ["", "\"", "\"\\", "-", "1", "[1"] {
            tokens(odd).count();
        }
    }

    #[test]
    fn odd_numbers_are_never_overlooked() {
        for odd in [
            "1e2",
            "-0",
            "[-0.0]",
            "{\"a\":-0}",
            "[1,2.5E+3]",
            "[ -0.5 ]",
            "\"1e\"",
        ] {
            assert!(may_have_odd_numbers(odd), "{odd}");
        }
        for plain in [
            "",
            "1",
            "-",
            "-1",
            "[10,-1.50]",
            r#"{"date":"2026-01-05T00:00:00-08:00","e":0}"#,
        ] {
            assert!(!may_have_odd_numbers(plain), "{plain}");
        }
    }

    proptest! {
        /// Anything that can stand around anything in JSON, whole or broken.
        #[test]
        fn a_fast_look_never_overlooks_what_the_tokens_show(text in "[-0-9eE.+,: \\[\\]{}\"\\\\a]{0,24}") {
            let is_odd = |token| matches!(token, Token::Number(text) if is_json(text) && !Number::of(text).is_plain());
            prop_assert!(may_have_odd_numbers(&text) || !tokens(&text).any(is_odd));
            let opened = tokens(&text).filter(|token| *token == Token::Open).count();
            prop_assert!(opened <= brackets(&text));
        }

        #[test]
        fn a_string_ends_where_its_first_unescaped_quote_is(text in "[\"\\\\aé]{0,24}") {
            let (mut ended, mut escaped) = (text.len(), false);
            for (at, byte) in text.bytes().enumerate() {
                if !escaped && byte == b'"' {
                    ended = at + 1;
                    break;
                }
                escaped = !escaped && byte == b'\\';
            }
            prop_assert_eq!(after_string(text.as_bytes(), 0), ended);
        }
    }

    /// Whether this is a number as JSON has it, and no piece of broken text.
    fn is_json(number: &str) -> bool {
        let digits = number.strip_prefix('-').unwrap_or(number);
        let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        is_digits(whole) && is_digits(fraction) && is_digits(exponent)
    }

    #[test]
    fn a_number_is_plain_where_a_decimal_has_the_same_text() {
        for plain in [
            "0",
            "0.00",
            "1.10",
            "-1",
            "-0.01",
            "100",
            "12345678901234567890.123",
        ] {
            assert!(Number::of(plain).is_plain(), "{plain}");
        }
        for changed in ["1e2", "1E0", "-0", "-0.0", "0e0", "1.5e-7"] {
            assert!(!Number::of(changed).is_plain(), "{changed}");
        }
    }

    #[test]
    fn digits_are_counted_as_if_there_were_no_exponent() {
        for (text, digits) in [
            ("0", (1, 0)),
            ("-0.00", (1, 2)),
            ("12.5", (2, 1)),
            ("1e2", (3, 0)),
            ("1.25e1", (2, 1)),
            ("1e-3", (1, 3)),
            ("0.001e3", (1, 0)),
            ("0.001e6", (4, 0)),
            ("12e+131070", (131_072, 0)),
            ("0e9", (1, 0)),
        ] {
            assert_eq!(Number::of(text).digits(), Some(digits), "{text}");
        }
        assert_eq!(Number::of("1e99999999999").digits(), None);
    }
}
