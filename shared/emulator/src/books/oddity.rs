//! An oddity: something strange and legal in a record's text, which a mutation puts there. The truth knows of it.

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// What is strange about a record's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// A text with `\u0000`, which a database's JSON type may refuse.
    NullCharacter,
    /// A text with half of a surrogate pair.
    LoneSurrogate,
    /// Decimals that no double holds, trailing zeros, `-0.0` and `1e131071`.
    Numbers,
    /// A number beyond every database's decimals.
    MonstrousNumber,
    /// A record of many bytes; eight mebibytes unless a size says otherwise.
    Huge,
    /// Arrays within arrays; 500 unless a size says otherwise.
    Nested,
    /// A version that is a list, and a date that stands there a second time and is none.
    DoubledMembers,
    /// Members that nobody has announced.
    UnknownMembers,
    /// Values that no enumeration has.
    UnknownValues,
}

/// An oddity with its size, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Odd {
    pub(crate) oddity: Oddity,
    pub(crate) size: u32,
}

impl Oddity {
    /// The size that it has unless another is asked for.
    pub(crate) fn usual_size(self) -> u32 {
        match self {
            Self::Huge => 8 << 20,
            Self::Nested => 500,
            _ => 0,
        }
    }
}

impl Odd {
    /// Adds its members to a record.
    pub(crate) fn write(self, json: &mut Json) {
        let size = usize::try_from(self.size).unwrap_or(0);
        match self.oddity {
            Oddity::NullCharacter => json.raw_member(r#""OddText":"before\u0000after""#),
            Oddity::LoneSurrogate => json.raw_member(r#""OddText":"half \ud83d of a face""#),
            Oddity::Numbers => json.raw_member(
                r#""OddNumbers":[1e131071,-0.0,100.00,0.10,123456789012345678901234567890.123456789012345678901,9007199254740993]"#,
            ),
            Oddity::MonstrousNumber => json.raw_member(r#""OddNumber":1e200000"#),
            Oddity::Huge => json.text("OddText", &"é€ ".repeat(size / 6 + 1)),
            Oddity::Nested => {
                json.key("OddList");
                json.raw(&"[".repeat(size));
                json.raw(&"]".repeat(size));
            }
            Oddity::DoubledMembers => {
                json.raw_member(r#""SyncToken":["7"],"TxnDate":"some day""#);
            }
            Oddity::UnknownMembers => {
                json.raw_member(r#""NewObject":{"Kind":"unheard of","Parts":[{"No":1},{"No":2}]},"NewFlag":true"#);
            }
            Oddity::UnknownValues => {
                json.raw_member(r#""status":"Hibernating","EmailVerdict":"SentByPigeon""#);
            }
        }
    }
}
