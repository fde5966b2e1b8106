//! Refreshes of credentials on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, WorkerName};

use super::PostgresLedger;
use super::codec::{Word, interval, plain};
use super::error::{failed, persistently};
use crate::{LedgerError, Refresh, RefreshIntent, RefreshOutcome, Refreshes, SealedCredential};

/// A credential as it stood when its intent was asked for, and what came of that.
struct IntentRow {
    version: i64,
    sealed: String,
    stored_at: DateTime<Utc>,
    intent_worker: Option<String>,
    seconds_left: f64,
    refused: bool,
    taken: bool,
}

impl IntentRow {
    fn intent(self, asked: i64) -> RefreshIntent {
        if self.taken {
            return RefreshIntent::Taken;
        }
        if self.version != asked {
            return RefreshIntent::Replaced(SealedCredential {
                version: self.version,
                sealed: self.sealed,
                stored_at: Some(self.stored_at),
            });
        }
        if self.refused {
            return RefreshIntent::Refused;
        }
        RefreshIntent::Held {
            by: WorkerName(self.intent_worker.unwrap_or_default()),
            left: Duration::try_from_secs_f64(self.seconds_left).unwrap_or_default(),
        }
    }
}

struct RefreshRow {
    version: i64,
    worker: String,
    outcome: Word<RefreshOutcome>,
    transaction_id: Option<String>,
    at: DateTime<Utc>,
}

impl From<RefreshRow> for Refresh {
    fn from(row: RefreshRow) -> Self {
        Self {
            version: row.version,
            worker: WorkerName(row.worker),
            outcome: row.outcome.0,
            transaction_id: row.transaction_id,
            at: Some(row.at),
        }
    }
}

#[async_trait]
impl Refreshes for PostgresLedger {
    async fn intend_refresh(
        &self,
        id: ConnectionId,
        version: i64,
        worker: &WorkerName,
        lease: Duration,
        waited: Duration,
    ) -> Result<Option<RefreshIntent>, LedgerError> {
        let intend = || async {
            sqlx::query_as!(
                IntentRow,
                r#"
                WITH stood AS (
                    -- Locked, so that of two who ask at once the second sees what the first has done.
                    SELECT version, sealed, stored_at, intent_worker, intent_until,
                        EXISTS (SELECT FROM fleet.refreshes r
                                WHERE r.connection_id = $1 AND r.version = c.version AND r.outcome = 'refused'
                                  AND r.at > now() - $5::interval) AS refused
                    FROM fleet.credentials c WHERE connection_id = $1 FOR UPDATE
                ), taken AS (
                    UPDATE fleet.credentials c SET intent_worker = $3, intent_until = now() + $4
                    FROM stood
                    WHERE c.connection_id = $1 AND stood.version = $2 AND NOT stood.refused
                      AND (stood.intent_worker IS NULL OR stood.intent_worker = $3 OR stood.intent_until <= now())
                    RETURNING stood.version, stood.intent_worker
                ), abandoned AS (
                    INSERT INTO fleet.refreshes (connection_id, version, at, worker, outcome)
                    SELECT $1, version, now(), intent_worker, 'abandoned' FROM taken
                    WHERE intent_worker <> $3
                      AND NOT EXISTS (SELECT FROM fleet.refreshes r
                                      WHERE r.connection_id = $1 AND r.version = taken.version
                                        AND r.worker = taken.intent_worker AND r.outcome = 'lost')
                )
                SELECT version, sealed, stored_at, intent_worker,
                    -- Not now(): that is when this statement began, maybe before the holder's did.
                    coalesce(extract(epoch FROM intent_until - clock_timestamp())::float8, 0) AS "seconds_left!",
                    refused AS "refused!", EXISTS (SELECT FROM taken) AS "taken!"
                FROM stood"#,
                id.0,
                version,
                &worker.0,
                interval(lease),
                interval(waited),
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("intend refresh"))
        };
        Ok(persistently(intend).await?.map(|row| row.intent(version)))
    }

