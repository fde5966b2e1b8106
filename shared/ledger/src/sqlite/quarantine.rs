//! The quarantine on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::{ConnectionId, QuarantineReason, SegmentId};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_list, number};
use super::error::failed;
use crate::clocks::PLAUSIBLE;
use crate::pages::Part;
use crate::quarantine::each_once;
use crate::{LedgerError, Quarantine, QuarantineFilter, QuarantinedRecord};

#[async_trait]
impl Quarantine for SqliteLedger {
    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<QuarantinedRecord>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct Row {
            id: String,
            reason: Text<QuarantineReason>,
            observed_at: Stamp,
            deleted_at: Option<Stamp>,
            segment_id: Text<SegmentId>,
            length: u64,
            kept: u64,
            original: Option<Vec<u8>>,
        }
        const LISTED: &str = "
            SELECT id, reason, observed_at, deleted_at, segment_id, length, length(original) AS kept,
                   CASE WHEN ?3 IS NOT NULL THEN original END AS original
            FROM fleet_quarantine
            WHERE connection_id = ?1 AND entity = ?2 AND (id = ?3 OR ?3 IS NULL AND deleted_at IS NULL)
            ORDER BY id LIMIT ?4";
        let rows: Vec<Row> = sqlx::query_as(LISTED)
            .bind(Text(filter.connection))
            .bind(&filter.entity)
            .bind(&filter.id)
            .bind(filter.limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("quarantined"))?;
        let told = |row: Row| QuarantinedRecord {
            id: row.id,
            reason: row.reason.0,
            observed_at: row.observed_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            segment_id: row.segment_id.0,
            length: row.length,
            kept: row.kept,
            original: row
                .original
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        };
        Ok(rows.into_iter().map(told).collect())
    }

    async fn in_quarantine(
        &self,
        connection: ConnectionId,
        entity: &str,
        ids: &[String],
    ) -> Result<Vec<String>, LedgerError> {
        const AMONG: &str = "
            SELECT id FROM fleet_quarantine
            WHERE connection_id = ? AND entity = ? AND deleted_at IS NULL
              AND id IN (SELECT value FROM json_each(?))";
        sqlx::query_scalar(AMONG)
            .bind(Text(connection))
            .bind(entity)
            .bind(json_list(ids))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("in quarantine"))
    }
}

/// Puts the records of a page away that cannot be stored, but for those of which a newer version is stored. What a clock
/// that was ahead has written counts for nothing (`guard::plausible`).
pub(super) async fn put_away(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &Part<'_>,
) -> Result<(), LedgerError> {
    const PUT_AWAY: &str = "
        INSERT INTO fleet_quarantine (connection_id, entity, id, segment_id, observed_at, reason, length, original)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
        WHERE NOT EXISTS (
            SELECT 1 FROM raw_records
            WHERE connection_id = ?1 AND entity = ?9 AND id = ?3 AND deleted_at_utc IS NULL
              AND (observed_at_utc > ?5 AND observed_at_utc <= ?10 OR last_seen_utc > ?5 AND last_seen_utc <= ?10))
        ON CONFLICT (connection_id, entity, id) DO UPDATE SET
            segment_id = excluded.segment_id, observed_at = excluded.observed_at, reason = excluded.reason,
            length = excluded.length, original = excluded.original, deleted_at = NULL
        WHERE excluded.observed_at >= observed_at OR observed_at > ?10";
    let plausible = Stamp::from(now.0 + PLAUSIBLE);
    for row in each_once(page.quarantined) {
        let put_away = sqlx::query(PUT_AWAY)
            .bind(Text(page.connection))
            .bind(page.entity)
            .bind(&row.id)
            .bind(Text(page.segment))
            .bind(Stamp::from(page.observed_at))
            .bind(Text(row.reason))
            .bind(number(row.length))
            .bind(&*row.original)
            .bind(page.table)
            .bind(plausible);
        put_away.execute(&mut *tx).await.map_err(failed("put away"))?;
    }
    Ok(())
}

/// Releases the records of a page that are good now; those that are gone are listed no more.
pub(super) async fn release(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &Part<'_>,
) -> Result<(), LedgerError> {
    const RELEASE: &str = "
        DELETE FROM fleet_quarantine
        WHERE connection_id = ?1 AND entity = ?2 AND (observed_at < ?3 OR observed_at > ?5)
          AND id IN (SELECT value FROM json_each(?4))";
    const RELEASE_GONE: &str = "
        UPDATE fleet_quarantine SET deleted_at = ?3
        WHERE connection_id = ?1 AND entity = ?2 AND (observed_at < ?3 OR observed_at > ?5) AND deleted_at IS NULL
          AND id IN (SELECT value FROM json_each(?4))";
    let plausible = Stamp::from(now.0 + PLAUSIBLE);
    let alive = page.records.iter().filter(|record| !record.deleted);
    let release = sqlx::query(RELEASE)
        .bind(Text(page.connection))
        .bind(page.entity)
        .bind(Stamp::from(page.observed_at))
        .bind(json_list(alive.map(|record| &record.id)))
        .bind(plausible);
    release.execute(&mut *tx).await.map_err(failed("release"))?;
    let gone = page.records.iter().filter(|record| record.deleted);
    let release_gone = sqlx::query(RELEASE_GONE)
        .bind(Text(page.connection))
        .bind(page.entity)
        .bind(Stamp::from(page.observed_at))
        .bind(json_list(gone.map(|record| &record.id)))
        .bind(plausible);
    release_gone.execute(tx).await.map_err(failed("release gone"))?;
    Ok(())
}
