//! What a clock that was ahead has left behind, on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use crate::clocks::{LONGEST_WAIT, PLAUSIBLE};
use crate::{Clocks, LedgerClock, LedgerError};

#[async_trait]
impl Clocks for SqliteLedger {
    async fn clock(&self) -> Result<LedgerClock, LedgerError> {
        const LAST: &str = "
            SELECT max(at) FROM (
                SELECT max(created_at) AS at FROM fleet_runs
                UNION ALL SELECT max(claimed_at) FROM fleet_segments INDEXED BY fleet_segments_running WHERE state = 'running'
                UNION ALL SELECT max(read_at) FROM fleet_coverage
                UNION ALL SELECT max(stored_at) FROM fleet_credentials
                UNION ALL SELECT at FROM (SELECT at FROM fleet_audit ORDER BY id DESC LIMIT 1))";
        let last: Option<Stamp> = sqlx::query_scalar(LAST)
            .fetch_one(&self.readers)
            .await
            .map_err(failed("clock"))?;
        Ok(LedgerClock {
            now: self.clock.now(),
            last_written: last.map(|last| last.0),
        })
    }

    async fn bring_back(&self) -> Result<u64, LedgerError> {
        // What can be due later than the margin is found by an index, and is little.
        const DUE: &str = "
            UPDATE fleet_segments SET due_at = ?1
            WHERE rowid IN (
                SELECT s.rowid FROM fleet_runs r
                CROSS JOIN fleet_run_connections rc ON rc.run_id = r.id
                CROSS JOIN fleet_segments s ON s.run_id = rc.run_id AND s.connection_id = rc.connection_id
                -- Those of a replay wait for as long as its rate says, where a right clock has begun it.
                LEFT JOIN fleet_replays p ON p.id = s.replay_id AND p.at <= ?2
                WHERE r.state IN ('active', 'paused') AND s.state = 'pending' AND s.due_at > ?2
                  AND (s.due_at > coalesce(p.next_due_at, ?3) OR coalesce(s.claimed_at, s.created_at) > ?2))";
        const LEASES: &str = "
            UPDATE fleet_segments INDEXED BY fleet_segments_running SET lease_until = ?1
            WHERE state = 'running' AND lease_until > ?2";
        const CREDENTIALS: &str = "
            UPDATE fleet_credentials SET intent_until = min(intent_until, ?1), stored_at = min(stored_at, ?1)
            WHERE intent_until > ?2 OR stored_at > ?2";
        const HINTS: &str =
            "UPDATE fleet_webhook_events SET due_at = ?1 WHERE state = 'pending' AND due_at > ?3";
        const UPKEEP: &str = "
            UPDATE fleet_sync_schedules SET recounted_at = min(recounted_at, ?1), reread_at = min(reread_at, ?1)
            WHERE recounted_at > ?2 OR reread_at > ?2";
        const ATTEMPTS: &str = "
            UPDATE fleet_sync_states
            SET attempted_at = min(attempted_at, ?1), succeeded_at = min(succeeded_at, ?1), untold_at = min(untold_at, ?1)
            WHERE attempted_at > ?2 OR untold_at > ?2";
        let mut tx = self.write("bring back").await?;
        let now = self.now();
        let [ahead, latest] = [PLAUSIBLE, LONGEST_WAIT].map(|later| Stamp::from(now.0 + later));
        let mut brought = 0;
        for statement in [DUE, LEASES, CREDENTIALS, HINTS, UPKEEP, ATTEMPTS] {
            let done = sqlx::query(statement).bind(now).bind(ahead).bind(latest);
            let done = done.execute(&mut *tx).await.map_err(failed("bring back"))?;
            brought += done.rows_affected();
        }
        tx.commit().await.map_err(failed("bring back"))?;
        Ok(brought)
    }

    async fn records_ahead(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError> {
        const AHEAD: &str = "
            SELECT count(*) FROM raw_records
            WHERE connection_id = ? AND entity = ? AND max(observed_at_utc, last_seen_utc) > ?";
        let ahead = sqlx::query_scalar(AHEAD)
            .bind(Text(connection))
            .bind(table)
            .bind(Stamp::from(self.now().0 + PLAUSIBLE))
            .fetch_one(&self.readers);
        ahead.await.map_err(failed("records ahead"))
    }

    async fn bring_back_records(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError> {
        const BRING_BACK: &str = "
            UPDATE raw_records
            SET observed_at_utc = min(observed_at_utc, ?3), last_seen_utc = min(last_seen_utc, ?3),
                ingested_at_utc = min(ingested_at_utc, ?3), deleted_at_utc = min(deleted_at_utc, ?3)
            WHERE connection_id = ?1 AND entity = ?2 AND max(observed_at_utc, last_seen_utc) > ?4";
        let mut tx = self.write("bring back records").await?;
        let now = self.now();
        let brought = sqlx::query(BRING_BACK)
            .bind(Text(connection))
            .bind(table)
            .bind(now)
            .bind(Stamp::from(now.0 + PLAUSIBLE));
        let brought = brought
            .execute(&mut *tx)
            .await
            .map_err(failed("bring back records"))?;
        tx.commit().await.map_err(failed("bring back records"))?;
        Ok(brought.rows_affected())
    }
}
