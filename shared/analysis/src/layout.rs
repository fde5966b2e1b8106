//! A layout: the tables and columns in which people read the records of one connector.

use crate::Measure;
use crate::path::{Filter, Path, Value};

/// Bytes that the shorter of the two databases keeps of a name.
pub const LONGEST_NAME: usize = 63;

/// The tables, columns and measures of one connector.
#[derive(Debug)]
pub struct Layout {
    /// The connector's name in the registry. Schemas and views of SQLite begin with it.
    pub connector: &'static str,
    /// What the names of its raw tables begin with: `qbo_`.
    pub raw_prefix: &'static str,
    /// In the order of the file.
    pub tables: Vec<Table>,
    /// Figures over the tables.
    pub measures: Vec<Measure>,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Its name, without that of the connector.
    pub name: String,
    /// Which rows it has.
    pub rows: Rows,
    /// Where they come from; several sources are one below the other.
    pub sources: Vec<Source>,
    /// In order. [`SYNCED`] and [`DELETED`] follow them.
    pub columns: Vec<Column>,
    /// What a row is, in a sentence.
    pub meaning: String,
}

/// Which rows of its sources a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All.
    All,
    /// One for each key: that of the record that changed last.
    Distinct,
}

/// Where rows come from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The entity whose records they are, or are in.
    pub entity: String,
    /// Records that count; all if there is none.
    pub filter: Option<Filter>,
    /// The way from the record to a row; none where the record is the row.
    pub steps: Vec<RowStep>,
}

/// One step from a record into it.
#[derive(Debug, PartialEq, Eq)]
pub struct RowStep {
    /// To the array or object.
    pub path: Path,
    /// Whether each element of an array is a row, or an object is the one.
    pub each: bool,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it is part of what identifies a row inside of a company.
    pub is_key: bool,
    /// Where it comes from.
    pub value: Value,
    /// As the file has it: for people.
    pub path: String,
    /// What it means, where its name does not say so.
    pub meaning: String,
}

/// A column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; ids are.
    Text,
    /// An exact number.
    Numeric,
    /// A day.
    Date,
    /// An instant.
    Timestamptz,
    /// Yes or no.
    Boolean,
    /// A small whole number: a place.
    Integer,
    /// A part of the record, as its JSON text.
    Json,
}

impl Kind {
    /// Its name in the file, which Postgres knows but for `json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Timestamptz => "timestamptz",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Json => "json",
        }
    }
}

/// Of every table: when the row's version was stored.
pub const SYNCED: &str = "_fivetran_synced";

/// Of every table: whether the source has deleted the record.
pub const DELETED: &str = "_fivetran_deleted";

/// What is said of [`SYNCED`] and [`DELETED`].
pub const OF_EVERY_TABLE: [(&str, Kind, &str); 2] = [
    (
        SYNCED,
        Kind::Timestamptz,
        "when this version of the record was stored here",
    ),
    (
        DELETED,
        Kind::Boolean,
        "the source has deleted the record: only in `…_history`",
    ),
];

impl Layout {
    /// The entities whose records the tables are made of, each once, without the prefix of their raw tables.
    pub fn entities(&self) -> Vec<String> {
        let sources = self.tables.iter().flat_map(|table| &table.sources);
        let mut entities: Vec<String> = sources.map(|source| source.entity.clone()).collect();
        entities.sort_unstable();
        entities.dedup();
        entities
    }
}

impl Table {
    /// Whether its rows are the records of one entity: such a table has a sibling with the deleted ones, `…_history`.
    pub fn is_of_records(&self) -> bool {
        self.sources.len() == 1 && self.sources[0].steps.is_empty()
    }

    /// The columns that identify a row inside of a company.
    pub fn keys(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.is_key)
    }
}

impl Column {
    /// What is said of it: its meaning and where it comes from.
    pub fn comment(&self) -> String {
        match (self.meaning.is_empty(), self.path.starts_with('@')) {
            (true, _) => self.path.clone(),
            (false, true) => self.meaning.clone(),
            (false, false) => format!("{} ({})", self.meaning, self.path),
        }
    }

    /// Whether nobody has seen it, or its documentation contradicts itself.
    pub fn is_doubtful(&self) -> bool {
        self.meaning.starts_with("doubtful")
    }
}
