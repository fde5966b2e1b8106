//! What `model` prints.

use ledgerfleet_analysis::dictionary::Entry;
use ledgerfleet_ledger::{Model, TypingNote};
use serde::Serialize;

use crate::output::{Row, thousands};

/// The tables of one company.
#[derive(Serialize)]
pub(super) struct ModelRow {
    connection: String,
    connector: String,
    tables: String,
    state: &'static str,
}

impl From<Model> for ModelRow {
    fn from(model: Model) -> Self {
        Self {
            connection: model.connection,
            connector: model.connector,
            tables: model.place,
            state: model.state.as_str(),
        }
    }
}

impl Row for ModelRow {
    const COLUMNS: &'static [&'static str] = &["connection", "connector", "tables", "state"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.connector.clone(),
            self.tables.clone(),
            self.state.to_owned(),
        ]
    }
}

/// The values of one column that are not of its type.
#[derive(Serialize)]
pub(super) struct NoteRow {
    connection: String,
    table: String,
    column: String,
    #[serde(rename = "type")]
    kind: String,
    count: u64,
    id: String,
    text: String,
}

impl NoteRow {
    pub(super) fn new(connection: &str, note: TypingNote) -> Self {
        Self {
            connection: connection.to_owned(),
            table: note.table,
            column: note.column,
            kind: note.kind,
            count: note.count,
            id: note.id,
            text: note.text,
        }
    }
}

impl Row for NoteRow {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "table",
        "column",
        "type",
        "count",
        "such as id",
        "text",
    ];
    const TEXTS: &'static [&'static str] = &["text"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.table.clone(),
            self.column.clone(),
            self.kind.clone(),
            thousands(self.count),
            self.id.clone(),
            self.text.clone(),
        ]
    }
}

/// One column of the dictionary.
pub(super) struct EntryRow(pub(super) Entry);

impl Serialize for EntryRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            table: &'a str,
            column: &'a str,
            #[serde(rename = "type")]
            kind: Option<&'static str>,
            key: bool,
            path: Option<&'a str>,
            meaning: &'a str,
        }
        let shown = Shown {
            table: &self.0.table,
            column: &self.0.column,
            kind: self.0.kind,
            key: self.0.is_key,
            path: self.0.path.as_deref(),
            meaning: &self.0.meaning,
        };
        shown.serialize(serializer)
    }
}

impl Row for EntryRow {
    const COLUMNS: &'static [&'static str] = &["table", "column", "type", "key", "path", "meaning"];

    fn cells(&self) -> Vec<String> {
        let entry = &self.0;
        vec![
            entry.table.clone(),
            entry.column.clone(),
            entry.kind.unwrap_or_default().to_owned(),
            if entry.is_key { "yes" } else { "" }.to_owned(),
            entry.path.clone().unwrap_or_default(),
            entry.meaning.clone(),
        ]
    }
}
