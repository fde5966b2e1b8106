//! Comparing on SQLite.

use async_trait::async_trait;
use chrono::NaiveDate;
use futures::TryStreamExt;
use ledgerfleet_model::{ConnectionId, SegmentId, Window};

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_list};
use super::error::failed;
use crate::LedgerError;
use crate::clocks::PLAUSIBLE;
use crate::comparing::{Comparing, DayCount, NotSeen, RecordSummary, Seen, Slice, Which};

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: String,
    payload_hash: Vec<u8>,
    source_version: Option<i64>,
    source_updated_at: Option<Stamp>,
    document_date: Option<Text<NaiveDate>>,
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
            source_updated_at: row.source_updated_at.map(|at| at.0),
            document_date: row.document_date.map(|day| day.0),
            total: row.total,
            deleted: row.deleted,
        })
    }
}

/// The summaries of a table's records on a condition. `->` tells a number as it stands in the text; `->>` would make
/// it a float, and is for what stands there as a text.
macro_rules! summaries_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, payload_hash, source_version, source_updated_at, document_date,
                    deleted_at_utc IS NOT NULL AS deleted,
                    CASE json_type(payload -> ?3)
                        WHEN 'text' THEN payload ->> ?3
                        WHEN 'null' THEN NULL
                        ELSE payload -> ?3
                    END AS total
             FROM raw_records WHERE connection_id = ?1 AND entity = ?2 AND ",
            $condition
        )
    };
}

/// Ids of live records and of those in quarantine, on three conditions: where records lie, which segments saw those in
/// quarantine (they may be forgotten by now), and that they were not seen.
macro_rules! not_seen_where {
    ($stored:literal, $quarantined:literal, $unseen:literal) => {
        concat!(
            "SELECT id FROM raw_records
             WHERE connection_id = ?1 AND entity = ?2 AND deleted_at_utc IS NULL AND (observed_at_utc < ?3 OR observed_at_utc > ?7)
               AND (?5 IS NULL OR id > ?5) AND ",
            $stored,
            " AND id NOT IN ",
            $unseen,
            " UNION
             SELECT r.id FROM fleet_quarantine r LEFT JOIN fleet_segments q ON q.id = r.segment_id
             WHERE r.connection_id = ?1 AND r.entity = ?6 AND r.deleted_at IS NULL AND (r.observed_at < ?3 OR r.observed_at > ?7)
               AND (?5 IS NULL OR r.id > ?5) AND ",
            $quarantined,
            " AND r.id NOT IN ",
            $unseen,
            " ORDER BY id LIMIT ?4"
        )
    };
}

#[async_trait]
impl Comparing for SqliteLedger {
    async fn summaries(
        &self,
        slice: &Slice<'_>,
        total: Option<&str>,
    ) -> Result<Vec<RecordSummary>, LedgerError> {
        const ALL: &str = summaries_where!("true");
        const DAYS: &str = summaries_where!("document_date BETWEEN ?4 AND ?5");
        const IDS: &str = summaries_where!("id IN (SELECT value FROM json_each(?4))");
        let statement = match slice.which {
            Which::All => ALL,
            Which::Days { .. } => DAYS,
            Which::Ids(_) => IDS,
        };
        let of_table = sqlx::query_as(statement)
            .bind(Text(slice.connection))
            .bind(slice.table)
            .bind(total);
        let asked = match slice.which {
            Which::All => of_table,
            Which::Days { from, to } => of_table.bind(Text(from)).bind(Text(to)),
            Which::Ids(ids) => of_table.bind(json_list(ids)),
        };
        let mut rows = asked.fetch(&self.readers);
        let mut summaries = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(failed("record summaries"))? {
            let row: SummaryRow = row;
            if slice.share.has(&row.id) {
                summaries.push(row.try_into()?);
            }
        }
        Ok(summaries)
    }

    async fn distrust(
        &self,
        connection: ConnectionId,
        table: &str,
        ids: &[String],
    ) -> Result<u64, LedgerError> {
        const DISTRUST: &str = "
            UPDATE raw_records SET payload_hash = zeroblob(32)
            WHERE connection_id = ? AND entity = ? AND id IN (SELECT value FROM json_each(?))
              AND deleted_at_utc IS NULL";
        let mut tx = self.write("distrust").await?;
        let distrusted = sqlx::query(DISTRUST)
            .bind(Text(connection))
            .bind(table)
            .bind(json_list(ids))
            .execute(&mut *tx)
            .await
            .map_err(failed("distrust"))?;
        tx.commit().await.map_err(failed("distrust"))?;
        Ok(distrusted.rows_affected())
    }

