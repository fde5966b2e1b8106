//! CSV for programs: the values and field names of JSON, which a spreadsheet can open without running anything.
//!
//! An object within an object is spread over columns (`window_axis`), a list of plain values is joined with commas;
//! other lists, and what an upstream has sent, stay one JSON text. Nothing stands for null.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Row, clean};

/// The members of an upstream's object differ from record to record, so they make no columns.
const OF_AN_UPSTREAM: &str = "payload";

pub(super) fn rows<R: Row>(out: &mut impl Write, rows: &[R]) -> io::Result<()> {
    let rows: Vec<Cells> = rows.iter().map(cells).collect::<serde_json::Result<_>>()?;
    let mut titles: Vec<&str> = Vec::new();
    for (title, _) in rows.iter().flatten() {
        if !titles.contains(&title.as_str()) {
            titles.push(title);
        }
    }
    if titles.is_empty() {
        return Ok(());
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(&titles).map_err(io::Error::from)?;
    for row in &rows {
        let cell = |title: &&str| row.iter().find(|(known, _)| known == title);
        let line = titles
            .iter()
            .map(|title| cell(title).map_or("", |(_, text)| text.as_str()));
        writer.write_record(line).map_err(io::Error::from)?;
    }
    writer.flush()
}

/// Title and text of each cell of a row.
type Cells = Vec<(String, String)>;

fn cells<R: Row>(row: &R) -> serde_json::Result<Cells> {
    let object = serde_json::to_string(row)?;
    let mut cells = Vec::new();
    spread("", &object, &mut cells)?;
    Ok(cells)
}

/// Adds the members of an object to the cells, in their order.
fn spread(prefix: &str, object: &str, cells: &mut Cells) -> serde_json::Result<()> {
    let Members(members) = serde_json::from_str(object)?;
    for (name, value) in members {
        let title = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}_{name}")
        };
        let json = value.get();
        if json.starts_with('{') && title != OF_AN_UPSTREAM {
            spread(&title, json, cells)?;
        } else {
            cells.push((title, harmless(&clean_text(json)?).into_owned()));
        }
    }
    Ok(())
}

/// A value that cannot steer whoever looks at the file in a terminal. What stays JSON is escaped, and means the same.
fn clean_text(json: &str) -> serde_json::Result<String> {
    let json = clean::json(json);
    Ok(clean::cell(&text(&json)?).into_owned())
}

/// A value as a cell shows it. Numbers keep the digits that they have in JSON.
fn text(json: &str) -> serde_json::Result<String> {
    if json.starts_with('"') {
        return serde_json::from_str(json);
    }
    if json == "null" {
        return Ok(String::new());
    }
    if json.starts_with('[') {
        let items: Vec<Box<RawValue>> = serde_json::from_str(json)?;
        if items.iter().all(|item| !item.get().starts_with(['{', '['])) {
            let texts: Vec<String> = items
                .iter()
                .map(|item| text(item.get()))
                .collect::<serde_json::Result<_>>()?;
            return Ok(texts.join(","));
        }
    }
    Ok(json.to_owned())
}

/// The members of an object in their order, their values as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// A cell that no spreadsheet takes for a formula: a customer may be named `=HYPERLINK(…)`. Numbers stay numbers.
fn harmless(cell: &str) -> Cow<'_, str> {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if risky {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Serialize)]
    #[serde(transparent)]
    struct Thing(Value);

    impl Row for Thing {
        const COLUMNS: &'static [&'static str] = &["for people"];

        fn cells(&self) -> Vec<String> {
            vec!["1,314".to_owned()]
        }
    }

    fn printed(things: Vec<Value>) -> String {
        let mut out = Vec::new();
        let things: Vec<Thing> = things.into_iter().map(Thing).collect();
        rows(&mut out, &things).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_those_of_json_and_not_those_for_people() {
        let thing = json!({"rows": 1314, "seconds": 6.125, "to": null, "open": true});
        assert_eq!(printed(vec![thing]), "open,rows,seconds,to\ntrue,1314,6.125,\n");
    }

    #[test]
    fn objects_are_spread_and_lists_are_joined() {
        let days = json!({"window": {"axis": "txn_date", "days": {"from": "2026-03-01"}}});
        let whole = json!({"entities": ["invoice", "item"], "window": {"axis": "whole"}});
        assert_eq!(
            printed(vec![days, whole]),
            "window_axis,window_days_from,entities\ntxn_date,2026-03-01,\nwhole,,\"invoice,item\"\n"
        );
        let record = json!({"payload": {"Id": "1", "Line": [{"Amount": 2.5}]}});
        assert_eq!(
            printed(vec![record]),
            "payload\n\"{\"\"Id\"\":\"\"1\"\",\"\"Line\"\":[{\"\"Amount\"\":2.5}]}\"\n"
        );
    }

    #[test]
    fn no_cell_steers_a_terminal_and_what_stays_json_means_the_same() {
        let thing = json!({"name": "Acme\u{1b}[2J\u{202e}", "payload": {"Memo": "a\u{9b}b\nc"}});
        assert_eq!(
            printed(vec![thing]),
            "name,payload\nAcme\u{fffd}[2J\u{fffd},\"{\"\"Memo\"\":\"\"a\\u009bb\\nc\"\"}\"\n"
        );
    }

    #[test]
    fn what_looks_like_a_formula_is_defused_and_numbers_are_not() {
        for cell in ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["", "plain", "-5.20", "+3", "a=b"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
