//! An oddity: something strange and legal in a record's text, which a mutation puts there. The truth knows of it.

use serde::{Deserialize, Serialize};

use crate::json::{Json, members};

/// What is strange about a record's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// A text with `\u0000`, which a database's JSON type may refuse.
    NullCharacter,
    /// A text with half of a surrogate pair.
    LoneSurrogate,
    /// A byte order mark within a text, writing from right to left, characters of four bytes, and two spellings of one letter.
    StrangeTexts,
    /// Decimals that no double holds, trailing zeros, `-0.0` and `1e131071`.
    Numbers,
    /// A number beyond every database's decimals.
    MonstrousNumber,
    /// A record of many bytes; eight mebibytes unless a size says otherwise.
    Huge,
    /// Arrays within arrays; 500 unless a size says otherwise.
    Nested,
    /// Lines with an amount each; 1,000 unless a size says otherwise.
    ManyLines,
    /// A version that is a list, and a date that stands there a second time and is none.
    DoubledMembers,
    /// Members that nobody has announced.
    UnknownMembers,
    /// Values that no enumeration has.
    UnknownValues,
    /// Of the members that were announced every second one is gone, and the others are of another type; what says which
    /// record it is, and from when, stays.
    ChangedMembers,
    /// A last update in the last hour of the year 9999 on the Pacific coast, which is the year 10000 in UTC.
    DistantInstant,
}

/// 9999-12-31T23:30:00-08:00 in Unix seconds.
pub(super) const DISTANT: i64 = 253_402_327_800;

/// Members that say which record it is, and from when.
const KEPT: &[&str] = &["Id", "SyncToken", "MetaData", "TxnDate"];

/// A text of every kind that programs stumble over.
pub const STRANGE_TEXT: &str = "\u{feff}\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{202c} \u{1f600}\u{1f468}\u{200d}\u{1f469} \u{e9}e\u{301} \u{fffd}\u{7f}";

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
            Self::ManyLines => 1_000,
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
            Oddity::StrangeTexts => json.text("OddText", STRANGE_TEXT),
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
            Oddity::ManyLines => json.array("OddLines", |json| {
                for line in 1..=size {
                    json.element(|json| {
                        json.quoted("Id", line);
                        json.value("Amount", format_args!("{line}.10"));
                    });
                }
            }),
            Oddity::DoubledMembers => {
                json.raw_member(r#""SyncToken":["7"],"TxnDate":"some day""#);
            }
            Oddity::UnknownMembers => {
                json.raw_member(r#""NewObject":{"Kind":"unheard of","Parts":[{"No":1},{"No":2}]},"NewFlag":true"#);
            }
            Oddity::UnknownValues => {
                json.raw_member(r#""status":"Hibernating","EmailVerdict":"SentByPigeon""#);
            }
            Oddity::ChangedMembers | Oddity::DistantInstant => {}
        }
    }

    /// Changes the members that a record has already.
    pub(crate) fn change(self, record: String) -> String {
        match self.oddity {
            Oddity::ChangedMembers => changed(&record),
            _ => record,
        }
    }
}

/// Every second member less, and the others of another type.
fn changed(record: &str) -> String {
    let announced = members(record);
    let (kept, others): (Vec<_>, Vec<_>) = announced.iter().partition(|(key, _)| KEPT.contains(key));
    let kept = kept.iter().map(|(_, member)| (*member).to_owned());
    let others = others.iter().step_by(2).map(|(key, member)| {
        let value = &member[key.len() + 3..];
        let value = match value.as_bytes().first() {
            Some(b'"') => format!("[{value}]"),
            Some(b'{' | b'[') => "null".to_owned(),
            _ => format!("\"{value}\""),
        };
        format!("\"{key}\":{value}")
    });
    format!("{{{}}}", kept.chain(others).collect::<Vec<_>>().join(","))
}
