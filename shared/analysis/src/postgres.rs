//! The views on Postgres: a schema for each connection.

mod rows;
mod typed;

use std::fmt::Write;

use crate::expression::{literal, literals, name};
use crate::layout::{Column, DELETED, LONGEST_NAME, Layout, OF_EVERY_TABLE, Rows, SYNCED, Source, Table};
use crate::measure::Measure;
use crate::path::{Path, Value};

use rows::RowsOf;
pub use typed::{Stored, typed_fingerprint};

/// One connection's schema.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'a> {
    /// What is laid out.
    pub layout: &'a Layout,
    /// The schema's name.
    pub name: &'a str,
    /// The connection's id.
    pub connection: &'a str,
}

/// Which records a view has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Records {
    Live,
    All,
}

/// What a select is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose<'a> {
    /// A view.
    View,
    /// A table that keeps the rows: each says which record it is of.
    Table,
    /// The same, of the records that have changed, which are of these entities.
    Changes(&'a [String]),
}

impl Purpose<'_> {
    /// Whether it is about the records of a source.
    fn takes(self, source: &Source) -> bool {
        match self {
            Self::View | Self::Table => true,
            Self::Changes(entities) => entities.contains(&source.entity),
        }
    }
}

/// The name of a connection's schema. It can be written without quotes in any case if the connection's can, so it is in
/// lower case. Where two names come to the same, or one is too long, `distinction` tells them apart: hexadecimal digits.
pub fn schema_name(connector: &str, connection: &str, distinction: Option<&str>) -> String {
    let whole = format!("{connector}_{}", connection.to_lowercase());
    let Some(distinction) = distinction else {
        return whole;
    };
    let most = LONGEST_NAME - distinction.len() - 1;
    let end = (0..=most.min(whole.len()))
        .rev()
        .find(|end| whole.is_char_boundary(*end));
    format!("{}_{distinction}", &whole[..end.unwrap_or(0)])
}

/// Whether Postgres would cut the name.
pub fn is_too_long(schema: &str) -> bool {
    schema.len() > LONGEST_NAME
}

/// Tells this program's views of a layout from those of another version.
pub fn fingerprint(layout: &Layout) -> String {
    let schema = Schema {
        layout,
        name: "any",
        connection: "00000000-0000-0000-0000-000000000000",
    };
    blake3::hash(schema.statements().as_bytes()).to_hex()[..16].to_owned()
}

