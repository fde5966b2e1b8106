//! Response: a page of rows that is as it should be, read in one pass. What is otherwise in any way is left to the slow
//! reading, which tells what is wrong with it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::query::PAGE_SIZE_MAX;
use crate::json::{FirstItems, Members};

/// Rows that are read of an answer: twice what any page may have. A body of megabytes may hold millions of empty ones.
pub(super) const MOST_ROWS: usize = 2 * PAGE_SIZE_MAX as usize;

/// A `QueryResponse`.
#[derive(Debug)]
pub(super) struct Response<'a> {
    /// The rows, each as the text it was served as; none where there is no member for them.
    pub(super) rows: Option<Vec<&'a RawValue>>,
    /// Its other members, none of them an array or an object.
    pub(super) members: Members<'a>,
    /// The time of the answer, as it was served.
    pub(super) time: Option<&'a RawValue>,
}

impl<'a> Response<'a> {
    /// The one `QueryResponse` of a document without a fault, with the rows under that key at most once. None where
    /// anything else is found.
    pub(super) fn of(document: &'a str, rows_key: &str) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(document);
        let response = Object(Document { rows_key }).deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(response)
    }
}

/// An object, read by a visitor that knows what is asked for.
struct Object<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Object<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self.0)
    }
}

/// The whole answer.
struct Document<'k> {
    rows_key: &'k str,
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Response<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut response, mut time) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "QueryResponse" if response.is_none() => {
                    let inner = Inner {
                        rows_key: self.rows_key,
                    };
                    response = Some(map.next_value_seed(Object(inner))?);
                }
                "time" => time = Some(map.next_value::<&RawValue>()?),
                "QueryResponse" | "Fault" | "fault" => return Err(A::Error::custom("not a plain page")),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let response: Response<'de> = response.ok_or_else(|| A::Error::missing_field("QueryResponse"))?;
        Ok(Response { time, ..response })
    }
}

/// The member `QueryResponse`.
struct Inner<'k> {
    rows_key: &'k str,
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = Response<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a QueryResponse")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut rows, mut members) = (None, Members::default());
        while let Some(name) = map.next_key::<String>()? {
            if name != self.rows_key {
                let value: &RawValue = map.next_value()?;
                if value.get().starts_with(['[', '{']) {
                    return Err(A::Error::custom("rows of something else"));
                }
                if !members.push(name, value) {
                    return Err(A::Error::custom("too many members"));
                }
            } else if rows.is_none() {
                let first: FirstItems<'_, MOST_ROWS> = map.next_value()?;
                if first.has_more {
                    return Err(A::Error::custom("too many rows"));
                }
                rows = Some(first.items);
            } else {
                return Err(A::Error::custom("rows twice"));
            }
        }
        Ok(Response {
            rows,
            members,
            time: None,
        })
    }
}
