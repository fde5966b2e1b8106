//! Brakes on SQLite. Few rows, touched only while something fails.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, json_list};
use super::error::failed;
use crate::brakes::BrakeRow;
use crate::{Brake, BrakeScope, Brakes, LedgerError, Setback};

#[derive(sqlx::FromRow)]
struct Stored {
    scope: String,
    since: Stamp,
    last_at: Stamp,
    failures: u32,
    witnesses: String,
    next_probe_at: Option<Stamp>,
    reason: String,
    message: String,
}

impl From<Stored> for BrakeRow {
    fn from(row: Stored) -> Self {
        Self {
            scope: row.scope,
            since: row.since.0,
            last_at: row.last_at.0,
            failures: row.failures,
            witnesses: row.witnesses,
            next_probe_at: row.next_probe_at.map(|at| at.0),
            reason: row.reason,
            message: row.message,
        }
    }
}

#[async_trait]
impl Brakes for SqliteLedger {
    async fn note_trouble(&self, trouble: &Setback<'_>) -> Result<Brake, LedgerError> {
        const NOTE: &str = "
            INSERT OR REPLACE INTO fleet_brakes
                (scope, since, last_at, failures, witnesses, next_probe_at, reason, message)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        let mut tx = self.write("note trouble").await?;
        let now = self.now();
        let before = read(&mut tx, &[trouble.scope.key()]).await?.into_iter().next();
        let after = BrakeRow::after(before, trouble, now.0);
        let note = sqlx::query(NOTE)
            .bind(&after.scope)
            .bind(Stamp::from(after.since))
            .bind(Stamp::from(after.last_at))
            .bind(after.failures)
            .bind(&after.witnesses)
            .bind(after.next_probe_at.map(Stamp::from))
            .bind(&after.reason)
            .bind(&after.message);
        note.execute(&mut *tx).await.map_err(failed("note trouble"))?;
        tx.commit().await.map_err(failed("note trouble"))?;
        after.told(now.0)
    }

    async fn may_probe(&self, scopes: &[BrakeScope], pause: Duration) -> Result<Option<Brake>, LedgerError> {
        const BOOK: &str = "
            UPDATE fleet_brakes SET next_probe_at = ?2
            WHERE scope IN (SELECT value FROM json_each(?1)) AND next_probe_at IS NOT NULL";
        let keys = keys(scopes);
        let mut tx = self.write("probe").await?;
        let now = self.now();
        let rows = read(&mut tx, &keys).await?;
        let closed = rows.into_iter().filter(|row| row.is_in_the_way(now.0));
        if let Some(row) = closed.max_by_key(|row| row.next_probe_at) {
            return row.told(now.0).map(Some);
        }
        let book = sqlx::query(BOOK).bind(json_list(&keys)).bind(now.after(pause));
        book.execute(&mut *tx).await.map_err(failed("probe"))?;
        tx.commit().await.map_err(failed("probe"))?;
        Ok(None)
    }

    async fn release(&self, scopes: &[BrakeScope]) -> Result<u64, LedgerError> {
        const RELEASE: &str = "DELETE FROM fleet_brakes WHERE scope IN (SELECT value FROM json_each(?))";
        let mut tx = self.write("release brakes").await?;
        let release = sqlx::query(RELEASE).bind(json_list(keys(scopes)));
        let released = release
            .execute(&mut *tx)
            .await
            .map_err(failed("release brakes"))?;
        tx.commit().await.map_err(failed("release brakes"))?;
        Ok(released.rows_affected())
    }

    async fn brakes(&self) -> Result<Vec<Brake>, LedgerError> {
        let mut snapshot = self.read("brakes").await?;
        let now = self.now().0;
        let rows: Vec<Stored> = sqlx::query_as("SELECT * FROM fleet_brakes ORDER BY scope")
            .fetch_all(&mut *snapshot)
            .await
            .map_err(failed("brakes"))?;
        let rows = rows.into_iter().map(BrakeRow::from);
        rows.filter(|row| !row.is_stale(now))
            .map(|row| row.told(now))
            .collect()
    }
}

async fn read(tx: &mut SqliteConnection, keys: &[String]) -> Result<Vec<BrakeRow>, LedgerError> {
    const READ: &str =
        "SELECT * FROM fleet_brakes WHERE scope IN (SELECT value FROM json_each(?)) ORDER BY scope";
    let rows: Vec<Stored> = sqlx::query_as(READ)
        .bind(json_list(keys))
        .fetch_all(tx)
        .await
        .map_err(failed("read brakes"))?;
    Ok(rows.into_iter().map(BrakeRow::from).collect())
}

fn keys(scopes: &[BrakeScope]) -> Vec<String> {
    scopes.iter().map(BrakeScope::key).collect()
}
