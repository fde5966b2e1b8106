//! The views on SQLite: one of each for all connections, with the connection's name first.
//!
//! SQLite has neither decimals nor dates: a number is a binary fraction (REAL), with its exact text beside it in
//! `…_text`; days and instants are texts that sort (`2026-06-14`, `2026-06-15T09:30:00Z`).
//!
//! A view is three selects, one in the other: the innermost takes the values out of the records as JSON, the one around it
//! gives them their types, the outermost adds the binary fractions.

mod product;
mod rows;
mod typed;

use std::fmt::Write;

use crate::expression::{literal, literals, name};
use crate::layout::{DELETED, Kind, Layout, Rows, SYNCED, Source, Table};
use crate::measure::Measure;
use crate::postgres::{has_notes, plain_paths};

use product::product;
use rows::{RowsOf, Values, typed as typed_value, way};
pub use typed::{Renewal, Stored, renewals, stored, typed_fingerprint, typed_views};

/// Which records a view has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Records {
    Live,
    All,
}

/// What a select is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose<'a> {
    /// A view: rows of all connections, each with the name of its own.
    View,
    /// A table that keeps the rows of the connection `?1`: each says which record it is of.
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

/// One view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What makes it.
    pub statement: String,
}

/// Tells this program's views of all layouts from those of another version.
pub fn fingerprint(layouts: &[Layout]) -> String {
    let mut hash = blake3::Hasher::new();
    for view in layouts.iter().flat_map(views) {
        hash.update(view.statement.as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

/// Every view of a layout, in an order in which they can be made.
pub fn views(layout: &Layout) -> Vec<View> {
    let mut views = Vec::new();
    for table in &layout.tables {
        if table.is_of_records() {
            let history = format!("{}_history", table.name);
            views.push(view(layout, &history, &select_table(layout, table, Records::All)));
            let live = format!("SELECT * FROM {}_{history} WHERE NOT {DELETED}", layout.connector);
            views.push(view(layout, &table.name, &live));
        } else {
            views.push(view(
                layout,
                &table.name,
                &select_table(layout, table, Records::Live),
            ));
        }
    }
    views.push(view(
        layout,
        "typing_notes",
        &select_typing_notes(layout, Purpose::View),
    ));
    views.extend(
        layout
            .measures
            .iter()
            .map(|measure| measure_view(layout, measure)),
    );
    views
}

fn view(layout: &Layout, table: &str, select: &str) -> View {
    let name = format!("{}_{table}", layout.connector);
    View {
        statement: format!("CREATE VIEW {name} AS\n{select}"),
        name,
    }
}

fn select_table(layout: &Layout, table: &Table, records: Records) -> String {
    let mut typed = select_typed(layout, table, records, Purpose::View);
    if table.rows == Rows::Distinct {
        typed = format!("(\n{}\n)", newest(table, &format!("(\n{typed}\n)"), "connection"));
    } else {
        typed = format!("(\n{typed}\n)");
    }
    format!(
        "SELECT {}, {SYNCED}, {DELETED} FROM {typed}",
        with_fractions(table).join(", ")
    )
}

/// The rows with their columns' types, numbers as texts.
fn select_typed(layout: &Layout, table: &Table, records: Records, purpose: Purpose<'_>) -> String {
    let (mut typed, mut taken) = (Vec::new(), Vec::new());
    for source in table.sources.iter().filter(|source| purpose.takes(source)) {
        let rows = RowsOf::new(source);
        let mut values = Values::default();
        // The same for every source: they differ in where the values are.
        typed = table
            .columns
            .iter()
            .map(|column| format!("{} AS {}", values.column(column, &rows), name(&column.name)))
            .collect();
        taken.push(format!(
            "SELECT {} AS connection, {} AS _kind, r.id AS _id, {} AS _index, {} AS _parent_index, r.ingested_at_utc AS \
             _synced, r.deleted_at_utc IS NOT NULL AS _deleted, r.source_updated_at AS _changed{}\n{}",
            of_connection(purpose),
            literal(&source.entity),
            rows.index,
            rows.parent_index,
            values.taken,
            from(layout, source, &rows, records, purpose)
        ));
    }
    let of_record = if purpose == Purpose::View {
        ""
    } else {
        ", _kind AS _entity, _id AS _record"
    };
    format!(
        "SELECT connection, {}, _synced AS {SYNCED}, _deleted AS {DELETED}, _changed{of_record}\nFROM (\n{}\n)",
        typed.join(", "),
        taken.join("\nUNION ALL\n")
    )
}

/// What tells connections apart: a copy outlives a name.
fn of_connection(purpose: Purpose<'_>) -> &'static str {
    match purpose {
        Purpose::View => "c.name",
        Purpose::Table | Purpose::Changes(_) => "c.id",
    }
}

/// The rows of the records that changed last, one for each key.
fn newest(table: &Table, typed: &str, connection: &str) -> String {
    let keys: Vec<String> = table.keys().map(|key| name(&key.name)).collect();
    let there: Vec<String> = keys.iter().map(|key| format!(" AND {key} IS NOT NULL")).collect();
    format!(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {connection}, {} ORDER BY _changed DESC) AS _rank\n\
         FROM {typed}) WHERE _rank = 1{}",
        keys.join(", "),
        there.concat()
    )
}

/// The columns as they are shown: a number as a binary fraction, and its exact text beside it.
fn with_fractions(table: &Table) -> Vec<String> {
    let mut columns = vec!["connection".to_owned()];
    for column in &table.columns {
        let column_name = name(&column.name);
        if column.kind == Kind::Numeric {
            columns.push(format!("CAST({column_name} AS REAL) AS {column_name}"));
            columns.push(format!(
                "{column_name} AS {}",
                name(&format!("{}_text", column.name))
            ));
        } else {
            columns.push(column_name);
        }
    }
    columns
}

fn from(layout: &Layout, source: &Source, rows: &RowsOf, records: Records, purpose: Purpose<'_>) -> String {
    let entity = literal(&format!("{}{}", layout.raw_prefix, source.entity));
    let mut from = format!(
        "FROM fleet_connections AS c JOIN raw_records AS r ON r.connection_id = c.id{}\nWHERE r.entity = {entity} AND c.state <> \
         'removed'",
        rows.joins
    );
    if records == Records::Live {
        from.push_str(" AND r.deleted_at_utc IS NULL");
    }
    if let Some(filter) = &source.filter {
        let _ = write!(
            from,
            " AND r.payload ->> '$.{}' IN ({})",
            filter.member,
            literals(&filter.values)
        );
    }
    from.push_str(&rows.condition);
    if purpose != Purpose::View {
        from.push_str(" AND c.id = ?1");
    }
    if matches!(purpose, Purpose::Changes(_)) {
        let _ = write!(
            from,
            " AND r.id IN (SELECT id FROM fleet_typed_changes WHERE connection_id = ?1 AND entity = {entity})"
        );
    }
    from
}

fn select_typing_notes(layout: &Layout, purpose: Purpose<'_>) -> String {
    let tables = layout
        .tables
        .iter()
        .filter(|table| has_notes(table) && purpose.takes(&table.sources[0]));
    let selects: Vec<String> = tables.map(|table| select_notes(layout, table, purpose)).collect();
    let of_record = if purpose == Purpose::View {
        ""
    } else {
        ", _entity, id AS _record"
    };
    format!(
        "SELECT connection, table_name, id, \"index\", column_name, type, substr(trim(value, '\"'), 1, 200) AS text{of_record} FROM (\n{}\n)\n\
         WHERE value IS NOT NULL AND json_type(value) <> 'null' AND CASE type\n    \
         WHEN 'text' THEN {} WHEN 'numeric' THEN {} WHEN 'date' THEN {}\n    \
         WHEN 'timestamptz' THEN {} WHEN 'boolean' THEN {} ELSE 1 END IS NULL",
        selects.join("\nUNION ALL\n"),
        typed_value("value", Kind::Text),
        typed_value("value", Kind::Numeric),
        typed_value("value", Kind::Date),
        typed_value("value", Kind::Timestamptz),
        typed_value("value", Kind::Boolean),
    )
}

fn select_notes(layout: &Layout, table: &Table, purpose: Purpose<'_>) -> String {
    let source = &table.sources[0];
    let rows = RowsOf::new(source);
    let columns: Vec<String> = plain_paths(table)
        .map(|(column, path)| {
            let (column, kind) = (literal(&column.name), column.kind.as_str());
            format!("({column}, '{kind}', '{}')", way(&path.members))
        })
        .collect();
    let from = from(layout, source, &rows, Records::Live, purpose).replacen(
        "\nWHERE",
        &format!("\nJOIN (VALUES {}) AS k\nWHERE", columns.join(", ")),
        1,
    );
    format!(
        "SELECT {} AS connection, {} AS table_name, {} AS _entity, r.id AS id, {} AS \"index\", k.column1 AS column_name, k.column2 AS \
         type, {} -> k.column3 AS value\n{from}",
        of_connection(purpose),
        literal(&table.name),
        literal(&source.entity),
        rows.index,
        rows.element,
    )
}

fn measure_view(layout: &Layout, measure: &Measure) -> View {
    view(layout, &measure.name, &measured(layout.connector, measure))
}

/// A measure over the tables whose names begin with `prefix`.
fn measured(prefix: &str, measure: &Measure) -> String {
    let body = measure.render(&|word, argument| Some(say(prefix, word, argument)));
    // Every word was looked at when the measure was read.
    body.unwrap_or_default()
}

fn say(prefix: &str, word: &str, argument: &str) -> String {
    match word {
        "table" => format!("{prefix}_{argument}"),
        "connection" => "connection, ".to_owned(),
        "of" => format!("{argument}.connection, "),
        "same" => {
            let (one, other) = argument.split_once(' ').unwrap_or((argument, argument));
            format!("{one}.connection = {other}.connection AND ")
        }
        "apart" => format!("PARTITION BY {argument}.connection "),
        // Whole numbers are exact in a binary fraction, and their sum cannot overflow as one of integers would. Some
        // currencies have three decimals.
        "sum" => format!("total(round(({argument}) * 10000)) / 10000"),
        "month" => format!("substr({argument}, 1, 7) || '-01'"),
        // A file knows no zones: the day in UTC.
        "today" => "date('now')".to_owned(),
        "age" => format!("CAST(julianday(date('now')) - julianday({argument}) AS INTEGER)"),
        "once" => "LIMIT -1".to_owned(),
        "home" => {
            let (amount, rate) = argument.rsplit_once(", ").unwrap_or((argument, "'1'"));
            let product = product(&format!("{amount}_text"), &format!("{rate}_text"));
            format!("CAST({product} AS REAL)")
        }
        _ => String::new(),
    }
}
