//! Comparing on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use ledgerfleet_model::{ConnectionId, SegmentId, Window};

use super::PostgresLedger;
use super::codec::{Count, number, plain, small};
use super::error::{failed, persistently};
use super::session::PLANNED_FOR_ONE_TABLE;
use crate::LedgerError;
use crate::comparing::{Comparing, DayCount, NotSeen, RecordSummary, Seen, Slice, Which};

struct SummaryRow {
    id: String,
    payload_hash: Vec<u8>,
    source_version: Option<i64>,
    source_updated_at: Option<DateTime<Utc>>,
    document_date: Option<NaiveDate>,
    total: Option<String>,
    deleted: bool,
}

impl TryFrom<SummaryRow> for RecordSummary {
    type Error = LedgerError;

    fn try_from(row: SummaryRow) -> Result<Self, LedgerError> {
        let payload_hash = row
            .payload_hash
            .try_into()
            .map_err(|_| LedgerError::Corrupt(format!("the hash of record {} has not 32 bytes", row.id)))?;
        Ok(Self {
            id: row.id,
            payload_hash,
            source_version: row.source_version,
            source_updated_at: row.source_updated_at,
            document_date: row.document_date,
            total: row.total,
            deleted: row.deleted,
        })
    }
}

/// The summaries of a table's records on a condition.
macro_rules! summaries_where {
    ($slice:ident, $total:ident, $condition:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            SummaryRow,
            r#"
            SELECT id, payload_hash, source_version, source_updated_at, document_date, payload ->> $3 AS total,
                deleted_at_utc IS NOT NULL AS "deleted!"
            FROM raw.records
            WHERE connection_id = $1 AND entity = $2 AND "# + $condition,
            $slice.connection.0,
            $slice.table,
            $total,
            $($argument),*
        )
    };
}

/// A part of what was not seen.
#[derive(Clone, Copy)]
struct Part<'a> {
    query: &'a NotSeen<'a>,
    after: Option<&'a str>,
    limit: u32,
}

/// Ids of live records and of those in quarantine, on three conditions: where records lie, which segments saw those in
/// quarantine, and that they (`r`) were not seen. OFFSET 0 has the records of some days found by their days and sorted
/// then: a plan that is wrong about their number would walk through all records of the company in the order of their ids.
/// A whole table is walked through so.
macro_rules! not_seen_where {
    ($part:ident, $stored:literal, $quarantined:literal, $unseen:literal, $fence:literal, $($argument:expr),*) => {
        sqlx::query_scalar!(
            r#"
            SELECT id AS "id!" FROM (
                (SELECT id FROM (
                    SELECT r.id FROM raw.records r
                    WHERE r.connection_id = $1 AND r.entity = $2 AND r.deleted_at_utc IS NULL
                      AND (r.observed_at_utc < $3 OR r.observed_at_utc > now() + interval '5 minutes')
                      AND ($5::text IS NULL OR r.id > $5)
                      AND "# + $stored + " AND " + $unseen + " " + $fence + ") AS stored
                ORDER BY id LIMIT $4)
                UNION
                (SELECT r.id FROM fleet.quarantine r LEFT JOIN fleet.segments q ON q.id = r.segment_id
                WHERE r.connection_id = $1 AND r.entity = $6 AND r.deleted_at IS NULL
                  AND (r.observed_at < $3 OR r.observed_at > now() + interval '5 minutes')
                  AND ($5 IS NULL OR r.id > $5)
                  AND " + $quarantined + " AND " + $unseen + "
                ORDER BY r.id LIMIT $4)) AS missed
            ORDER BY id LIMIT $4",
            $part.query.connection.0,
            $part.query.table,
            $part.query.since,
            number($part.limit),
            $part.after,
            $part.query.entity,
            $($argument),*
        )
    };
}

#[async_trait]
impl Comparing for PostgresLedger {
    async fn summaries(
        &self,
        slice: &Slice<'_>,
        total: Option<&str>,
    ) -> Result<Vec<RecordSummary>, LedgerError> {
        persistently(|| self.summaries_of(slice, total)).await
    }

    async fn distrust(
        &self,
        connection: ConnectionId,
        table: &str,
        ids: &[String],
    ) -> Result<u64, LedgerError> {
        let distrust = || async {
            sqlx::query!(
                r#"
                WITH spoilt AS (
                    SELECT id FROM raw.records
                    WHERE connection_id = $1 AND entity = $2 AND id = ANY($3) AND deleted_at_utc IS NULL
                    -- One order of locking for everybody who writes.
                    ORDER BY id COLLATE "C" FOR UPDATE)
                UPDATE raw.records r SET payload_hash = decode(repeat('00', 32), 'hex')
                FROM spoilt
                WHERE r.connection_id = $1 AND r.entity = $2 AND r.id = spoilt.id"#,
                connection.0,
                table,
                ids,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("distrust"))
        };
        Ok(persistently(distrust).await?.rows_affected())
    }

