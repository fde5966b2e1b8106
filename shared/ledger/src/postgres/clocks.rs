//! What a clock that was ahead has left behind, on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::ConnectionId;

use super::PostgresLedger;
use super::codec::span;
use super::error::{failed, patiently, persistently};
use super::segments::take_time;
use crate::clocks::{LONGEST_WAIT, PLAUSIBLE};
use crate::{Clocks, LedgerClock, LedgerError};

#[async_trait]
impl Clocks for PostgresLedger {
    async fn clock(&self) -> Result<LedgerClock, LedgerError> {
        let clock = || async {
            sqlx::query!(
                r#"
                SELECT clock_timestamp() AS "now!", (SELECT max(at) FROM (
                    SELECT max(created_at) AS at FROM fleet.runs
                    UNION ALL SELECT max(claimed_at) FROM fleet.segments WHERE state = 'running'
                    UNION ALL SELECT max(read_at) FROM fleet.coverage
                    UNION ALL SELECT max(stored_at) FROM fleet.credentials
                    UNION ALL (SELECT at FROM fleet.audit ORDER BY id DESC LIMIT 1)) AS written) AS last_written"#
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("clock"))
        };
        let row = persistently(clock).await?;
        let last_written: Option<DateTime<Utc>> = row.last_written;
        Ok(LedgerClock {
            now: row.now,
            last_written,
        })
    }

    async fn bring_back(&self) -> Result<u64, LedgerError> {
        let brought = || async {
            sqlx::query_scalar!(
                r#"
                WITH due AS (
                    UPDATE fleet.segments SET due_at = now()
                    WHERE id IN (
                        SELECT s.id
                        FROM fleet.runs r
                        JOIN fleet.run_connections rc ON rc.run_id = r.id
                        -- What can be due later than the margin is found by an index, and is little.
                        CROSS JOIN LATERAL (
                            SELECT s.id, s.due_at, s.created_at, s.claimed_at, s.replay_id FROM fleet.segments s
                            WHERE s.run_id = rc.run_id AND s.connection_id = rc.connection_id AND s.state = 'pending'
                              AND s.due_at > now() + $1::interval) AS s
                        -- Those of a replay wait for as long as its rate says, where a right clock has begun it.
                        LEFT JOIN fleet.replays p ON p.id = s.replay_id AND p.at <= now() + $1
                        WHERE r.state IN ('active', 'paused')
                          AND (s.due_at > coalesce(p.next_due_at, now() + $2::interval)
                            OR coalesce(s.claimed_at, s.created_at) > now() + $1)
                        -- In the order in which everybody locks.
                        ORDER BY s.id)
                      AND state = 'pending'
                    RETURNING id),
                leases AS (
                    UPDATE fleet.segments SET lease_until = now()
                    WHERE state = 'running' AND lease_until > now() + $1
                    RETURNING id),
                intents AS (
                    UPDATE fleet.credentials
                    SET intent_until = CASE WHEN intent_until > now() THEN now() ELSE intent_until END,
                        stored_at = least(stored_at, now())
                    WHERE intent_until > now() + $1 OR stored_at > now() + $1
                    RETURNING connection_id),
                hints AS (
                    UPDATE fleet.webhook_events SET due_at = now() WHERE state = 'pending' AND due_at > now() + $2
                    RETURNING key),
                upkeep AS (
                    UPDATE fleet.sync_schedules
                    SET recounted_at = CASE WHEN recounted_at > now() THEN now() ELSE recounted_at END,
                        reread_at = CASE WHEN reread_at > now() THEN now() ELSE reread_at END
                    WHERE recounted_at > now() + $1 OR reread_at > now() + $1
                    RETURNING connection_id),
                attempts AS (
                    UPDATE fleet.sync_states
                    SET attempted_at = least(attempted_at, now()),
                        succeeded_at = CASE WHEN succeeded_at > now() THEN now() ELSE succeeded_at END,
                        untold_at = CASE WHEN untold_at > now() THEN now() ELSE untold_at END
                    WHERE attempted_at > now() + $1 OR untold_at > now() + $1
                    RETURNING connection_id)
                SELECT (SELECT count(*) FROM due) + (SELECT count(*) FROM leases) + (SELECT count(*) FROM intents)
                    + (SELECT count(*) FROM hints) + (SELECT count(*) FROM upkeep) + (SELECT count(*) FROM attempts) AS "brought!""#,
                span(PLAUSIBLE),
                span(LONGEST_WAIT),
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("bring back"))
        };
        Ok(u64::try_from(persistently(brought).await?).unwrap_or(0))
    }

    async fn records_ahead(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError> {
        let ahead = || async {
            let mut tx = self.begin("records ahead").await?;
            take_time(&mut tx).await?;
            sqlx::query_scalar!(
                r#"
                SELECT count(*) AS "count!" FROM raw.records
                WHERE connection_id = $1 AND entity = $2
                  AND greatest(observed_at_utc, last_seen_utc) > now() + $3::interval"#,
                connection.0,
                table,
                span(PLAUSIBLE),
            )
            .fetch_one(&mut *tx)
            .await
            .map_err(failed("records ahead"))
        };
        Ok(u64::try_from(patiently(ahead).await?).unwrap_or(0))
    }

    async fn bring_back_records(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError> {
        let brought = || async {
            let mut tx = self.begin("bring back records").await?;
            take_time(&mut tx).await?;
            let brought = sqlx::query!(
                "
                UPDATE raw.records
                SET observed_at_utc = least(observed_at_utc, now()), last_seen_utc = least(last_seen_utc, now()),
                    ingested_at_utc = least(ingested_at_utc, now()),
                    deleted_at_utc = CASE WHEN deleted_at_utc > now() THEN now() ELSE deleted_at_utc END
                WHERE connection_id = $1 AND entity = $2
                  AND greatest(observed_at_utc, last_seen_utc) > now() + $3::interval",
                connection.0,
                table,
                span(PLAUSIBLE),
            )
            .execute(&mut *tx)
            .await
            .map_err(failed("bring back records"))?;
            tx.commit().await.map_err(failed("bring back records"))?;
            Ok(brought.rows_affected())
        };
        patiently(brought).await
    }
}
