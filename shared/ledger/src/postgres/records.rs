//! Reading records on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use ledgerfleet_model::ConnectionId;
use serde_json::value::RawValue;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, compact, number};
use super::error::{failed, persistently};
use crate::{EntityTotals, LedgerError, RecordFilter, RecordPage, RecordStub, Records, StoredRecord};

/// Stubs that are read at once. A stream that one statement fed would keep a connection, and be cut off once its
/// reader took longer than a statement may.
const STUBS: i64 = 10_000;

struct RecordRow {
    id: String,
    source_version: Option<i64>,
    source_updated_at: Option<DateTime<Utc>>,
    document_date: Option<NaiveDate>,
    observed_at_utc: DateTime<Utc>,
    ingested_at_utc: DateTime<Utc>,
    last_seen_utc: DateTime<Utc>,
    deleted_at_utc: Option<DateTime<Utc>>,
    payload_hash: Vec<u8>,
    payload: String,
    original: Option<Vec<u8>>,
}

impl TryFrom<RecordRow> for StoredRecord {
    type Error = LedgerError;

    fn try_from(row: RecordRow) -> Result<Self, LedgerError> {
        let payload = RawValue::from_string(compact(&row.payload))
            .map_err(|error| LedgerError::Corrupt(format!("the payload of record {}: {error}", row.id)))?;
        Ok(Self {
            id: row.id,
            source_version: row.source_version,
            source_updated_at: row.source_updated_at,
            document_date: row.document_date,
            observed_at: row.observed_at_utc,
            ingested_at: row.ingested_at_utc,
            last_seen_at: row.last_seen_utc,
            deleted_at: row.deleted_at_utc,
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
    ($filter:ident, $condition:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            RecordRow,
            r#"
            SELECT id, source_version, source_updated_at, document_date, observed_at_utc, ingested_at_utc,
                last_seen_utc, deleted_at_utc, payload_hash, payload::text AS "payload!", original
            FROM raw.records
            WHERE connection_id = $1 AND entity = $2 AND "#
                + $condition
                + " ORDER BY document_date DESC NULLS LAST, id LIMIT $3",
            $filter.connection.0,
            &$filter.table,
            number($filter.limit),
            $($argument),*
        )
    };
}

#[async_trait]
impl Records for PostgresLedger {
    async fn records(&self, filter: &RecordFilter) -> Result<Vec<StoredRecord>, LedgerError> {
        let rows = persistently(|| self.record_rows(filter)).await?;
        rows.into_iter().map(StoredRecord::try_from).collect()
    }

    async fn record_page(&self, page: &RecordPage) -> Result<Vec<StoredRecord>, LedgerError> {
        let rows = persistently(|| self.page_rows(page)).await?;
        rows.into_iter().map(StoredRecord::try_from).collect()
    }

    async fn seen_horizon(&self) -> Result<DateTime<Utc>, LedgerError> {
        // No statement runs for longer than a minute, and a page's transaction has few of them.
        sqlx::query_scalar!(r#"SELECT now() - interval '5 minutes' AS "horizon!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(failed("seen horizon"))
    }

    fn record_stubs(
        &self,
        connection: ConnectionId,
        table: &str,
    ) -> BoxStream<'_, Result<RecordStub, LedgerError>> {
        let table = table.to_owned();
        // From after this id; none once the last was read.
        let read = move |after: Option<String>| {
            let table = table.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                let stubs = persistently(|| self.stubs(connection, &table, &after)).await?;
                let next = stubs.last().map(|stub| stub.id.clone());
                let next = next.filter(|_| number(stubs.len()) == STUBS);
                let stubs = futures::stream::iter(stubs.into_iter().map(Ok));
                Ok::<_, LedgerError>(Some((stubs, next)))
            }
        };
        futures::stream::try_unfold(Some(String::new()), read)
            .try_flatten()
            .boxed()
    }

    async fn entity_totals(&self) -> Result<Vec<EntityTotals>, LedgerError> {
        struct TotalsRow {
            connection_id: Uuid,
            entity: String,
            live: Count<u64>,
            deleted: Count<u64>,
            last_ingested_at: Option<DateTime<Utc>>,
        }
        let totals = || async {
            sqlx::query_as!(
                TotalsRow,
                r#"
                SELECT connection_id, entity, count(*) - count(deleted_at_utc) AS "live!: _",
                    count(deleted_at_utc) AS "deleted!: _", max(ingested_at_utc) AS last_ingested_at
                FROM raw.records GROUP BY connection_id, entity ORDER BY connection_id, entity"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("entity totals"))
        };
        let told = |row: TotalsRow| EntityTotals {
            connection: ConnectionId(row.connection_id),
            table: row.entity,
            live: row.live.0,
            deleted: row.deleted.0,
            last_ingested_at: row.last_ingested_at,
        };
        Ok(persistently(totals).await?.into_iter().map(told).collect())
    }
}

impl PostgresLedger {
    async fn page_rows(&self, page: &RecordPage) -> Result<Vec<RecordRow>, LedgerError> {
        sqlx::query_as!(
            RecordRow,
            r#"
            SELECT id, source_version, source_updated_at, document_date, observed_at_utc, ingested_at_utc,
                last_seen_utc, deleted_at_utc, payload_hash, payload::text AS "payload!", original
            FROM raw.records
            WHERE connection_id = $1 AND entity = $2 AND id > $3
              AND ($4::date IS NULL OR document_date >= $4) AND ($5::date IS NULL OR document_date <= $5)
              AND ($6::timestamptz IS NULL OR ingested_at_utc >= $6 OR deleted_at_utc >= $6)
              AND ($7::boolean IS NULL OR (deleted_at_utc IS NOT NULL) = $7)
            ORDER BY id LIMIT $8"#,
            page.connection.0,
            &page.table,
            &page.after,
            page.from,
            page.to,
            page.updated_since,
            page.deleted,
            number(page.limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed("record page"))
    }

    /// One statement for each kind of filter, because an index serves no condition that may be absent.
    async fn record_rows(&self, filter: &RecordFilter) -> Result<Vec<RecordRow>, LedgerError> {
        let (from, to) = (filter.from, filter.to);
        let rows = match (&filter.id, from, to) {
            (Some(id), ..) => {
                let by_id = records_where!(
                    filter,
                    "id = $4 AND ($5::date IS NULL OR document_date >= $5)
                     AND ($6::date IS NULL OR document_date <= $6)",
                    id,
                    from,
                    to
                );
                by_id.fetch_all(&self.pool).await
            }
            (None, None, None) => records_where!(filter, "true",).fetch_all(&self.pool).await,
            (None, ..) => {
                let by_date = records_where!(
                    filter,
                    "document_date BETWEEN coalesce($4::date, '-infinity') AND coalesce($5::date, 'infinity')",
                    from,
                    to
                );
                by_date.fetch_all(&self.pool).await
            }
        };
        rows.map_err(failed("records"))
    }

    /// The next stubs by id.
    async fn stubs(
        &self,
        connection: ConnectionId,
        table: &str,
        after: &str,
    ) -> Result<Vec<RecordStub>, LedgerError> {
        struct StubRow {
            id: String,
            source_version: Option<i64>,
            payload_hash: Vec<u8>,
            deleted: bool,
        }
        let stubs = sqlx::query_as!(
            StubRow,
            r#"
            SELECT id, source_version, payload_hash, deleted_at_utc IS NOT NULL AS "deleted!"
            FROM raw.records WHERE connection_id = $1 AND entity = $2 AND id > $3 ORDER BY id LIMIT $4"#,
            connection.0,
            table,
            after,
            STUBS,
        );
        let stub = |row: StubRow| RecordStub {
            id: row.id,
            source_version: row.source_version,
            payload_hash: hexadecimal(&row.payload_hash),
            deleted: row.deleted,
        };
        let rows = stubs
            .fetch_all(&self.pool)
            .await
            .map_err(failed("record stubs"))?;
        Ok(rows.into_iter().map(stub).collect())
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