impl Schema<'_> {
    /// Statements that make every view in the schema, which is there and has none of them.
    pub fn statements(&self) -> String {
        let mut statements = String::with_capacity(256 * 1024);
        for table in &self.layout.tables {
            if table.is_of_records() {
                self.write_table(table, Records::All, &mut statements);
            }
            self.write_table(table, Records::Live, &mut statements);
        }
        self.write_typing_notes(&mut statements);
        for measure in &self.layout.measures {
            self.write_measure(measure, &mut statements);
        }
        statements
    }

    /// The views' names in the order in which they can be dropped.
    pub fn views(&self) -> Vec<String> {
        let mut views: Vec<String> = Vec::new();
        for table in &self.layout.tables {
            views.push(table.name.clone());
            if table.is_of_records() {
                views.push(format!("{}_history", table.name));
            }
        }
        views.push("typing_notes".to_owned());
        views.extend(self.layout.measures.iter().map(|measure| measure.name.clone()));
        views.reverse();
        views
    }

    fn write_table(&self, table: &Table, records: Records, statements: &mut String) {
        let (view, meaning) = match records {
            Records::Live => (self.relation(&table.name), table.meaning.clone()),
            Records::All => (
                self.relation(&format!("{}_history", table.name)),
                format!("{} Deleted ones, too.", table.meaning),
            ),
        };
        let select = if records == Records::Live && table.is_of_records() {
            format!(
                "SELECT * FROM {} WHERE NOT {DELETED}",
                self.relation(&format!("{}_history", table.name))
            )
        } else {
            self.select_table(table, records)
        };
        // Writing into a string cannot fail.
        let _ = writeln!(statements, "CREATE VIEW {view} AS\n{select};");
        write_comments("VIEW", &view, table, &meaning, statements);
    }

    fn relation(&self, view: &str) -> String {
        format!("{}.{}", name(self.name), name(view))
    }

    fn select_table(&self, table: &Table, records: Records) -> String {
        let all = self.select_sources(table, records, Purpose::View);
        match table.rows {
            Rows::All => all,
            Rows::Distinct => newest(table, &format!("(\n{all}\n)")),
        }
    }

    fn select_sources(&self, table: &Table, records: Records, purpose: Purpose<'_>) -> String {
        let sources = table.sources.iter().filter(|source| purpose.takes(source));
        let selects: Vec<String> = sources
            .map(|source| self.select_source(table, source, records, purpose))
            .collect();
        selects.join("\nUNION ALL\n")
    }

    fn select_source(
        &self,
        table: &Table,
        source: &Source,
        records: Records,
        purpose: Purpose<'_>,
    ) -> String {
        let rows = RowsOf::new(source);
        let mut columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("{} AS {}", rows.column(column, source), name(&column.name)))
            .collect();
        columns.push(format!("r.ingested_at_utc AS {SYNCED}"));
        columns.push(format!("r.deleted_at_utc IS NOT NULL AS {DELETED}"));
        if table.rows == Rows::Distinct {
            columns.push("r.source_updated_at AS _changed".to_owned());
        }
        if purpose != Purpose::View {
            columns.push(format!("{} AS _entity", literal(&source.entity)));
            columns.push("r.id AS _record".to_owned());
        }
        let from = self.from(source, &rows, records, purpose);
        format!("SELECT {}\n{from}", columns.join(",\n    "))
    }

    fn from(&self, source: &Source, rows: &RowsOf, records: Records, purpose: Purpose<'_>) -> String {
        let table = name(&format!("{}{}", self.layout.raw_prefix, source.entity));
        let connection = literal(self.connection);
        let mut from = format!(
            "FROM raw.{table} AS r{}\nWHERE r.connection_id = {connection}",
            rows.joins
        );
        if records == Records::Live {
            from.push_str(" AND r.deleted_at_utc IS NULL");
        }
        // A company that was removed has no rows from that moment on. It is looked up once.
        let _ = write!(
            from,
            " AND (SELECT state <> 'removed' FROM fleet.connections WHERE id = {connection})"
        );
        if let Some(filter) = &source.filter {
            let _ = write!(
                from,
                " AND r.payload ->> {} IN ({})",
                literal(&filter.member),
                literals(&filter.values)
            );
        }
        from.push_str(&rows.condition);
        if matches!(purpose, Purpose::Changes(_)) {
            from.push_str(&self.is_changed(source));
        }
        from
    }

    fn write_typing_notes(&self, statements: &mut String) {
        let view = self.relation("typing_notes");
        let select = self.select_typing_notes(Purpose::View);
        let _ = writeln!(statements, "CREATE VIEW {view} AS\n{select};");
        let _ = writeln!(statements, "COMMENT ON VIEW {view} IS {};", literal(OF_NOTES));
    }

    fn select_typing_notes(&self, purpose: Purpose<'_>) -> String {
        let tables = self
            .layout
            .tables
            .iter()
            .filter(|table| has_notes(table) && purpose.takes(&table.sources[0]));
        let selects: Vec<String> = tables.map(|table| self.select_notes(table, purpose)).collect();
        let of_record = match purpose {
            Purpose::View => "",
            Purpose::Table | Purpose::Changes(_) => ", _entity, id AS _record",
        };
        format!(
            "SELECT table_name, id, index, column_name, type, left(value #>> '{{}}', 200) AS text{of_record}\n\
             FROM (\n{}\n) AS every_value WHERE books.is_odd(value, type)",
            selects.join("\nUNION ALL\n")
        )
    }

    fn select_notes(&self, table: &Table, purpose: Purpose<'_>) -> String {
        let source = &table.sources[0];
        let rows = RowsOf::new(source);
        let columns: Vec<String> = plain_paths(table)
            .map(|(column, path)| {
                format!(
                    "({}, {}, '{{{}}}'::text[])",
                    literal(&column.name),
                    literal(column.kind.as_str()),
                    path.members.join(",")
                )
            })
            .collect();
        format!(
            "SELECT {} AS table_name, {} AS _entity, r.id, {} AS index, k.column_name, k.type, {} #> k.path AS value\n{}",
            literal(&table.name),
            literal(&source.entity),
            rows.index,
            rows.element,
            self.from(source, &rows, Records::Live, purpose).replacen(
                "\nWHERE",
                &format!(
                    "\nCROSS JOIN (VALUES {}) AS k (column_name, type, path)\nWHERE",
                    columns.join(", ")
                ),
                1
            )
        )
    }

    fn write_measure(&self, measure: &Measure, statements: &mut String) {
        let view = self.relation(&measure.name);
        let body = measure.render(&|word, argument| Some(self.say(word, argument)));
        // Every word was looked at when the measure was read.
        let body = body.unwrap_or_default();
        let _ = writeln!(statements, "CREATE VIEW {view} AS\n{body};");
        let _ = writeln!(
            statements,
            "COMMENT ON VIEW {view} IS {};",
            literal(&measure.definition)
        );
        for (column, meaning) in &measure.columns {
            let _ = writeln!(
                statements,
                "COMMENT ON COLUMN {view}.{} IS {};",
                name(column),
                literal(meaning)
            );
        }
    }

    fn say(&self, word: &str, argument: &str) -> String {
        match word {
            "table" => self.relation(argument),
            "sum" => format!("coalesce(sum({argument}), 0)"),
            "month" => format!("date_trunc('month', {argument})::date"),
            "today" => self.today(),
            "age" => format!("({} - {argument})", self.today()),
            "once" => "OFFSET 0".to_owned(),
            "home" => {
                let (amount, rate) = argument.rsplit_once(", ").unwrap_or((argument, "1"));
                format!("round({amount} * {rate}, 2)")
            }
            // What tells companies apart where they are in one view.
            _ => String::new(),
        }
    }

    /// The company's day, whatever the session's zone is; that of UTC where the server does not know the company's zone. It is
    /// looked up once.
    fn today(&self) -> String {
        format!(
            "(SELECT books.today_in(time_zone) FROM fleet.connections WHERE id = {})",
            literal(self.connection)
        )
    }
}

