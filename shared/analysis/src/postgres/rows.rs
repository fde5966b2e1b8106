//! How Postgres reaches the rows in a record, and the values in a row.

use std::fmt::Write;

use crate::expression::literal;
use crate::layout::{Column, Kind, Source};
use crate::path::{Path, Term, Value};

/// How rows are reached from records.
pub(super) struct RowsOf {
    pub(super) joins: String,
    pub(super) condition: String,
    pub(super) element: String,
    pub(super) index: String,
    parent_index: String,
}

impl RowsOf {
    pub(super) fn new(source: &Source) -> Self {
        let mut rows = Self {
            // Unpacked once for all columns: OFFSET keeps Postgres from putting the expression wherever it is named.
            joins: "\nCROSS JOIN LATERAL (SELECT r.payload || '{}'::jsonb AS payload OFFSET 0) AS p"
                .to_owned(),
            condition: String::new(),
            element: "p.payload".to_owned(),
            index: "NULL::integer".to_owned(),
            parent_index: "NULL::integer".to_owned(),
        };
        let mut places = Vec::new();
        for (step, level) in source.steps.iter().zip(1..) {
            let inside = json(&rows.element, &step.path.members);
            if step.each {
                let _ = write!(
                    rows.joins,
                    "\nCROSS JOIN LATERAL jsonb_array_elements(books.elements({inside}))\
                     \n    WITH ORDINALITY AS l{level} (element, place)"
                );
                places.push(format!("l{level}.place"));
            } else {
                let _ = write!(
                    rows.joins,
                    "\nCROSS JOIN LATERAL (SELECT {inside} AS element) AS l{level}"
                );
                let _ = write!(rows.condition, " AND jsonb_typeof(l{level}.element) = 'object'");
            }
            rows.element = format!("l{level}.element");
        }
        match &places[..] {
            [] => {}
            [place] => rows.index = format!("({place} - 1)::integer"),
            [outer, ..] => {
                let order = places.join(", ");
                rows.index = format!("(row_number() OVER (PARTITION BY r.id ORDER BY {order}) - 1)::integer");
                rows.parent_index = format!("({outer} - 1)::integer");
            }
        }
        rows
    }

    pub(super) fn column(&self, column: &Column, source: &Source) -> String {
        match &column.value {
            Value::RecordId => "r.id".to_owned(),
            Value::Index => self.index.clone(),
            Value::ParentIndex => self.parent_index.clone(),
            Value::Kind => literal(&source.entity),
            Value::Rate(path) => self.rate(path),
            Value::Nothing => format!("NULL::{}", type_name(column.kind)),
            Value::FirstOf(terms) => match &terms[..] {
                [term] => self.term(term, column.kind),
                terms => {
                    let tried: Vec<String> = terms.iter().map(|term| self.term(term, column.kind)).collect();
                    format!("coalesce({})", tried.join(", "))
                }
            },
        }
    }

    fn term(&self, term: &Term, kind: Kind) -> String {
        let value = typed(&self.path(&term.path), kind);
        match &term.times {
            None => value,
            Some(times) => format!("round({value} * {}, 2)", self.rate(times)),
        }
    }

    fn rate(&self, path: &Path) -> String {
        format!("books.as_rate({})", self.path(path))
    }

    fn path(&self, path: &Path) -> String {
        let from = if path.from_record {
            "p.payload"
        } else {
            &self.element
        };
        let Some((filter, after)) = &path.chosen else {
            return json(from, &path.members);
        };
        // A path in lax mode takes an object for an array of one, and what is not there for nothing.
        let quoted = |members: &[String]| {
            let members: Vec<String> = members.iter().map(|member| format!(".\"{member}\"")).collect();
            members.concat()
        };
        let conditions = match filter {
            None => "@.type() == \"object\"".to_owned(),
            Some(filter) => {
                let is = |value: &String| format!("@.\"{}\" == \"{value}\"", filter.member);
                filter.values.iter().map(is).collect::<Vec<_>>().join(" || ")
            }
        };
        let way = format!("${} ? ({conditions}){}", quoted(&path.members), quoted(after));
        format!("jsonb_path_query_first({from}, {}, '{{}}', true)", literal(&way))
    }
}

fn json(from: &str, members: &[String]) -> String {
    match members {
        [] => from.to_owned(),
        [member] => format!("({from} -> {})", literal(member)),
        members => format!("({from} #> '{{{}}}')", members.join(",")),
    }
}

fn typed(json: &str, kind: Kind) -> String {
    match kind {
        Kind::Text => format!("books.as_text({json})"),
        Kind::Numeric => format!("books.as_numeric({json})"),
        Kind::Date => format!("books.as_date({json})"),
        Kind::Timestamptz => format!("books.as_timestamptz({json})"),
        Kind::Boolean => format!("books.as_boolean({json})"),
        Kind::Integer | Kind::Json => format!("{json}::text"),
    }
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Json => "text",
        other => other.as_str(),
    }
}
