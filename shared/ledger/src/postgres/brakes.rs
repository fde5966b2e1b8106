//! Brakes on Postgres. Few rows, touched only while something fails.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row};

use super::PostgresLedger;
use super::codec::{interval, plain, small};
use super::error::{failed, persistently};
use crate::brakes::BrakeRow;
use crate::{Brake, BrakeScope, Brakes, LedgerError, Setback};

#[async_trait]
impl Brakes for PostgresLedger {
    async fn note_trouble(&self, trouble: &Setback<'_>) -> Result<Brake, LedgerError> {
        persistently(|| self.note_once(trouble)).await
    }

    async fn may_probe(&self, scopes: &[BrakeScope], pause: Duration) -> Result<Option<Brake>, LedgerError> {
        persistently(|| self.probe_once(scopes, pause)).await
    }

    async fn release(&self, scopes: &[BrakeScope]) -> Result<u64, LedgerError> {
        let keys = keys(scopes);
        let release = async || {
            let release = sqlx::query("DELETE FROM fleet.brakes WHERE scope = ANY($1)").bind(&keys);
            let released = release.execute(&self.pool).await;
            released.map_err(failed("release brakes"))
        };
        Ok(persistently(release).await?.rows_affected())
    }

    async fn brakes(&self) -> Result<Vec<Brake>, LedgerError> {
        const ALL: &str = "SELECT *, now() AS now FROM fleet.brakes ORDER BY scope";
        let all = async || {
            let all = sqlx::query(ALL).fetch_all(&self.pool).await;
            all.map_err(failed("brakes"))
        };
        let mut brakes = Vec::new();
        for row in persistently(all).await? {
            let now = row.try_get("now").map_err(failed("brakes"))?;
            let brake = read(&row).map_err(failed("brakes"))?;
            if !brake.is_stale(now) {
                brakes.push(brake.told(now)?);
            }
        }
        Ok(brakes)
    }
}

impl PostgresLedger {
    async fn note_once(&self, trouble: &Setback<'_>) -> Result<Brake, LedgerError> {
        const PLACE: &str = "
            INSERT INTO fleet.brakes (scope, since, last_at, failures, witnesses, reason, message)
            VALUES ($1, now(), now(), 0, '[]', $2, '') ON CONFLICT DO NOTHING";
        const NOTE: &str = "
            UPDATE fleet.brakes
            SET since = $2, last_at = $3, failures = $4, witnesses = $5, next_probe_at = $6, reason = $7, message = $8
            WHERE scope = $1";
        let key = trouble.scope.key();
        let mut tx = self.begin("note trouble").await?;
        let place = sqlx::query(PLACE).bind(&key).bind(trouble.reason.as_str());
        place.execute(&mut *tx).await.map_err(failed("note trouble"))?;
        let (rows, now) = lock(&mut tx, std::slice::from_ref(&key)).await?;
        let after = BrakeRow::after(rows.into_iter().next(), trouble, now);
        let note = sqlx::query(NOTE)
            .bind(&key)
            .bind(after.since)
            .bind(after.last_at)
            .bind(small(after.failures))
            .bind(&after.witnesses)
            .bind(after.next_probe_at)
            .bind(&after.reason)
            .bind(plain(&after.message));
        note.execute(&mut *tx).await.map_err(failed("note trouble"))?;
        tx.commit().await.map_err(failed("note trouble"))?;
        after.told(now)
    }

    async fn probe_once(&self, scopes: &[BrakeScope], pause: Duration) -> Result<Option<Brake>, LedgerError> {
        const BOOK: &str = "
            UPDATE fleet.brakes SET next_probe_at = now() + $2
            WHERE scope = ANY($1) AND next_probe_at IS NOT NULL";
        let keys = keys(scopes);
        let mut tx = self.begin("probe").await?;
        let (rows, now) = lock(&mut tx, &keys).await?;
        let closed = rows.into_iter().filter(|row| row.is_in_the_way(now));
        if let Some(row) = closed.max_by_key(|row| row.next_probe_at) {
            return row.told(now).map(Some);
        }
        let book = sqlx::query(BOOK).bind(&keys).bind(interval(pause));
        book.execute(&mut *tx).await.map_err(failed("probe"))?;
        tx.commit().await.map_err(failed("probe"))?;
        Ok(None)
    }
}

/// Reads brakes and keeps them as they are until the end of the transaction; answers the time, too.
async fn lock(tx: &mut PgConnection, keys: &[String]) -> Result<(Vec<BrakeRow>, DateTime<Utc>), LedgerError> {
    const LOCK: &str = "SELECT * FROM fleet.brakes WHERE scope = ANY($1) ORDER BY scope FOR UPDATE";
    let rows = sqlx::query(LOCK).bind(keys).fetch_all(&mut *tx).await;
    let rows = rows.map_err(failed("lock brakes"))?;
    let now = sqlx::query_scalar("SELECT now()").fetch_one(tx).await;
    let rows: sqlx::Result<Vec<BrakeRow>> = rows.iter().map(read).collect();
    Ok((
        rows.map_err(failed("lock brakes"))?,
        now.map_err(failed("lock brakes"))?,
    ))
}

fn read(row: &sqlx::postgres::PgRow) -> sqlx::Result<BrakeRow> {
    let failures: i32 = row.try_get("failures")?;
    Ok(BrakeRow {
        scope: row.try_get("scope")?,
        since: row.try_get("since")?,
        last_at: row.try_get("last_at")?,
        failures: u32::try_from(failures).unwrap_or(0),
        witnesses: row.try_get("witnesses")?,
        next_probe_at: row.try_get("next_probe_at")?,
        reason: row.try_get("reason")?,
        message: row.try_get("message")?,
    })
}

fn keys(scopes: &[BrakeScope]) -> Vec<String> {
    scopes.iter().map(BrakeScope::key).collect()
}
