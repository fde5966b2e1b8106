//! Reading records on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use futures::StreamExt;
use futures::stream::BoxStream;
use ledgerfleet_model::ConnectionId;
use serde_json::value::RawValue;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use crate::{EntityTotals, LedgerError, RecordFilter, RecordPage, RecordStub, Records, StoredRecord};

/// Nothing is stored so long after it was stamped.
const LONGEST_WRITE: Duration = Duration::from_mins(2);

#[derive(sqlx::FromRow)]
struct RecordRow {
    id: String,
    source_version: Option<i64>,
    source_updated_at: Option<Stamp>,
    document_date: Option<Text<NaiveDate>>,
    observed_at_utc: Stamp,
    ingested_at_utc: Stamp,
    last_seen_utc: Stamp,
    deleted_at_utc: Option<Stamp>,
    payload_hash: Vec<u8>,
    payload: String,
    original: Option<Vec<u8>>,
}

impl TryFrom<RecordRow> for StoredRecord {
    type Error = LedgerError;

    fn try_from(row: RecordRow) -> Result<Self, LedgerError> {
        let payload = RawValue::from_string(row.payload)
            .map_err(|error| LedgerError::Corrupt(format!("the payload of record {}: {error}", row.id)))?;
        Ok(Self {
            id: row.id,
            source_version: row.source_version,
            source_updated_at: row.source_updated_at.map(|at| at.0),
            document_date: row.document_date.map(|day| day.0),
            observed_at: row.observed_at_utc.0,
            ingested_at: row.ingested_at_utc.0,
            last_seen_at: row.last_seen_utc.0,
            deleted_at: row.deleted_at_utc.map(|at| at.0),
            payload_hash: hexadecimal(&row.payload_hash),
            payload,
            original: row
                .original
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        })
    }
}

/// The records of a table on a condition, newest date first.
macro_rules! records_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, source_version, source_updated_at, document_date, observed_at_utc, ingested_at_utc,
                    last_seen_utc, deleted_at_utc, payload_hash, payload, original
             FROM raw_records
             WHERE connection_id = ?1 AND entity = ?2 AND ",
            $condition,
            " ORDER BY document_date DESC, id LIMIT ?6"
        )
    };
}

#[async_trait]
impl Records for SqliteLedger {
    async fn records(&self, filter: &RecordFilter) -> Result<Vec<StoredRecord>, LedgerError> {
        // One statement each, because an index serves no condition that may be absent.
        const BY_ID: &str = records_where!(
            "id = ?3 AND (?4 IS NULL OR document_date >= ?4) AND (?5 IS NULL OR document_date <= ?5)"
        );
        const BY_DATE: &str = records_where!(
            "?3 IS NULL AND document_date BETWEEN coalesce(?4, '0000-01-01') AND coalesce(?5, '9999-12-31')"
        );
        const ALL: &str = records_where!("?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL");
        let statement = match filter {
            RecordFilter { id: Some(_), .. } => BY_ID,
            RecordFilter {
                from: None, to: None, ..
            } => ALL,
            _ => BY_DATE,
        };
        let rows: Vec<RecordRow> = sqlx::query_as(statement)
            .bind(Text(filter.connection))
            .bind(&filter.table)
            .bind(&filter.id)
            .bind(filter.from.map(Text))
            .bind(filter.to.map(Text))
            .bind(filter.limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("records"))?;
        rows.into_iter().map(StoredRecord::try_from).collect()
    }

    async fn record_page(&self, page: &RecordPage) -> Result<Vec<StoredRecord>, LedgerError> {
        const PAGE: &str = "
            SELECT id, source_version, source_updated_at, document_date, observed_at_utc, ingested_at_utc,
                   last_seen_utc, deleted_at_utc, payload_hash, payload, original
            FROM raw_records
            WHERE connection_id = ?1 AND entity = ?2 AND id > ?3
              AND (?4 IS NULL OR document_date >= ?4) AND (?5 IS NULL OR document_date <= ?5)
              AND (?6 IS NULL OR ingested_at_utc >= ?6 OR deleted_at_utc >= ?6)
              AND (?7 IS NULL OR (deleted_at_utc IS NOT NULL) = ?7)
            ORDER BY id LIMIT ?8";
        let rows: Vec<RecordRow> = sqlx::query_as(PAGE)
            .bind(Text(page.connection))
            .bind(&page.table)
            .bind(&page.after)
            .bind(page.from.map(Text))
            .bind(page.to.map(Text))
            .bind(page.updated_since.map(Stamp::from))
            .bind(page.deleted)
            .bind(page.limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("record page"))?;
        rows.into_iter().map(StoredRecord::try_from).collect()
    }

    async fn seen_horizon(&self) -> Result<DateTime<Utc>, LedgerError> {
        Ok(self.now().before(LONGEST_WRITE).0)
    }

    fn record_stubs(
        &self,
        connection: ConnectionId,
        table: &str,
    ) -> BoxStream<'_, Result<RecordStub, LedgerError>> {
        #[derive(sqlx::FromRow)]
        struct StubRow {
            id: String,
            source_version: Option<i64>,
            payload_hash: Vec<u8>,
            deleted: bool,
        }
        const STUBS: &str = "
            SELECT id, source_version, payload_hash, deleted_at_utc IS NOT NULL AS deleted
            FROM raw_records WHERE connection_id = ? AND entity = ? ORDER BY id";
        let stub = |row: StubRow| RecordStub {
            id: row.id,
            source_version: row.source_version,
            payload_hash: hexadecimal(&row.payload_hash),
            deleted: row.deleted,
        };
        sqlx::query_as(STUBS)
            .bind(Text(connection))
            .bind(table.to_owned())
            .fetch(&self.readers)
            .map(move |row| row.map(stub).map_err(failed("record stubs")))
            .boxed()
    }

    async fn entity_totals(&self) -> Result<Vec<EntityTotals>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct TotalsRow {
            connection_id: Text<ConnectionId>,
            entity: String,
            live: u64,
            deleted: u64,
            last_ingested_at: Option<Stamp>,
        }
        const TOTALS: &str = "
            SELECT connection_id, entity, count(*) - count(deleted_at_utc) AS live,
                   count(deleted_at_utc) AS deleted, max(ingested_at_utc) AS last_ingested_at
            FROM raw_records INDEXED BY raw_records_date GROUP BY connection_id, entity";
        let rows: Vec<TotalsRow> = sqlx::query_as(TOTALS)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("entity totals"))?;
        let totals = |row: TotalsRow| EntityTotals {
            connection: row.connection_id.0,
            table: row.entity,
            live: row.live,
            deleted: row.deleted,
            last_ingested_at: row.last_ingested_at.map(|at| at.0),
        };
        Ok(rows.into_iter().map(totals).collect())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
