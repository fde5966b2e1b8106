//! Record: one object of the upstream, as it was served, with what was read out of it.

use chrono::{DateTime, NaiveDate, Utc};

/// One observed object, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The upstream's id, unique per connection and entity.
    pub id: String,
    /// The object's JSON text as served, without insignificant whitespace; every number keeps its text.
    pub payload: Box<str>,
    /// BLAKE3-256 of `payload`, or of the part of it that the connector calls stable.
    pub payload_hash: [u8; 32],
    /// The upstream's version counter (QuickBooks: `SyncToken`), where it has one.
    pub source_version: Option<i64>,
    /// When the upstream says it was created.
    pub source_created_at: Option<DateTime<Utc>>,
    /// When the upstream says it was last changed.
    pub source_updated_at: Option<DateTime<Utc>>,
    /// The date on the document (QuickBooks: `TxnDate`), where it has one.
    pub document_date: Option<NaiveDate>,
    /// Whether this observation says that the object is gone.
    pub deleted: bool,
    /// The bytes as served, where `payload` had to be changed to be storable.
    pub original: Option<Box<[u8]>>,
}

impl Record {
    /// The observation that the upstream has no such record any more.
    pub fn tombstone(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            payload: "{}".into(),
            payload_hash: [0; 32],
            source_version: None,
            source_created_at: None,
            source_updated_at: None,
            document_date: None,
            deleted: true,
            original: None,
        }
    }

    /// The most bytes a record's text may have: 8 MiB.
    pub const LONGEST: usize = 8 << 20;

    /// How deep arrays and objects may stand in each other. Postgres goes some ten times as deep; the functions of
    /// SQLite and many readers end here.
    pub const DEEPEST: usize = 1_000;
}
