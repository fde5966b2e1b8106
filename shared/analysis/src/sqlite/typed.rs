//! The same tables as copies, for who reads them often: rows are stored, and follow the records when they are refreshed.
//!
//! A table holds the rows of all connections by id, and the record that each row is of, so that those of a record that has
//! changed are taken out and put in anew. The views over them say the connections' names, and leave out who is removed.

use std::fmt::Write;

use super::{Purpose, Records, View, measured, newest, select_typed, select_typing_notes, with_fractions};
use crate::expression::name;
use crate::layout::{DELETED, Kind, Layout, Rows, SYNCED, Table};
use crate::postgres::has_notes;

/// The table of values that are not of their column's type.
const NOTES: &str = "typing_notes";

/// A table that keeps rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// What makes it and its indexes.
    pub create: String,
    /// Takes out all rows of the connection `?1`.
    pub empty: String,
    /// Puts in the rows of every record of the connection `?1`.
    pub fill: String,
}

/// What brings one table up to date with the records of the connection `?1` that have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Takes out the rows of those records.
    pub forget: String,
    /// Puts in what they have now.
    pub renew: String,
}

/// Tells this program's copies from those of another version.
pub fn typed_fingerprint(layouts: &[Layout]) -> String {
    let mut hash = blake3::Hasher::new();
    for layout in layouts {
        for stored in stored(layout) {
            hash.update(stored.create.as_bytes());
        }
        for renewal in renewals(layout, &layout.entities()) {
            hash.update(renewal.renew.as_bytes());
        }
        for view in typed_views(layout) {
            hash.update(view.statement.as_bytes());
        }
    }
    hash.finalize().to_hex()[..16].to_owned()
}

/// The tables that keep a layout's rows.
pub fn stored(layout: &Layout) -> Vec<Stored> {
    let tables = layout.tables.iter().map(|table| {
        let select = select_typed(layout, table, records(table), Purpose::Table);
        keep(&rows_of(layout, &table.name), &columns(table), &select)
    });
    let notes = keep(
        &rows_of(layout, NOTES),
        &columns_of_notes(),
        &select_typing_notes(layout, Purpose::Table),
    );
    tables.chain([notes]).collect()
}

/// What brings the tables up to date whose records have changed, which are of these entities. The others are not touched.
pub fn renewals(layout: &Layout, entities: &[String]) -> Vec<Renewal> {
    let purpose = Purpose::Changes(entities);
    let tables = layout.tables.iter();
    let has_changed = |table: &&Table| table.sources.iter().any(|source| purpose.takes(source));
    let of_table = |table: &Table| {
        let select = select_typed(layout, table, records(table), purpose);
        renewal(layout, &table.name, &columns(table), &select)
    };
    let mut renewals: Vec<Renewal> = tables.clone().filter(has_changed).map(of_table).collect();
    if tables.filter(has_changed).any(has_notes) {
        let select = select_typing_notes(layout, purpose);
        renewals.push(renewal(layout, NOTES, &columns_of_notes(), &select));
    }
    renewals
}

/// Every view over the copies, in an order in which they can be made.
pub fn typed_views(layout: &Layout) -> Vec<View> {
    let prefix = prefix(layout);
    let view = |name: &str, select: &str| View {
        name: format!("{prefix}_{name}"),
        statement: format!("CREATE VIEW {prefix}_{name} AS\n{select}"),
    };
    let mut views = Vec::new();
    for table in &layout.tables {
        if table.is_of_records() {
            let history = format!("{}_history", table.name);
            views.push(view(&history, &over(layout, table)));
            let live = format!("SELECT * FROM {prefix}_{history} WHERE NOT {DELETED}");
            views.push(view(&table.name, &live));
        } else {
            views.push(view(&table.name, &over(layout, table)));
        }
    }
    let rows = rows_of(layout, NOTES);
    let notes = "t.table_name, t.id, t.\"index\", t.column_name, t.type, t.text";
    views.push(view(
        NOTES,
        &format!("SELECT c.name AS connection, {notes}\n{}", named(&rows)),
    ));
    let measures = layout.measures.iter();
    views.extend(measures.map(|measure| view(&measure.name, &measured(&prefix, measure))));
    views
}

fn keep(name: &str, columns: &[(String, &str)], select: &str) -> Stored {
    let declared: Vec<String> = columns
        .iter()
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    let mut create = format!("CREATE TABLE {name} ({});", declared.join(", "));
    // Writing into a string cannot fail.
    let _ = write!(
        create,
        "CREATE INDEX {name}_record ON {name} (connection, _entity, _record)"
    );
    Stored {
        name: name.to_owned(),
        create,
        empty: format!("DELETE FROM {name} WHERE connection = ?1"),
        fill: insert(name, columns, select),
    }
}

fn renewal(layout: &Layout, table: &str, columns: &[(String, &str)], select: &str) -> Renewal {
    let name = rows_of(layout, table);
    Renewal {
        forget: format!(
            "DELETE FROM {name} WHERE rowid IN (SELECT t.rowid FROM fleet_typed_changes AS k CROSS JOIN {name} AS t\n\
             WHERE k.connection_id = ?1 AND t.connection = ?1 AND t._entity = substr(k.entity, {}) AND t._record = k.id)",
            layout.raw_prefix.len() + 1
        ),
        renew: insert(&name, columns, select),
    }
}

fn insert(name: &str, columns: &[(String, &str)], select: &str) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    format!("INSERT INTO {name} ({names})\nSELECT {names} FROM (\n{select}\n)")
}

fn columns_of_notes() -> Vec<(String, &'static str)> {
    const NAMES: [&str; 9] = [
        "connection",
        "table_name",
        "id",
        "\"index\"",
        "column_name",
        "type",
        "text",
        "_entity",
        "_record",
    ];
    NAMES.iter().map(|name| ((*name).to_owned(), "")).collect()
}

/// Of a table that keeps rows: numbers are exact texts there.
fn columns(table: &Table) -> Vec<(String, &'static str)> {
    let mut columns = vec![("connection".to_owned(), "TEXT")];
    columns.extend(
        table
            .columns
            .iter()
            .map(|column| (name(&column.name), type_name(column.kind))),
    );
    for own in [SYNCED, DELETED, "_changed", "_entity", "_record"] {
        columns.push((own.to_owned(), ""));
    }
    columns
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean | Kind::Integer => "INTEGER",
        Kind::Text | Kind::Numeric | Kind::Date | Kind::Timestamptz | Kind::Json => "TEXT",
    }
}

fn over(layout: &Layout, table: &Table) -> String {
    let rows = rows_of(layout, &table.name);
    let from = match table.rows {
        Rows::All => rows,
        Rows::Distinct => format!("(\n{}\n)", newest(table, &rows, "connection")),
    };
    let named = format!("(SELECT c.name AS _name, t.*\n{})", named(&from));
    let columns = with_fractions(table);
    // The first one is the connection.
    format!(
        "SELECT _name AS connection, {}, {SYNCED}, {DELETED} FROM {named}",
        columns[1..].join(", ")
    )
}

fn named(rows: &str) -> String {
    format!("FROM fleet_connections AS c JOIN {rows} AS t ON t.connection = c.id WHERE c.state <> 'removed'")
}

fn prefix(layout: &Layout) -> String {
    format!("{}_typed", layout.connector)
}

fn rows_of(layout: &Layout, table: &str) -> String {
    format!("{}_{table}_rows", prefix(layout))
}

fn records(table: &Table) -> Records {
    if table.is_of_records() {
        Records::All
    } else {
        Records::Live
    }
}
