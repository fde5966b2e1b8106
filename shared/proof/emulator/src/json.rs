//! A record's JSON text: written member by member without a tree, because pages of a thousand are the hot path.

use std::fmt::{Display, Write};

/// A growing JSON text; commas place themselves.
#[derive(Debug, Default)]
pub(crate) struct Json(String);

impl Json {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes out of what was written from `start` on everything from `first` up to the next `end`, which stays.
    pub(crate) fn take_out(&mut self, start: usize, first: &str, end: char) {
        let Some(from) = self.0[start..].find(first).map(|at| start + at) else {
            return;
        };
        if let Some(length) = self.0[from..].find(end) {
            self.0.replace_range(from..from + length, "");
        }
    }

    /// Appends text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    /// Members that are JSON already.
    pub(crate) fn raw_member(&mut self, members: &str) {
        self.comma();
        self.0.push_str(members);
    }

    /// `"key":"value"`
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
    }

    /// `"key":` and a number or whatever else needs no quotes.
    pub(crate) fn value(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.bare(value);
    }

    /// `"key":"value"` where the value is known to need no escapes.
    pub(crate) fn quoted(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.0.push('"');
        self.bare(value);
        self.0.push('"');
    }

    /// `"key":{…}`
    pub(crate) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.braces(fill);
    }

    /// `"key":[…]`
    pub(crate) fn array(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.0.push('[');
        fill(self);
        self.0.push(']');
    }

    /// `{…}`, as a document or as the next element of an array.
    pub(crate) fn element(&mut self, fill: impl FnOnce(&mut Self)) {
        self.comma();
        self.braces(fill);
    }

    /// A reference as upstream writes it: `"key":{"value":"17","name":"…"}`
    pub(crate) fn reference(&mut self, key: &str, id: impl Display, name: &str) {
        self.object(key, |json| {
            json.quoted("value", id);
            json.text("name", name);
        });
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.comma();
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
    }

    pub(crate) fn comma(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'{' | b'[' | b':' | b'\n')) {
            self.0.push(',');
        }
    }

    fn braces(&mut self, fill: impl FnOnce(&mut Self)) {
        self.0.push('{');
        fill(self);
        self.0.push('}');
    }

    fn bare(&mut self, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{value}");
    }

    /// A quoted and escaped string. Everything beyond ASCII stays as it is: the upstream answers in UTF-8.
    pub(crate) fn string(&mut self, value: &str) {
        self.0.push('"');
        let mut plain_from = 0;
        for (at, byte) in value.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0..=0x1F => "",
                _ => continue,
            };
            self.0.push_str(&value[plain_from..at]);
            if escape.is_empty() {
                let _ = write!(self.0, "\\u{byte:04x}");
            } else {
                self.0.push_str(escape);
            }
            plain_from = at + 1;
        }
        self.0.push_str(&value[plain_from..]);
        self.0.push('"');
    }
}

/// The members of a compact object's text: each as (key, whole text of `"key":value`).
pub(crate) fn members(object: &str) -> Vec<(&str, &str)> {
    let inner = object
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or("");
    let mut found = Vec::new();
    let (mut start, mut depth, mut in_string, mut escaped) = (0, 0_u32, false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.extend(member(&inner[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.extend(member(&inner[start..]));
    found
}

fn member(text: &str) -> Option<(&str, &str)> {
    let (key, _) = text.strip_prefix('"')?.split_once('"')?;
    Some((key, text))
}

/// The same JSON with a blank after every comma and colon outside strings: what a pretty-printing server would send.
pub(crate) fn spaced(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() + compact.len() / 4);
    let (mut in_string, mut escaped) = (false, false);
    for character in compact.chars() {
        out.push(character);
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ',' if !in_string => out.push_str("\n  "),
            ':' if !in_string => out.push(' '),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_place_themselves_and_strings_are_escaped() {
        let mut json = Json::default();
        json.element(|json| {
            json.text("Name", "a \"b\" \\ \u{1}é{");
            json.array("Line", |json| {
                json.element(|json| json.value("Amount", 1));
                json.element(|_| {});
            });
            json.object("Empty", |_| {});
            json.reference("CustomerRef", 17, "x");
        });
        let expected = r#"{"Name":"a \"b\" \\ \u0001é{","Line":[{"Amount":1},{}],"Empty":{},"CustomerRef":{"value":"17","name":"x"}}"#;
        assert_eq!(json.as_str(), expected);
        serde_json::from_str::<serde_json::Value>(json.as_str()).unwrap();
    }

    #[test]
    fn members_are_found_whatever_strings_hold() {
        let found = members(r#"{"a":"x,\"}","b":{"c":[1,2]},"d":3}"#);
        let keys: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["a", "b", "d"]);
        assert_eq!(found[1].1, r#""b":{"c":[1,2]}"#);
        assert!(members("{}").is_empty());
    }

    #[test]
    fn spacing_changes_no_value() {
        let compact = r#"{"a":"x, y: \" z","b":[1,2]}"#;
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_ne!(spaced(compact), compact);
        assert_eq!(parse(&spaced(compact)), parse(compact));
    }
}
