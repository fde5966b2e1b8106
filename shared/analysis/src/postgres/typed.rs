//! The same tables as copies, for who reads them often: rows are stored, and follow the records when they are refreshed.
//!
//! Each row says which record it is of, so that the rows of a record that has changed are taken out and put in anew. Views
//! stand over them under the names that the views over the records have.

use std::fmt::Write;

use super::{OF_NOTES, Purpose, Records, Schema, has_notes, newest, write_comments};
use crate::expression::{literal, name};
use crate::layout::{DELETED, Layout, Rows, SYNCED, Source, Table};

/// A table that keeps rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name in the schema.
    pub name: String,
    /// Puts in the rows of every record. The table has none.
    pub fill: String,
}

/// Tells this program's copies of a layout from those of another version.
pub fn typed_fingerprint(layout: &Layout) -> String {
    let schema = Schema {
        layout,
        name: "any",
        connection: "00000000-0000-0000-0000-000000000000",
    };
    let mut hash = blake3::Hasher::new();
    hash.update(schema.typed_statements().as_bytes());
    for statement in schema.renewals(&layout.entities()) {
        hash.update(statement.as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

impl Schema<'_> {
    /// The tables that keep rows.
    pub fn stored(&self) -> Vec<Stored> {
        let tables = self.layout.tables.iter().map(|table| {
            let select = self.select_sources(table, records(table), Purpose::Table);
            self.stored_as(stored_name(table), &select)
        });
        let notes = self.stored_as(
            "typing_notes".to_owned(),
            &self.select_typing_notes(Purpose::Table),
        );
        tables.chain([notes]).collect()
    }

    /// Statements that take out the rows of the records in the table `pg_temp.changed` (entity, id), which are of these
    /// entities, and put in what they have now. What no such record is in is not touched.
    pub fn renewals(&self, entities: &[String]) -> Vec<String> {
        let purpose = Purpose::Changes(entities);
        let tables = self.layout.tables.iter();
        let has_changed = |table: &&Table| table.sources.iter().any(|source| purpose.takes(source));
        let mut renewals: Vec<String> = tables
            .clone()
            .filter(has_changed)
            .map(|table| {
                self.renew(
                    &stored_name(table),
                    &self.select_sources(table, records(table), purpose),
                )
            })
            .collect();
        if tables.filter(has_changed).any(has_notes) {
            renewals.push(self.renew("typing_notes", &self.select_typing_notes(purpose)));
        }
        renewals
    }

    /// Statements that make every table, empty, and the views over them in the schema, which has none of them.
    pub fn typed_statements(&self) -> String {
        let mut statements = String::with_capacity(256 * 1024);
        for table in &self.layout.tables {
            self.write_stored(table, &mut statements);
        }
        let notes = self.relation("typing_notes");
        let select = self.select_typing_notes(Purpose::Table);
        let _ = writeln!(statements, "CREATE TABLE {notes} AS\n{select}\nWITH NO DATA;");
        let _ = writeln!(statements, "CREATE INDEX ON {notes} (_record, _entity);");
        let _ = writeln!(statements, "COMMENT ON TABLE {notes} IS {};", literal(OF_NOTES));
        for measure in &self.layout.measures {
            self.write_measure(measure, &mut statements);
        }
        statements
    }

    /// The names of the views over the tables.
    pub fn typed_views(&self) -> Vec<String> {
        let over = self
            .layout
            .tables
            .iter()
            .filter(|table| stored_name(table) != table.name);
        let measures = self.layout.measures.iter().map(|measure| measure.name.clone());
        over.map(|table| table.name.clone()).chain(measures).collect()
    }

    /// What is said of a source whose records count only if they have changed. With the entity, the key's index is used.
    pub(super) fn is_changed(&self, source: &Source) -> String {
        let stored_as = literal(&format!("{}{}", self.layout.raw_prefix, source.entity));
        let entity = literal(&source.entity);
        format!(
            " AND r.entity = {stored_as} AND r.id IN (SELECT id FROM pg_temp.changed WHERE entity = {entity})"
        )
    }

    fn stored_as(&self, name: String, select: &str) -> Stored {
        Stored {
            fill: format!("INSERT INTO {}\n{select}", self.relation(&name)),
            name,
        }
    }

    fn renew(&self, name: &str, select: &str) -> String {
        let relation = self.relation(name);
        format!(
            "DELETE FROM {relation} AS t USING pg_temp.changed AS c WHERE t._record = c.id AND t._entity = c.entity;\n\
             INSERT INTO {relation}\n{select}"
        )
    }

    fn write_stored(&self, table: &Table, statements: &mut String) {
        let stored = self.relation(&stored_name(table));
        let select = self.select_sources(table, records(table), Purpose::Table);
        // Writing into a string cannot fail.
        let _ = writeln!(statements, "CREATE TABLE {stored} AS\n{select}\nWITH NO DATA;");
        let _ = writeln!(statements, "CREATE INDEX ON {stored} (_record, _entity);");
        write_comments("TABLE", &stored, table, &table.meaning, statements);
        let keys: Vec<String> = table.keys().map(|key| name(&key.name)).collect();
        if table.is_of_records() && !keys.is_empty() {
            let _ = writeln!(
                statements,
                "ALTER TABLE {stored} ADD PRIMARY KEY ({});",
                keys.join(", ")
            );
        } else if !keys.is_empty() {
            let _ = writeln!(statements, "CREATE INDEX ON {stored} ({});", keys.join(", "));
        }
        let over = match table.rows {
            Rows::Distinct => newest(table, &stored),
            Rows::All if table.is_of_records() => live(table, &stored),
            Rows::All => return,
        };
        let view = self.relation(&table.name);
        let _ = writeln!(statements, "CREATE VIEW {view} AS\n{over};");
        write_comments("VIEW", &view, table, &table.meaning, statements);
    }
}

fn live(table: &Table, stored: &str) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| name(&column.name)).collect();
    let columns = columns.join(", ");
    format!("SELECT {columns}, {SYNCED}, {DELETED} FROM {stored} WHERE NOT {DELETED}")
}

/// Under which name a table's rows are kept: its own, unless a view over them has that.
fn stored_name(table: &Table) -> String {
    match table.rows {
        Rows::Distinct => format!("{}_every", table.name),
        Rows::All if table.is_of_records() => format!("{}_history", table.name),
        Rows::All => table.name.clone(),
    }
}

fn records(table: &Table) -> Records {
    if table.is_of_records() {
        Records::All
    } else {
        Records::Live
    }
}