    async fn record_count(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError> {
        const COUNT: &str = "SELECT count(*) FROM raw_records WHERE connection_id = ? AND entity = ?";
        sqlx::query_scalar(COUNT)
            .bind(Text(connection))
            .bind(table)
            .fetch_one(&self.readers)
            .await
            .map_err(failed("record count"))
    }

    async fn day_counts(
        &self,
        connection: ConnectionId,
        table: &str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<DayCount>, LedgerError> {
        const COUNTS: &str = "
            SELECT document_date, count(*) FROM raw_records
            WHERE connection_id = ? AND entity = ? AND document_date BETWEEN ? AND ?
            GROUP BY document_date ORDER BY document_date";
        let rows: Vec<(Text<NaiveDate>, u64)> = sqlx::query_as(COUNTS)
            .bind(Text(connection))
            .bind(table)
            .bind(Text(from))
            .bind(Text(to))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("day counts"))?;
        let told = |(day, records): (Text<NaiveDate>, u64)| DayCount { day: day.0, records };
        Ok(rows.into_iter().map(told).collect())
    }

    async fn not_seen(
        &self,
        query: &NotSeen<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, LedgerError> {
        const DAYS_IDS: &str = not_seen_where!(
            "document_date >= ?8 AND document_date < ?9",
            "q.day_from >= ?8 AND q.day_to <= ?9",
            "(SELECT value FROM json_each(?10))"
        );
        const DAYS_PASS: &str = not_seen_where!(
            "document_date >= ?8 AND document_date < ?9",
            "q.day_from >= ?8 AND q.day_to <= ?9",
            "(SELECT id FROM fleet_seen WHERE segment_id = ?10 AND pass = ?11)"
        );
        const ALL_IDS: &str = not_seen_where!("true", "true", "(SELECT value FROM json_each(?8))");
        const ALL_PASS: &str = not_seen_where!(
            "true",
            "true",
            "(SELECT id FROM fleet_seen WHERE segment_id = ?8 AND pass = ?9)"
        );
        let (statement, days) = match (query.window, query.seen) {
            (Window::Dates { days }, Seen::Ids(_)) => (DAYS_IDS, Some(days)),
            (Window::Dates { days }, Seen::Pass { .. }) => (DAYS_PASS, Some(days)),
            (Window::Whole, Seen::Ids(_)) => (ALL_IDS, None),
            (Window::Whole, Seen::Pass { .. }) => (ALL_PASS, None),
            (Window::Instants { .. }, _) => return Ok(Vec::new()),
        };
        let mut asked = sqlx::query_scalar(statement)
            .bind(Text(query.connection))
            .bind(query.table)
            .bind(Stamp::from(query.since))
            .bind(limit)
            .bind(after)
            .bind(query.entity)
            .bind(Stamp::from(self.now().0 + PLAUSIBLE));
        if let Some(days) = days {
            asked = asked.bind(Text(days.from)).bind(Text(days.to));
        }
        let asked = match query.seen {
            Seen::Ids(ids) => asked.bind(json_list(ids)),
            Seen::Pass { segment, pass } => asked.bind(Text(segment)).bind(pass),
        };
        asked.fetch_all(&self.readers).await.map_err(failed("not seen"))
    }

    async fn brings_new(&self, segment: SegmentId, pass: u32, ids: &[&str]) -> Result<bool, LedgerError> {
        const BRINGS: &str = "
            SELECT EXISTS (
                SELECT 1 FROM json_each(?3) AS given
                WHERE NOT EXISTS (
                    SELECT 1 FROM fleet_seen WHERE segment_id = ?1 AND pass = ?2 AND id = given.value))";
        sqlx::query_scalar(BRINGS)
            .bind(Text(segment))
            .bind(pass)
            .bind(json_list(ids))
            .fetch_one(&self.readers)
            .await
            .map_err(failed("brings new"))
    }
}
