//! JSON text: taken apart without being understood, so that every number keeps its digits.

use std::fmt;

use ledgerfleet_model::json::after_string;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Members of an object that are looked at; no answer and no record has a hundredth of that.
const MOST_MEMBERS: usize = 20_000;

/// The members of an object in their order, each value as the text it was served as. An object with more than
/// [`MOST_MEMBERS`] is none.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The value of the first member of that name that is not `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.iter()
            .find(|(known, value)| *known == name && value.get() != "null")
            .map(|(_, value)| value)
    }

    /// Adds a member after the others, unless there are too many.
    pub(crate) fn push(&mut self, name: String, value: &'a RawValue) -> bool {
        let has_room = self.0.len() < MOST_MEMBERS;
        if has_room {
            self.0.push((name, value));
        }
        has_room
    }

    /// Every member.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MOST_MEMBERS {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The first items of an array, and whether there are more: a body of megabytes may hold millions.
#[derive(Debug, Default)]
pub(crate) struct FirstItems<'a, const MOST: usize> {
    pub(crate) items: Vec<&'a RawValue>,
    pub(crate) has_more: bool,
}

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for FirstItems<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<const MOST: usize>;
        impl<'de, const MOST: usize> Visitor<'de> for Collect<MOST> {
            type Value = FirstItems<'de, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut first = FirstItems::default();
                while first.items.len() < MOST {
                    let Some(item) = items.next_element()? else {
                        return Ok(first);
                    };
                    first.items.push(item);
                }
                while items.next_element::<IgnoredAny>()?.is_some() {
                    first.has_more = true;
                }
                Ok(first)
            }
        }
        deserializer.deserialize_seq(Collect::<MOST>)
    }
}

/// A JSON text without the whitespace between its tokens; strings and numbers stay as they are.
pub(crate) fn compact(json: &str) -> Box<str> {
    let mut compacted = String::with_capacity(json.len());
    let mut kept = 0;
    for (at, byte) in outside_strings(json) {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            compacted.push_str(&json[kept..at]);
            kept = at + 1;
        }
    }
    compacted.push_str(&json[kept..]);
    compacted.into_boxed_str()
}

/// Whether a JSON text stops before what it began has ended. A parser does not always see that: a number or a
/// word that is cut is wrong to it before it is short.
pub(crate) fn ends_early(json: &str) -> bool {
    let depth: i64 = outside_strings(json)
        .map(|(_, byte)| match byte {
            b'{' | b'[' => 1,
            b'}' | b']' => -1,
            _ => 0,
        })
        .sum();
    depth > 0 || json.trim().is_empty()
}

/// The bytes that stand outside of strings, the opening quote of each string included, and where they are.
fn outside_strings(json: &str) -> impl Iterator<Item = (usize, u8)> {
    let bytes = json.as_bytes();
    let mut next = 0;
    std::iter::from_fn(move || {
        let (at, byte) = (next, *bytes.get(next)?);
        next = if byte == b'"' {
            after_string(bytes, at + 1)
        } else {
            at + 1
        };
        Some((at, byte))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn whitespace_between_tokens_goes_and_everything_else_stays() {
        for (served, kept) in [
            (
                "{ \"a\" : [ 1 ,\t2 ] ,\r\n \"b\" : null }",
                r#"{"a":[1,2],"b":null}"#,
            ),
            (r#"{ "a b" : " c  d " }"#, r#"{"a b":" c  d "}"#),
            (r#"[ " \" , \\" , "\\\\" ]"#, r#"[" \" , \\","\\\\"]"#),
            (
                "[ 1.10 , -0.0 , 1e2 , 12345678901234567890.123 ]",
                "[1.10,-0.0,1e2,12345678901234567890.123]",
            ),
            (r#"[ "\u0000 \ud800" ]"#, r#"["\u0000 \ud800"]"#),
            ("\u{a0}", "\u{a0}"),
            ("", ""),
        ] {
            assert_eq!(&*compact(served), kept);
        }
    }

    #[test]
    fn a_text_ends_early_where_something_that_began_has_not_ended() {
        for cut in [
            "",
            " ",
            "{",
            "[1",
            r#"{"a":"}"#,
            r#"{"a":"\"}"#,
            r#"{"a":[1.],"#,
            "[{}",
        ] {
            assert!(ends_early(cut), "{cut}");
        }
        for whole in ["{}", "7", r#"{"a":"{["}"#, "{} x", "]"] {
            assert!(!ends_early(whole), "{whole}");
        }
    }

    #[test]
    fn members_keep_their_order_and_their_text() {
        let members: Members<'_> = serde_json::from_str(r#"{"b":1.10,"a":{ "x": 2 },"c":null}"#).unwrap();
        let seen: Vec<_> = members.iter().map(|(name, value)| (name, value.get())).collect();
        assert_eq!(seen, [("b", "1.10"), ("a", r#"{ "x": 2 }"#), ("c", "null")]);
        assert!(members.get("c").is_none());
        assert!(serde_json::from_str::<Members<'_>>("[1]").is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn compacting_an_indented_text_gives_the_text_that_serde_writes(value in json()) {
            let indented = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(&*compact(&indented), value.to_string());
            prop_assert_eq!(&*compact(&value.to_string()), value.to_string());
        }

        #[test]
        fn compacting_never_panics(text in any::<String>()) {
            compact(&text);
        }
    }
}