    async fn store_refresh(
        &self,
        id: ConnectionId,
        new: &SealedCredential,
        refresh: &Refresh,
    ) -> Result<bool, LedgerError> {
        let transaction_id = refresh.transaction_id.as_deref().map(plain);
        // The seal is bound to the version: one that does not follow could never be opened again.
        let store = || async {
            sqlx::query!(
                "
                WITH stored AS (
                    UPDATE fleet.credentials
                    SET version = $3, sealed = $4, stored_at = now(), intent_worker = NULL, intent_until = NULL
                    WHERE connection_id = $1 AND version = $2 AND $3 = version + 1
                    RETURNING version
                ), revived AS (
                    UPDATE fleet.connections SET state = 'active', state_reason = NULL, state_cause = NULL
                    WHERE id = $1 AND state = 'needs_reauthorisation' AND $6 = 'recovered'
                      AND EXISTS (SELECT FROM stored)
                )
                INSERT INTO fleet.refreshes (connection_id, version, at, worker, outcome, transaction_id)
                SELECT $1, $2, now(), $5, $6, $7 FROM stored",
                id.0,
                refresh.version,
                new.version,
                &new.sealed,
                &refresh.worker.0,
                refresh.outcome.as_str(),
                transaction_id.as_deref(),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("store refresh"))
        };
        Ok(persistently(store).await?.rows_affected() == 1)
    }

    async fn note_refresh(&self, id: ConnectionId, refresh: &Refresh) -> Result<(), LedgerError> {
        let transaction_id = refresh.transaction_id.as_deref().map(plain);
        let note = || async {
            sqlx::query!(
                "
                WITH released AS (
                    UPDATE fleet.credentials SET intent_worker = NULL, intent_until = NULL
                    WHERE connection_id = $1 AND intent_worker = $3 AND $4 <> 'lost'
                )
                INSERT INTO fleet.refreshes (connection_id, version, at, worker, outcome, transaction_id)
                VALUES ($1, $2, now(), $3, $4, $5)",
                id.0,
                refresh.version,
                &refresh.worker.0,
                refresh.outcome.as_str(),
                transaction_id.as_deref(),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("note refresh"))
        };
        persistently(note).await.map(drop)
    }

    async fn prune_refreshes(&self, keep: u32, batch: u32) -> Result<u64, LedgerError> {
        let prune = || async {
            sqlx::query!(
                "
                DELETE FROM fleet.refreshes WHERE id IN (
                    SELECT old.id
                    FROM fleet.connections c
                    LEFT JOIN fleet.credentials current ON current.connection_id = c.id
                    CROSS JOIN LATERAL (
                        SELECT r.id FROM fleet.refreshes r
                        WHERE r.connection_id = c.id ORDER BY r.id DESC OFFSET $1 LIMIT 1) AS edge
                    CROSS JOIN LATERAL (
                        SELECT r.id FROM fleet.refreshes r
                        WHERE r.connection_id = c.id AND r.id <= edge.id
                          AND r.version IS DISTINCT FROM current.version
                        ORDER BY r.id LIMIT $2) AS old
                    LIMIT $2)",
                i64::from(keep),
                i64::from(batch),
            )
            .execute(&self.pool)
            .await
            .map_err(failed("prune refreshes"))
        };
        Ok(persistently(prune).await?.rows_affected())
    }

    async fn refreshes(&self, id: ConnectionId, most: u32) -> Result<Vec<Refresh>, LedgerError> {
        let newest = || async {
            sqlx::query_as!(
                RefreshRow,
                r#"
                SELECT version, worker, outcome AS "outcome: _", transaction_id, at
                FROM fleet.refreshes WHERE connection_id = $1 ORDER BY id DESC LIMIT $2"#,
                id.0,
                i64::from(most),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("refreshes"))
        };
        Ok(persistently(newest)
            .await?
            .into_iter()
            .map(Refresh::from)
            .collect())
    }
}
