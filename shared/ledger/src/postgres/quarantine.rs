//! The quarantine on Postgres. Records are released by the statement that stores a page's records, in `upsert`.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use ledgerfleet_model::{ConnectionId, QuarantineReason, Quarantined, Record, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, number, plain, storable};
use super::error::{failed, persistently, refuses_data};
use super::pool::Pool;
use crate::pages::Part;
use crate::quarantine::each_once;
use crate::{LedgerError, Quarantine, QuarantineFilter, QuarantinedRecord};

#[async_trait]
impl Quarantine for PostgresLedger {
    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<QuarantinedRecord>, LedgerError> {
        struct Row {
            id: String,
            reason: Word<QuarantineReason>,
            observed_at: DateTime<Utc>,
            deleted_at: Option<DateTime<Utc>>,
            segment_id: Uuid,
            length: Count<u64>,
            kept: Count<u64>,
            original: Option<Vec<u8>>,
        }
        let listed = || async {
            sqlx::query_as!(
                Row,
                r#"
                SELECT id, reason AS "reason: _", observed_at, deleted_at, segment_id, length AS "length: _",
                    octet_length(original) AS "kept!: _", CASE WHEN $3::text IS NOT NULL THEN original END AS original
                FROM fleet.quarantine
                WHERE connection_id = $1 AND entity = $2 AND (id = $3 OR $3 IS NULL AND deleted_at IS NULL)
                ORDER BY id LIMIT $4"#,
                filter.connection.0,
                &filter.entity,
                filter.id.as_deref(),
                number(filter.limit),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("quarantined"))
        };
        let told = |row: Row| QuarantinedRecord {
            id: row.id,
            reason: row.reason.0,
            observed_at: row.observed_at,
            deleted_at: row.deleted_at,
            segment_id: SegmentId(row.segment_id),
            length: row.length.0,
            kept: row.kept.0,
            original: row
                .original
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        };
        Ok(persistently(listed).await?.into_iter().map(told).collect())
    }

    async fn in_quarantine(
        &self,
        connection: ConnectionId,
        entity: &str,
        ids: &[String],
    ) -> Result<Vec<String>, LedgerError> {
        let among = || async {
            sqlx::query_scalar!(
                "
                SELECT id FROM fleet.quarantine
                WHERE connection_id = $1 AND entity = $2 AND id = ANY($3) AND deleted_at IS NULL",
                connection.0,
                entity,
                ids,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("in quarantine"))
        };
        persistently(among).await
    }
}

/// Puts the records of a page away that cannot be stored, but for those of which a newer version is stored.
pub(super) async fn put_away(tx: &mut PgConnection, page: &Part<'_>) -> Result<(), LedgerError> {
    if page.quarantined.is_empty() {
        return Ok(());
    }
    // A plan that serves every table of records would wait for a lock on any of them.
    sqlx::raw_sql("SET LOCAL plan_cache_mode = force_custom_plan")
        .execute(&mut *tx)
        .await
        .map_err(failed("put away"))?;
    let each = each_once(page.quarantined);
    let ids: Vec<String> = each.iter().map(|row| plain(&row.id).into_owned()).collect();
    let reasons: Vec<&str> = each.iter().map(|row| row.reason.as_str()).collect();
    let lengths: Vec<i64> = each.iter().map(|row| number(row.length)).collect();
    let originals: Vec<&[u8]> = each.iter().map(|row| &*row.original).collect();
    let put_away = sqlx::query!(
        r#"
        INSERT INTO fleet.quarantine AS q (connection_id, entity, id, segment_id, observed_at, reason, length, original)
        SELECT $1, $2, given.id, $3, $4, given.reason, given.length, given.original
        FROM unnest($6::text[], $7::text[], $8::bigint[], $9::bytea[]) AS given (id, reason, length, original)
        WHERE NOT EXISTS (
            SELECT FROM raw.records r
            WHERE r.connection_id = $1 AND r.entity = $5 AND r.id = given.id AND r.deleted_at_utc IS NULL
              -- What a clock that was ahead has written counts for nothing (`guard::plausible`).
              AND (r.observed_at_utc > $4 AND r.observed_at_utc <= now() + interval '5 minutes'
                   OR r.last_seen_utc > $4 AND r.last_seen_utc <= now() + interval '5 minutes'))
        ORDER BY given.id COLLATE "C"
        ON CONFLICT (connection_id, entity, id) DO UPDATE SET
            segment_id = excluded.segment_id, observed_at = excluded.observed_at, reason = excluded.reason,
            length = excluded.length, original = excluded.original, deleted_at = NULL
        WHERE excluded.observed_at >= q.observed_at OR q.observed_at > now() + interval '5 minutes'"#,
        page.connection.0,
        page.entity,
        page.segment.0,
        page.observed_at.trunc_subsecs(6),
        page.table,
        &ids,
        &reasons as &[&str],
        &lengths,
        &originals as &[&[u8]],
    );
    put_away.execute(tx).await.map_err(failed("put away"))?;
    Ok(())
}

/// What is left of a page once the records are put away that the server refuses for a reason that only it knows.
#[derive(Debug)]
pub(super) struct Sifted {
    pub(super) records: Vec<Record>,
    pub(super) quarantined: Vec<Quarantined>,
    /// How many of those quarantined it refuses.
    pub(super) refused: usize,
}

/// Asks the server for each record of a batch whether it takes its text. A page that it takes is
/// never asked about: this is for one that it has refused.
pub(super) async fn sift(pool: &Pool, page: &Part<'_>) -> Result<Sifted, LedgerError> {
    let mut sifted = Sifted {
        records: Vec::with_capacity(page.records.len()),
        quarantined: page.quarantined.to_vec(),
        refused: 0,
    };
    // Halves, until what is refused is one record: few are, of many.
    let mut parts = vec![page.records];
    while let Some(part) = parts.pop() {
        match (takes(pool, part).await?, part) {
            (true, part) => sifted.records.extend_from_slice(part),
            (false, [record]) => {
                let text = record.original.as_deref().map(String::from_utf8_lossy);
                let text = text.as_deref().unwrap_or(&record.payload);
                let refused = Quarantined::new(record.id.clone(), QuarantineReason::Refused, text)
                    .dated(record.document_date, record.source_updated_at);
                sifted.quarantined.push(refused);
                sifted.refused += 1;
            }
            (false, part) => {
                let (one, other) = part.split_at(part.len() / 2);
                parts.extend([one, other]);
            }
        }
    }
    Ok(sifted)
}

async fn takes(pool: &Pool, records: &[Record]) -> Result<bool, LedgerError> {
    let payloads: Vec<String> = records
        .iter()
        .map(|record| storable(&record.payload).into_owned())
        .collect();
    let read = sqlx::query_scalar!(
        r#"SELECT count(payload::jsonb) AS "count!" FROM unnest($1::text[]) AS given (payload)"#,
        &payloads
    );
    match read.fetch_one(pool).await.map_err(failed("sift")) {
        Ok(_) => Ok(true),
        Err(error) if refuses_data(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
