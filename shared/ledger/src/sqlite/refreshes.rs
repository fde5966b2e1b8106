//! Refreshes of credentials on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{ConnectionId, WorkerName};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use crate::{LedgerError, Refresh, RefreshIntent, RefreshOutcome, Refreshes, SealedCredential};

/// A credential and its intent.
#[derive(sqlx::FromRow)]
struct IntentRow {
    version: i64,
    sealed: String,
    stored_at: Stamp,
    intent_worker: Option<String>,
    intent_until: Option<Stamp>,
    refused: bool,
}

impl IntentRow {
    /// Whether a process may take the intent, or what keeps it from that.
    fn intent(self, asked: i64, worker: &WorkerName, now: Stamp) -> RefreshIntent {
        if self.version != asked {
            return RefreshIntent::Replaced(SealedCredential {
                version: self.version,
                sealed: self.sealed,
                stored_at: Some(self.stored_at.0),
            });
        }
        if self.refused {
            return RefreshIntent::Refused;
        }
        match (self.intent_worker, self.intent_until) {
            (Some(by), Some(until)) if by != worker.0 && until > now => RefreshIntent::Held {
                by: WorkerName(by),
                left: (until.0 - now.0).to_std().unwrap_or_default(),
            },
            _ => RefreshIntent::Taken,
        }
    }
}

#[derive(sqlx::FromRow)]
struct RefreshRow {
    version: i64,
    worker: String,
    outcome: Text<RefreshOutcome>,
    transaction_id: Option<String>,
    at: Stamp,
}

impl From<RefreshRow> for Refresh {
    fn from(row: RefreshRow) -> Self {
        Self {
            version: row.version,
            worker: WorkerName(row.worker),
            outcome: row.outcome.0,
            transaction_id: row.transaction_id,
            at: Some(row.at.0),
        }
    }
}

