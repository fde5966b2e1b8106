//! Records: what is stored of the upstream's objects.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use futures::stream::BoxStream;
use ledgerfleet_model::ConnectionId;
use serde::Serialize;

use crate::LedgerError;

/// Which records.
#[derive(Debug, Clone)]
pub struct RecordFilter {
    /// Of this connection.
    pub connection: ConnectionId,
    /// Of this table: `qbo_invoice`.
    pub table: String,
    /// With this upstream id.
    pub id: Option<String>,
    /// Dated on or after this day.
    pub from: Option<NaiveDate>,
    /// Dated on or before this day.
    pub to: Option<NaiveDate>,
    /// At most this many.
    pub limit: u32,
}

/// One page of a table, by id: an order in which nothing moves while rows change.
#[derive(Debug, Clone)]
pub struct RecordPage {
    /// Of this connection.
    pub connection: ConnectionId,
    /// Of this table: `qbo_invoice`.
    pub table: String,
    /// After this id; empty for the first page.
    pub after: String,
    /// Dated on or after this day.
    pub from: Option<NaiveDate>,
    /// Dated on or before this day.
    pub to: Option<NaiveDate>,
    /// Stored, or found deleted, at this instant or later.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only tombstones, or none of them.
    pub deleted: Option<bool>,
    /// At most this many.
    pub limit: u32,
}

/// A record as it is stored.
#[derive(Debug, Clone, Serialize)]
pub struct StoredRecord {
    /// The upstream's id.
    pub id: String,
    /// The upstream's version.
    pub source_version: Option<i64>,
    /// When the upstream says it was last changed.
    pub source_updated_at: Option<DateTime<Utc>>,
    /// The date on the document.
    pub document_date: Option<NaiveDate>,
    /// When the request was sent that brought this version.
    pub observed_at: DateTime<Utc>,
    /// When this version was stored.
    pub ingested_at: DateTime<Utc>,
    /// When it was last seen upstream, to within a day.
    pub last_seen_at: DateTime<Utc>,
    /// When it was found to be deleted upstream.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Hexadecimal BLAKE3-256 of the payload.
    pub payload_hash: String,
    /// The object's JSON text.
    pub payload: Box<serde_json::value::RawValue>,
    /// The text as it was served, where the database could not hold it to the letter and changed `payload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
}

/// What is needed of a record to compare it with the source: a line of memory, whatever its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordStub {
    /// The upstream's id.
    pub id: String,
    /// The upstream's version.
    pub source_version: Option<i64>,
    /// Hexadecimal BLAKE3-256 of the payload.
    pub payload_hash: String,
    /// Whether it is a tombstone.
    pub deleted: bool,
}

/// How much is stored of one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityTotals {
    /// The connection.
    pub connection: ConnectionId,
    /// The table: `qbo_invoice`.
    pub table: String,
    /// Records that are not tombstones.
    pub live: u64,
    /// Tombstones.
    pub deleted: u64,
    /// When a version was last stored.
    pub last_ingested_at: Option<DateTime<Utc>>,
}

/// Reading records.
#[async_trait]
pub trait Records: Send + Sync {
    /// Records by document date, newest first, then by id.
    async fn records(&self, filter: &RecordFilter) -> Result<Vec<StoredRecord>, LedgerError>;

    /// Records of a table by id (as text), a page at a time. A record that was there during the whole walk is met once.
    async fn record_page(&self, page: &RecordPage) -> Result<Vec<StoredRecord>, LedgerError>;

    /// The instant up to which everything that is stored can be seen: what is stored later, and what is being stored now,
    /// is found by [`RecordPage::updated_since`] from here on.
    async fn seen_horizon(&self) -> Result<DateTime<Utc>, LedgerError>;

    /// All records of a table, tombstones included, by id (as text), streamed.
    fn record_stubs(
        &self,
        connection: ConnectionId,
        table: &str,
    ) -> BoxStream<'_, Result<RecordStub, LedgerError>>;

    /// How much is stored, by connection and table.
    async fn entity_totals(&self) -> Result<Vec<EntityTotals>, LedgerError>;
}
