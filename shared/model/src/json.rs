//! JSON text, looked at token by token without being understood, so that every number keeps its digits.

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
                b'"' => at = end_of_string(bytes, at),
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

/// Where the string ends that began before `at`: after its closing quote.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_number(bytes: &[u8], at: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
    at + length
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