#[async_trait]
impl Refreshes for SqliteLedger {
    async fn intend_refresh(
        &self,
        id: ConnectionId,
        version: i64,
        worker: &WorkerName,
        lease: Duration,
        waited: Duration,
    ) -> Result<Option<RefreshIntent>, LedgerError> {
        const STANDS: &str = "
            SELECT version, sealed, stored_at, intent_worker, intent_until,
                EXISTS (SELECT 1 FROM fleet_refreshes r
                        WHERE r.connection_id = ?1 AND r.version = c.version AND r.outcome = 'refused'
                          AND r.at > ?2) AS refused
            FROM fleet_credentials c WHERE connection_id = ?1";
        const TAKE: &str =
            "UPDATE fleet_credentials SET intent_worker = ?2, intent_until = ?3 WHERE connection_id = ?1";
        let mut tx = self.write("intend refresh").await?;
        let now = self.now();
        let stands: Option<IntentRow> = sqlx::query_as(STANDS)
            .bind(Text(id))
            .bind(now.before(waited))
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("intend refresh"))?;
        let Some(stands) = stands else {
            return Ok(None);
        };
        let intent = stands.intent(version, worker, now);
        if intent == RefreshIntent::Taken {
            note_abandoned(&mut tx, now, id, worker).await?;
            let take = sqlx::query(TAKE)
                .bind(Text(id))
                .bind(&worker.0)
                .bind(now.after(lease));
            take.execute(&mut *tx).await.map_err(failed("intend refresh"))?;
        }
        tx.commit().await.map_err(failed("intend refresh"))?;
        Ok(Some(intent))
    }

    async fn store_refresh(
        &self,
        id: ConnectionId,
        new: &SealedCredential,
        refresh: &Refresh,
    ) -> Result<bool, LedgerError> {
        // The seal is bound to the version: one that does not follow could never be opened again.
        const STORE: &str = "
            UPDATE fleet_credentials
            SET version = ?3, sealed = ?4, stored_at = ?5, intent_worker = NULL, intent_until = NULL
            WHERE connection_id = ?1 AND version = ?2 AND ?3 = version + 1";
        const REVIVE: &str = "
            UPDATE fleet_connections SET state = 'active', state_reason = NULL, state_cause = NULL
            WHERE id = ? AND state = 'needs_reauthorisation'";
        let mut tx = self.write("store refresh").await?;
        let now = self.now();
        let store = sqlx::query(STORE)
            .bind(Text(id))
            .bind(refresh.version)
            .bind(new.version)
            .bind(&new.sealed)
            .bind(now);
        let stored = store.execute(&mut *tx).await.map_err(failed("store refresh"))?;
        if stored.rows_affected() == 0 {
            return Ok(false);
        }
        if refresh.outcome == RefreshOutcome::Recovered {
            let revive = sqlx::query(REVIVE).bind(Text(id)).execute(&mut *tx).await;
            revive.map_err(failed("revive connection"))?;
        }
        insert(&mut tx, now, id, refresh).await?;
        tx.commit().await.map_err(failed("store refresh"))?;
        Ok(true)
    }

    async fn note_refresh(&self, id: ConnectionId, refresh: &Refresh) -> Result<(), LedgerError> {
        const RELEASE: &str = "
            UPDATE fleet_credentials SET intent_worker = NULL, intent_until = NULL
            WHERE connection_id = ?1 AND intent_worker = ?2";
        let mut tx = self.write("note refresh").await?;
        let now = self.now();
        if refresh.outcome != RefreshOutcome::Lost {
            let release = sqlx::query(RELEASE).bind(Text(id)).bind(&refresh.worker.0);
            let released = release.execute(&mut *tx).await;
            released.map_err(failed("release intent"))?;
        }
        insert(&mut tx, now, id, refresh).await?;
        tx.commit().await.map_err(failed("note refresh"))
    }

    async fn prune_refreshes(&self, keep: u32, batch: u32) -> Result<u64, LedgerError> {
        const PRUNE: &str = "
            DELETE FROM fleet_refreshes WHERE id IN (
                SELECT r.id FROM fleet_connections c
                JOIN fleet_refreshes r ON r.connection_id = c.id AND r.id <= (
                    SELECT id FROM fleet_refreshes WHERE connection_id = c.id ORDER BY id DESC LIMIT 1 OFFSET ?1)
                WHERE r.version IS NOT (SELECT version FROM fleet_credentials WHERE connection_id = c.id)
                ORDER BY r.id LIMIT ?2)";
        let mut tx = self.write("prune refreshes").await?;
        let pruned = sqlx::query(PRUNE).bind(keep).bind(batch).execute(&mut *tx).await;
        let pruned = pruned.map_err(failed("prune refreshes"))?.rows_affected();
        tx.commit().await.map_err(failed("prune refreshes"))?;
        Ok(pruned)
    }

    async fn refreshes(&self, id: ConnectionId, most: u32) -> Result<Vec<Refresh>, LedgerError> {
        const NEWEST: &str = "
            SELECT version, worker, outcome, transaction_id, at
            FROM fleet_refreshes WHERE connection_id = ? ORDER BY id DESC LIMIT ?";
        let newest = sqlx::query_as(NEWEST).bind(Text(id)).bind(most);
        let rows: Vec<RefreshRow> = newest
            .fetch_all(&self.readers)
            .await
            .map_err(failed("refreshes"))?;
        Ok(rows.into_iter().map(Refresh::from).collect())
    }
}

/// Writes down that another process has let its intent end without a word.
async fn note_abandoned(
    tx: &mut SqliteConnection,
    now: Stamp,
    id: ConnectionId,
    worker: &WorkerName,
) -> Result<(), LedgerError> {
    const ABANDONED: &str = "
        INSERT INTO fleet_refreshes (connection_id, version, at, worker, outcome)
        SELECT connection_id, version, ?3, intent_worker, 'abandoned' FROM fleet_credentials c
        WHERE connection_id = ?1 AND intent_worker <> ?2
          AND NOT EXISTS (SELECT 1 FROM fleet_refreshes r
                          WHERE r.connection_id = ?1 AND r.version = c.version AND r.worker = c.intent_worker
                            AND r.outcome = 'lost')";
    let note = sqlx::query(ABANDONED).bind(Text(id)).bind(&worker.0).bind(now);
    note.execute(tx).await.map_err(failed("note abandoned intent"))?;
    Ok(())
}

async fn insert(
    tx: &mut SqliteConnection,
    now: Stamp,
    id: ConnectionId,
    refresh: &Refresh,
) -> Result<(), LedgerError> {
    const INSERT: &str = "
        INSERT INTO fleet_refreshes (connection_id, version, at, worker, outcome, transaction_id)
        VALUES (?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(INSERT)
        .bind(Text(id))
        .bind(refresh.version)
        .bind(now)
        .bind(&refresh.worker.0)
        .bind(Text(refresh.outcome))
        .bind(&refresh.transaction_id);
    insert.execute(tx).await.map_err(failed("insert refresh"))?;
    Ok(())
}