    async fn record_count(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError> {
        let count = || async {
            sqlx::query_scalar!(
                r#"
                SELECT count(*) AS "count!: Count<u64>" FROM raw.records
                WHERE connection_id = $1 AND entity = $2"#,
                connection.0,
                table,
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("record count"))
        };
        Ok(persistently(count).await?.0)
    }

    async fn day_counts(
        &self,
        connection: ConnectionId,
        table: &str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<DayCount>, LedgerError> {
        struct DayRow {
            day: NaiveDate,
            records: Count<u64>,
        }
        let counts = || async {
            sqlx::query_as!(
                DayRow,
                r#"
                SELECT document_date AS "day!", count(*) AS "records!: _" FROM raw.records
                WHERE connection_id = $1 AND entity = $2 AND document_date BETWEEN $3 AND $4
                GROUP BY document_date ORDER BY document_date"#,
                connection.0,
                table,
                from,
                to,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("day counts"))
        };
        let told = |row: DayRow| DayCount {
            day: row.day,
            records: row.records.0,
        };
        Ok(persistently(counts).await?.into_iter().map(told).collect())
    }

    async fn not_seen(
        &self,
        query: &NotSeen<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, LedgerError> {
        let part = Part { query, after, limit };
        let _turn = self.turns.take(query.table).await?;
        persistently(|| self.not_seen_ids(part)).await
    }

    /// Each id is looked up until one is new, which mostly is the first or the second: OFFSET 0 keeps it from becoming a
    /// join that reads all that were seen.
    async fn brings_new(&self, segment: SegmentId, pass: u32, ids: &[&str]) -> Result<bool, LedgerError> {
        let ids: Vec<String> = ids.iter().map(|id| plain(id).into_owned()).collect();
        let brings = || async {
            sqlx::query_scalar!(
                r#"
                SELECT EXISTS (
                    SELECT FROM unnest($3::text[]) AS given (id)
                    WHERE NOT EXISTS (
                        SELECT FROM fleet.seen
                        WHERE segment_id = $1 AND pass = $2 AND seen.id = given.id
                        OFFSET 0)) AS "brings!""#,
                segment.0,
                small(pass),
                &ids,
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("brings new"))
        };
        persistently(brings).await
    }
}

impl PostgresLedger {
    async fn summaries_of(
        &self,
        slice: &Slice<'_>,
        total: Option<&str>,
    ) -> Result<Vec<RecordSummary>, LedgerError> {
        let mut rows = match slice.which {
            Which::All => summaries_where!(slice, total, "true",).fetch(&self.pool),
            Which::Days { from, to } => {
                summaries_where!(slice, total, "document_date BETWEEN $4 AND $5", from, to).fetch(&self.pool)
            }
            Which::Ids(ids) => summaries_where!(slice, total, "id = ANY($4)", ids).fetch(&self.pool),
        };
        let mut summaries = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(failed("record summaries"))? {
            if slice.share.has(&row.id) {
                summaries.push(row.try_into()?);
            }
        }
        Ok(summaries)
    }

    /// One statement for each kind of question, because an index serves no condition that may be absent.
    async fn not_seen_ids(&self, part: Part<'_>) -> Result<Vec<String>, LedgerError> {
        let mut tx = self
            .pool
            .begin_with(PLANNED_FOR_ONE_TABLE)
            .await
            .map_err(failed("not seen"))?;
        let ids = match (part.query.window, part.query.seen) {
            (Window::Dates { days }, Seen::Ids(seen)) => {
                not_seen_where!(
                    part,
                    "r.document_date >= $7 AND r.document_date < $8",
                    "q.day_from >= $7 AND q.day_to <= $8",
                    "r.id NOT IN (SELECT unnest($9::text[]))",
                    "OFFSET 0",
                    days.from,
                    days.to,
                    seen as &[&str]
                )
                .fetch_all(&mut *tx)
                .await
            }
            (Window::Dates { days }, Seen::Pass { segment, pass }) => {
                not_seen_where!(
                    part,
                    "r.document_date >= $7 AND r.document_date < $8",
                    "q.day_from >= $7 AND q.day_to <= $8",
                    "NOT EXISTS (SELECT FROM fleet.seen s WHERE s.segment_id = $9 AND s.pass = $10 AND s.id = r.id)",
                    "OFFSET 0",
                    days.from,
                    days.to,
                    segment.0,
                    small(pass)
                )
                .fetch_all(&mut *tx)
                .await
            }
            (Window::Whole, Seen::Ids(seen)) => {
                not_seen_where!(part, "true", "true", "r.id NOT IN (SELECT unnest($7::text[]))", "", seen as &[&str])
                    .fetch_all(&mut *tx)
                    .await
            }
            (Window::Whole, Seen::Pass { segment, pass }) => {
                not_seen_where!(
                    part,
                    "true",
                    "true",
                    "NOT EXISTS (SELECT FROM fleet.seen s WHERE s.segment_id = $7 AND s.pass = $8 AND s.id = r.id)",
                    "",
                    segment.0,
                    small(pass)
                )
                .fetch_all(&mut *tx)
                .await
            }
            (Window::Instants { .. }, _) => return Ok(Vec::new()),
        };
        ids.map_err(failed("not seen"))
    }
}