/// What is said of the notes.
const OF_NOTES: &str = "Values that are not of their column's type: null in the table, here as they are.";

/// The rows of the records that changed last, one for each key.
fn newest(table: &Table, all: &str) -> String {
    let keys: Vec<String> = table.keys().map(|key| name(&key.name)).collect();
    let keys = keys.join(", ");
    let columns: Vec<String> = table.columns.iter().map(|column| name(&column.name)).collect();
    format!(
        "SELECT {}, {SYNCED}, {DELETED} FROM (\nSELECT DISTINCT ON ({keys}) * FROM {all} AS every_one\n\
         WHERE ({keys}) IS NOT NULL ORDER BY {keys}, _changed DESC NULLS LAST\n) AS newest",
        columns.join(", ")
    )
}

/// Says what a table or view is, and what each of its columns.
fn write_comments(kind: &str, relation: &str, table: &Table, meaning: &str, statements: &mut String) {
    let _ = writeln!(
        statements,
        "COMMENT ON {kind} {relation} IS {};",
        literal(meaning)
    );
    for column in &table.columns {
        let (column, comment) = (name(&column.name), literal(&column.comment()));
        let _ = writeln!(statements, "COMMENT ON COLUMN {relation}.{column} IS {comment};");
    }
    for (column, _, meaning) in OF_EVERY_TABLE {
        let (column, comment) = (name(column), literal(meaning));
        let _ = writeln!(statements, "COMMENT ON COLUMN {relation}.{column} IS {comment};");
    }
}

/// Whether a table's values are held against their types. What has several sources repeats other tables.
pub(crate) fn has_notes(table: &Table) -> bool {
    table.sources.len() == 1 && plain_paths(table).next().is_some()
}

/// The columns whose values can be held against their types: those with a path of members alone.
pub(crate) fn plain_paths(table: &Table) -> impl Iterator<Item = (&Column, &Path)> {
    table.columns.iter().flat_map(|column| {
        let terms = match &column.value {
            Value::FirstOf(terms) => &terms[..],
            _ => &[],
        };
        let paths = terms.iter().map(|term| &term.path);
        let plain = paths.filter(|path| path.chosen.is_none() && !path.from_record);
        plain.map(move |path| (column, path))
    })
}
