//! Ids: as people write them: the beginning of one, or `last`.

use std::fmt;
use std::str::FromStr;

/// Hexadecimal digits of a whole id.
const DIGITS: usize = 32;

/// Which run or dead letter is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdArg {
    /// The newest.
    Last,
    /// Whose id begins so: lower-case hexadecimal digits, at least one.
    Begins(String),
}

impl IdArg {
    /// The least and the greatest id that begins so; none of `last`.
    pub(crate) fn bounds<Id: FromStr>(&self) -> Option<(Id, Id)> {
        let Self::Begins(digits) = self else { return None };
        let filled = |with: &str| {
            format!("{digits}{}", with.repeat(DIGITS - digits.len()))
                .parse()
                .ok()
        };
        filled("0").zip(filled("f"))
    }

    /// Whether it is a whole id.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Begins(digits) if digits.len() == DIGITS)
    }
}

impl fmt::Display for IdArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Begins(digits) => f.write_str(&hyphenated(digits)),
        }
    }
}

/// As ids are shown: hyphens after 8, 12, 16 and 20 digits.
fn hyphenated(digits: &str) -> String {
    let mut text = String::with_capacity(DIGITS + 4);
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

pub(super) fn run_id(text: &str) -> Result<IdArg, String> {
    id(text).ok_or_else(|| format!("{SHAPE}; `scheduler run list` shows runs"))
}

pub(super) fn segment_id(text: &str) -> Result<IdArg, String> {
    id(text).ok_or_else(|| format!("{SHAPE}; `scheduler dlq list` shows dead letters"))
}

const SHAPE: &str = "an id is the beginning of one, such as 0192f0c1-5e, or `last` for the newest";

fn id(text: &str) -> Option<IdArg> {
    if text.eq_ignore_ascii_case("last") {
        return Some(IdArg::Last);
    }
    let written = text.trim_end_matches('-').to_ascii_lowercase();
    let digits: String = written.chars().filter(|c| *c != '-').collect();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_in_place = written == digits || written == hyphenated(&digits);
    let fits = (1..=DIGITS).contains(&digits.len());
    (is_hex && is_in_place && fits).then_some(IdArg::Begins(digits))
}

#[cfg(test)]
mod tests {
    use ledgerfleet_model::RunId;

    use super::*;

    #[test]
    fn the_beginning_of_an_id_is_one_with_and_without_hyphens() {
        let begins = |digits: &str| Some(IdArg::Begins(digits.to_owned()));
        for (text, digits) in [
            ("0", "0"),
            ("0192F0C1", "0192f0c1"),
            ("0192f0c1-", "0192f0c1"),
            ("0192f0c1-5e", "0192f0c15e"),
            ("0192f0c15e", "0192f0c15e"),
            (
                "0192f0c1-5e2a-7000-8000-1c9d3a6b4e21",
                "0192f0c15e2a700080001c9d3a6b4e21",
            ),
        ] {
            assert_eq!(id(text), begins(digits), "{text}");
        }
        assert_eq!(id("LAST"), Some(IdArg::Last));
        for wrong in [
            "",
            "-",
            "first",
            "0192f0c1 ",
            "0192-f0c1",
            "x192",
            "0192f0c1-5e2a-7000-8000-1c9d3a6b4e210",
            "%",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn its_bounds_hold_every_id_that_begins_so() {
        let (first, last) = id("0192f0c1-5e").unwrap().bounds::<RunId>().unwrap();
        assert_eq!(first.to_string(), "0192f0c1-5e00-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0192f0c1-5eff-ffff-ffff-ffffffffffff");
        assert_eq!(id("last").unwrap().bounds::<RunId>(), None);
    }
}
