//! How SQLite reaches the rows in a record, and the values in a row.

use std::fmt::Write;

use super::product::product;
use crate::expression::literals;
use crate::layout::{Column, Kind, Source};
use crate::path::{Path, Value};

/// How rows are reached from records.
pub(super) struct RowsOf {
    pub(super) joins: String,
    pub(super) condition: String,
    pub(super) element: String,
    pub(super) index: String,
    pub(super) parent_index: String,
}

impl RowsOf {
    pub(super) fn new(source: &Source) -> Self {
        let mut rows = Self {
            joins: String::new(),
            condition: String::new(),
            element: "r.payload".to_owned(),
            index: "NULL".to_owned(),
            parent_index: "NULL".to_owned(),
        };
        let mut places = Vec::new();
        for (step, level) in source.steps.iter().zip(1..) {
            let (element, inside) = (&rows.element, way(&step.path.members));
            if step.each {
                let _ = write!(
                    rows.joins,
                    "\nJOIN json_each(CASE json_type({element}, '{inside}') WHEN 'array' THEN {element} -> '{inside}' ELSE '[]' END) \
                     AS l{level}"
                );
                rows.element = format!("iif(l{level}.type='object',l{level}.value,'{{}}')");
                places.push(format!("l{level}.key"));
            } else {
                let _ = write!(rows.condition, " AND json_type({element}, '{inside}') = 'object'");
                rows.element = format!("({element} -> '{inside}')");
            }
        }
        match &places[..] {
            [] => {}
            [place] => rows.index.clone_from(place),
            [outer, ..] => {
                let order = places.join(", ");
                rows.index = format!("row_number() OVER (PARTITION BY c.id, r.id ORDER BY {order}) - 1");
                rows.parent_index.clone_from(outer);
            }
        }
        rows
    }

    /// What is there, as JSON.
    fn take(&self, path: &Path) -> String {
        let from = if path.from_record {
            "r.payload"
        } else {
            &self.element
        };
        let inside = way(&path.members);
        let Some((filter, after)) = &path.chosen else {
            return format!("{from}->'{inside}'");
        };
        let counts = filter.as_ref().map_or(String::new(), |filter| {
            format!(
                " AND e.value ->> '$.{}' IN ({})",
                filter.member,
                literals(&filter.values)
            )
        });
        format!(
            "(SELECT e.value -> '{}' FROM json_each(CASE json_type({from}, '{inside}') WHEN 'array' THEN ({from}) -> '{inside}' \
             ELSE '[' || (({from}) -> '{inside}') || ']' END) AS e WHERE CASE WHEN e.type = 'object' THEN 1{counts} END LIMIT 1)",
            way(after),
        )
    }
}

/// The values that the innermost select takes out of records, each under a name of its own.
#[derive(Default)]
pub(super) struct Values {
    pub(super) taken: String,
    count: usize,
}

impl Values {
    fn take(&mut self, rows: &RowsOf, path: &Path) -> String {
        let name = format!("_{}", self.count);
        self.count += 1;
        let _ = write!(self.taken, ", {} AS {name}", rows.take(path));
        name
    }

    pub(super) fn column(&mut self, column: &Column, rows: &RowsOf) -> String {
        let terms = match &column.value {
            Value::RecordId => return "_id".to_owned(),
            Value::Index => return "_index".to_owned(),
            Value::ParentIndex => return "_parent_index".to_owned(),
            Value::Kind => return "_kind".to_owned(),
            Value::Nothing => return "NULL".to_owned(),
            Value::Rate(path) => return self.rate(rows, path),
            Value::FirstOf(terms) => terms,
        };
        let tried: Vec<String> = terms
            .iter()
            .map(|term| {
                let value = typed(&self.take(rows, &term.path), column.kind);
                match &term.times {
                    None => value,
                    Some(times) => product(&value, &self.rate(rows, times)),
                }
            })
            .collect();
        match &tried[..] {
            [only] => only.clone(),
            tried => format!("coalesce({})", tried.join(", ")),
        }
    }

    fn rate(&mut self, rows: &RowsOf, path: &Path) -> String {
        let rate = self.take(rows, path);
        format!(
            "CASE coalesce({rate},'null') WHEN 'null' THEN '1' ELSE {} END",
            typed(&rate, Kind::Numeric)
        )
    }
}

pub(super) fn way(members: &[String]) -> String {
    let members: Vec<String> = members.iter().map(|member| format!(".{member}")).collect();
    format!("${}", members.concat())
}

/// A value of its column's type, or null. `json` is the name of a JSON text, whose first character tells what it is.
/// Such expressions stand in hundreds of columns, and a file's views are read whenever it is opened: they are short.
pub(super) fn typed(json: &str, kind: Kind) -> String {
    let text = format!("trim({json},'\"')");
    // Only a day that exists comes out as it went in: the 30th of February would be one in March.
    let begins_with_a_day =
        format!("date(substr({json},2,10))=substr({json},2,10) AND substr({json},2,4)<>'0000'");
    let offset = "[-+][0-9][0-9]:[0-9][0-9]\"";
    match kind {
        Kind::Text => format!(
            "CASE WHEN {json} GLOB '\"*' THEN {json}->>'$' WHEN {json} GLOB '[0-9-]*' THEN {json} END"
        ),
        Kind::Numeric => format!(
            "CASE WHEN abs({text}+0.0)<1e30 AND ({json} GLOB '[0-9-]*' OR {json} GLOB '\"[0-9-]*' AND {json} NOT GLOB '*[eE ]*' AND \
             length({json})<103 AND json_valid({text})) THEN {text} END"
        ),
        Kind::Date => format!(
            "CASE WHEN {begins_with_a_day} AND (substr({json},12) IN ('\"','Z\"') OR substr({json},12) GLOB '{offset}') THEN \
             substr({json},2,10) END"
        ),
        Kind::Timestamptz => format!(
            "CASE WHEN {begins_with_a_day} AND substr({json},12) GLOB 'T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND \
             substr({json},13,2)<'24' AND ({json} GLOB '*Z\"' OR {json} GLOB '*{offset}') THEN \
             strftime('%Y-%m-%dT%H:%M:%SZ',{text}) END"
        ),
        Kind::Boolean => format!("CASE {text} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
        Kind::Integer | Kind::Json => json.to_owned(),
    }
}
