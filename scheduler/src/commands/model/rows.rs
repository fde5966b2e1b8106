//! What `model` prints.

use ledgerfleet_analysis::dictionary::Entry;
use ledgerfleet_ledger::{Extent, Model, Refreshed, TypingNote};
use serde::Serialize;

use crate::output::{Row, counted, thousands};

/// The tables of one company.
#[derive(Serialize)]
pub(super) struct ModelRow {
    connection: String,
    connector: String,
    tables: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typed: Option<Typed>,
}

/// What was copied into its typed tables.
#[derive(Serialize)]
struct Typed {
    tables: String,
    copied: &'static str,
    records: u64,
}

impl From<Refreshed> for Typed {
    fn from(refreshed: Refreshed) -> Self {
        Self {
            tables: refreshed.place,
            copied: match refreshed.extent {
                Extent::Differing => "changes",
                Extent::All => "all",
            },
            records: refreshed.records,
        }
    }
}

impl ModelRow {
    pub(super) fn new(model: Model, refreshed: Option<Refreshed>) -> Self {
        Self {
            typed: refreshed.map(Typed::from),
            connection: model.connection,
            connector: model.connector,
            tables: model.place,
            state: model.state.as_str(),
        }
    }
}

impl Row for ModelRow {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "connector",
        "tables",
        "state",
        "typed tables",
        "copied",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.connector.clone(),
            self.tables.clone(),
            self.state.to_owned(),
            self.typed
                .as_ref()
                .map(|typed| typed.tables.clone())
                .unwrap_or_default(),
            self.typed
                .as_ref()
                .map(|typed| format!("{}: {}", typed.copied, counted(typed.records, "record")))
                .unwrap_or_default(),
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
