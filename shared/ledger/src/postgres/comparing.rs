//! Comparing on Postgres.

use async_trait::async_trait;
use chrono::NaiveDate;
use ledgerfleet_model::{ConnectionId, SegmentId, Window};

use super::PostgresLedger;
use super::codec::{Count, number, plain, small};
use super::error::{failed, persistently};
use crate::LedgerError;
use crate::comparing::{Comparing, DayCount, NotSeen, RecordSummary, Seen, Slice, Which};

struct SummaryRow {
    id: String,
    payload_hash: Vec<u8>,
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
            SELECT id, payload_hash, document_date, payload ->> $3 AS total, deleted_at_utc IS NOT NULL AS "deleted!"
            FROM raw.records
            WHERE connection_id = $1 AND entity = $2 AND "# + $condition,
            $slice.connection.0,
            $slice.table,
            $total,
            $($argument),*
        )
    };
}

/// Ids of live records on two conditions: where they lie, and that they were not seen.
macro_rules! not_seen_where {
    ($query:ident, $limit:ident, $condition:literal, $($argument:expr),*) => {
        sqlx::query_scalar!(
            r#"
            SELECT r.id FROM raw.records r
            WHERE r.connection_id = $1 AND r.entity = $2 AND r.deleted_at_utc IS NULL AND r.observed_at_utc < $3
              AND "# + $condition + " LIMIT $4",
            $query.connection.0,
            $query.table,
            $query.since,
            number($limit),
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
        let rows = persistently(|| self.summary_rows(slice, total)).await?;
        rows.into_iter().map(RecordSummary::try_from).collect()
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
            live: Count<u64>,
        }
        let counts = || async {
            sqlx::query_as!(
                DayRow,
                r#"
                SELECT document_date AS "day!", count(*) AS "live!: _" FROM raw.records
                WHERE connection_id = $1 AND entity = $2 AND document_date BETWEEN $3 AND $4
                  AND deleted_at_utc IS NULL
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
            live: row.live.0,
        };
        Ok(persistently(counts).await?.into_iter().map(told).collect())
    }

    async fn not_seen(&self, query: &NotSeen<'_>, limit: u32) -> Result<Vec<String>, LedgerError> {
        persistently(|| self.not_seen_ids(query, limit)).await
    }

    async fn seen_again(&self, segment: SegmentId, pass: u32, ids: &[&str]) -> Result<u64, LedgerError> {
        let ids: Vec<String> = ids.iter().map(|id| plain(id).into_owned()).collect();
        let seen = || async {
            sqlx::query_scalar!(
                r#"
                SELECT count(*) AS "seen!: Count<u64>" FROM fleet.seen
                WHERE segment_id = $1 AND pass = $2 AND id = ANY($3)"#,
                segment.0,
                small(pass),
                &ids,
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("seen again"))
        };
        Ok(persistently(seen).await?.0)
    }
}

impl PostgresLedger {
    async fn summary_rows(
        &self,
        slice: &Slice<'_>,
        total: Option<&str>,
    ) -> Result<Vec<SummaryRow>, LedgerError> {
        let rows = match slice.which {
            Which::All => {
                summaries_where!(slice, total, "true",)
                    .fetch_all(&self.pool)
                    .await
            }
            Which::Days { from, to } => {
                summaries_where!(slice, total, "document_date BETWEEN $4 AND $5", from, to)
                    .fetch_all(&self.pool)
                    .await
            }
            Which::Ids(ids) => {
                summaries_where!(slice, total, "id = ANY($4)", ids)
                    .fetch_all(&self.pool)
                    .await
            }
        };
        rows.map_err(failed("record summaries"))
    }

    /// One statement for each kind of question, because an index serves no condition that may be absent.
    async fn not_seen_ids(&self, query: &NotSeen<'_>, limit: u32) -> Result<Vec<String>, LedgerError> {
        let ids = match (query.window, query.seen) {
            (Window::Dates { days }, Seen::Ids(seen)) => {
                not_seen_where!(
                    query,
                    limit,
                    "r.document_date >= $5 AND r.document_date < $6 AND r.id <> ALL($7)",
                    days.from,
                    days.to,
                    seen as &[&str]
                )
                .fetch_all(&self.pool)
                .await
            }
            (Window::Dates { days }, Seen::Pass { segment, pass }) => {
                not_seen_where!(
                    query,
                    limit,
                    "r.document_date >= $5 AND r.document_date < $6
                     AND NOT EXISTS (SELECT FROM fleet.seen s WHERE s.segment_id = $7 AND s.pass = $8 AND s.id = r.id)",
                    days.from,
                    days.to,
                    segment.0,
                    small(pass)
                )
                .fetch_all(&self.pool)
                .await
            }
            (Window::Whole, Seen::Ids(seen)) => {
                not_seen_where!(query, limit, "r.id <> ALL($5)", seen as &[&str])
                    .fetch_all(&self.pool)
                    .await
            }
            (Window::Whole, Seen::Pass { segment, pass }) => {
                not_seen_where!(
                    query,
                    limit,
                    "NOT EXISTS (SELECT FROM fleet.seen s WHERE s.segment_id = $5 AND s.pass = $6 AND s.id = r.id)",
                    segment.0,
                    small(pass)
                )
                .fetch_all(&self.pool)
                .await
            }
            (Window::Instants { .. }, _) => return Ok(Vec::new()),
        };
        ids.map_err(failed("not seen"))
    }
}
