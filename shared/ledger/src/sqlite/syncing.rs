//! Syncing on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::work::WorkKind;
use ledgerfleet_model::{ConnectionId, Failure, FailureKind, Lane, RunId, SegmentId};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_filter, number};
use super::error::failed;
use crate::clocks::PLAUSIBLE;
use crate::hints::HINTS_KEY;
use crate::syncing::{
    KEPT_ASKED, KEPT_SCHEDULED, KEPT_WITH_DEAD, Planned, SYNC_KEY, UPKEEP_KEY, UnderWay, lane_of,
};
use crate::{Checkpoint, LedgerError, PageCommit, SyncSchedule, SyncState, SyncSum, Syncing};

#[derive(sqlx::FromRow)]
struct StateRow {
    connection_id: Text<ConnectionId>,
    entity: String,
    checkpoint: Option<Stamp>,
    attempted_at: Stamp,
    succeeded_at: Option<Stamp>,
    failures: u32,
    cause: Option<Text<FailureKind>>,
    message: Option<String>,
    untold_at: Option<Stamp>,
}

impl From<StateRow> for SyncState {
    fn from(row: StateRow) -> Self {
        Self {
            connection: row.connection_id.0,
            entity: row.entity,
            checkpoint: row.checkpoint.map(|at| at.0),
            attempted_at: row.attempted_at.0,
            succeeded_at: row.succeeded_at.map(|at| at.0),
            failures: row.failures,
            cause: row.cause.map(|cause| cause.0),
            message: row.message,
            untold_at: row.untold_at.map(|at| at.0),
        }
    }
}

#[derive(sqlx::FromRow)]
struct ScheduleRow {
    connection_id: Text<ConnectionId>,
    every_s: Option<u32>,
    due_at: Stamp,
    recounted_at: Option<Stamp>,
    reread_at: Option<Stamp>,
}

impl From<ScheduleRow> for SyncSchedule {
    fn from(row: ScheduleRow) -> Self {
        Self {
            connection: row.connection_id.0,
            every: row.every_s.map(|seconds| Duration::from_secs(seconds.into())),
            due_at: row.due_at.0,
            recounted_at: row.recounted_at.map(|at| at.0),
            reread_at: row.reread_at.map(|at| at.0),
        }
    }
}

#[async_trait]
impl Syncing for SqliteLedger {
    async fn sync_states(&self, connections: &[ConnectionId]) -> Result<Vec<SyncState>, LedgerError> {
        const STATES: &str = "
            SELECT s.* FROM fleet_sync_states s JOIN fleet_connections c ON c.id = s.connection_id
            WHERE c.state <> 'removed' AND (?1 IS NULL OR s.connection_id IN (SELECT value FROM json_each(?1)))
            ORDER BY s.connection_id, s.entity";
        let rows: Vec<StateRow> = sqlx::query_as(STATES)
            .bind(json_filter(connections))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("sync states"))?;
        Ok(rows.into_iter().map(SyncState::from).collect())
    }

    async fn sync_schedules(&self, connections: &[ConnectionId]) -> Result<Vec<SyncSchedule>, LedgerError> {
        const SCHEDULES: &str = "
            SELECT s.* FROM fleet_sync_schedules s JOIN fleet_connections c ON c.id = s.connection_id
            WHERE c.state <> 'removed' AND (?1 IS NULL OR s.connection_id IN (SELECT value FROM json_each(?1)))
            ORDER BY s.connection_id";
        let rows: Vec<ScheduleRow> = sqlx::query_as(SCHEDULES)
            .bind(json_filter(connections))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("sync schedules"))?;
        Ok(rows.into_iter().map(SyncSchedule::from).collect())
    }

    async fn due_syncs(&self, usual: Duration, limit: u32) -> Result<Vec<SyncSchedule>, LedgerError> {
        const DUE: &str = "
            SELECT s.* FROM fleet_sync_schedules s JOIN fleet_connections c ON c.id = s.connection_id
            WHERE (s.due_at <= ?1 OR s.due_at > ?5 AND
                   s.due_at > strftime('%Y-%m-%dT%H:%M:%fZ', ?5, '+' || (coalesce(s.every_s, ?2) * 1.05) || ' seconds'))
              AND c.state = 'active' AND coalesce(s.every_s, ?2) > 0
              AND NOT EXISTS (
                SELECT 1 FROM fleet_runs r JOIN fleet_segments g ON g.run_id = r.id
                WHERE r.state IN ('active', 'paused') AND r.request_key >= ?4 || s.connection_id
                  AND r.request_key < ?4 || s.connection_id || '0'
                  AND g.state IN ('pending', 'running') AND g.kind = 'changes' AND g.lane = ?6)
            ORDER BY s.due_at LIMIT ?3";
        let rows: Vec<ScheduleRow> = sqlx::query_as(DUE)
            .bind(self.now())
            .bind(number(usual.as_secs()))
            .bind(limit)
            .bind(SYNC_KEY)
            .bind(Stamp::from(self.now().0 + PLAUSIBLE))
            .bind(Lane::Live.rank())
            .fetch_all(&self.readers)
            .await
            .map_err(failed("due syncs"))?;
        Ok(rows.into_iter().map(SyncSchedule::from).collect())
    }

    async fn syncs_under_way(&self, connection: ConnectionId) -> Result<Vec<UnderWay>, LedgerError> {
        type UnderWayRow = (Text<RunId>, String, Text<WorkKind>, i16, bool);
        const UNDER_WAY: &str = "
            SELECT g.run_id, g.entity, g.kind, g.lane, EXISTS (
                SELECT 1 FROM fleet_segments b WHERE b.run_id = g.run_id AND (b.state <> 'pending' OR b.pages > 0))
            FROM fleet_runs r JOIN fleet_segments g ON g.run_id = r.id
            WHERE r.state IN ('active', 'paused') AND r.request_key >= ?1 || ?2 AND r.request_key < ?1 || ?2 || '0'
              AND g.state IN ('pending', 'running')
            ORDER BY g.run_id, g.entity, g.kind";
        let rows: Vec<UnderWayRow> = sqlx::query_as(UNDER_WAY)
            .bind(SYNC_KEY)
            .bind(Text(connection))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("syncs under way"))?;
        let one = |(run, entity, kind, lane, has_begun): UnderWayRow| {
            Ok(UnderWay {
                run: run.0,
                entity,
                kind: kind.0,
                lane: lane_of(lane)?,
                has_begun,
            })
        };
        rows.into_iter().map(one).collect()
    }

    async fn syncs_a_second(&self, usual: Duration) -> Result<f64, LedgerError> {
        const RATE: &str = "
            SELECT coalesce(sum(1.0 / coalesce(s.every_s, ?1)), 0.0)
            FROM fleet_sync_schedules s JOIN fleet_connections c ON c.id = s.connection_id
            WHERE c.state = 'active' AND coalesce(s.every_s, ?1) > 0";
        sqlx::query_scalar(RATE)
            .bind(number(usual.as_secs()))
            .fetch_one(&self.readers)
            .await
            .map_err(failed("syncs a second"))
    }

    async fn sync_sums(&self, usual: Duration) -> Result<Vec<SyncSum>, LedgerError> {
        const SUMS: &str = "
            SELECT c.connector, min(s.checkpoint) AS oldest, sum(s.failures > 0) AS failing
            FROM fleet_sync_states s
            JOIN fleet_connections c ON c.id = s.connection_id
            JOIN fleet_sync_schedules d ON d.connection_id = s.connection_id
            WHERE c.state = 'active' AND coalesce(d.every_s, ?) BETWEEN 1 AND 3600
            GROUP BY c.connector";
        let rows: Vec<(String, Option<Stamp>, u64)> = sqlx::query_as(SUMS)
            .bind(number(usual.as_secs()))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("sync sums"))?;
        let now = self.now().0;
        let sum = |(connector, oldest, failing): (String, Option<Stamp>, u64)| SyncSum {
            connector,
            lag_seconds: oldest.map_or(0, |at| (now - at.0).num_seconds().max(0).unsigned_abs()),
            failing,
        };
        Ok(rows.into_iter().map(sum).collect())
    }

    async fn schedule_sync(
        &self,
        connection: ConnectionId,
        every: Option<Duration>,
        due_at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        const SCHEDULE: &str = "
            INSERT INTO fleet_sync_schedules (connection_id, every_s, due_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (connection_id) DO UPDATE SET every_s = excluded.every_s, due_at = excluded.due_at";
        let mut tx = self.write("schedule sync").await?;
        let schedule = sqlx::query(SCHEDULE)
            .bind(Text(connection))
            .bind(every.map(|every| number(every.as_secs())))
            .bind(Stamp::from(due_at));
        schedule
            .execute(&mut *tx)
            .await
            .map_err(failed("schedule sync"))?;
        tx.commit().await.map_err(failed("schedule sync"))
    }

    async fn sync_planned(
        &self,
        connection: ConnectionId,
        planned: Planned,
        due_at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        const PLANNED: &str = "
            INSERT INTO fleet_sync_schedules AS s (connection_id, due_at, recounted_at, reread_at)
            VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (connection_id) DO UPDATE SET due_at = excluded.due_at,
                recounted_at = coalesce(excluded.recounted_at, s.recounted_at),
                reread_at = coalesce(excluded.reread_at, s.reread_at)";
        let mut tx = self.write("sync planned").await?;
        let now = self.now();
        let note = sqlx::query(PLANNED)
            .bind(Text(connection))
            .bind(Stamp::from(due_at))
            .bind(planned.recount.then_some(now))
            .bind(planned.reread.then_some(now));
        note.execute(&mut *tx).await.map_err(failed("sync planned"))?;
        tx.commit().await.map_err(failed("sync planned"))
    }

    async fn note_untold(&self, connection: ConnectionId, entity: &str) -> Result<(), LedgerError> {
        const UNTOLD: &str = "
            INSERT INTO fleet_sync_states (connection_id, entity, attempted_at, untold_at) VALUES (?1, ?2, ?3, ?3)
            ON CONFLICT (connection_id, entity) DO UPDATE SET untold_at = excluded.untold_at";
        let mut tx = self.write("note untold").await?;
        let note = sqlx::query(UNTOLD)
            .bind(Text(connection))
            .bind(entity)
            .bind(self.now());
        note.execute(&mut *tx).await.map_err(failed("note untold"))?;
        tx.commit().await.map_err(failed("note untold"))
    }

    async fn present(&self, connection: ConnectionId, table: &str, entity: &str) -> Result<u64, LedgerError> {
        const PRESENT: &str = "
            SELECT count(*) FROM (
                SELECT id FROM raw_records WHERE connection_id = ?1 AND entity = ?2 AND deleted_at_utc IS NULL
                UNION
                SELECT id FROM fleet_quarantine WHERE connection_id = ?1 AND entity = ?3 AND deleted_at IS NULL)";
        sqlx::query_scalar(PRESENT)
            .bind(Text(connection))
            .bind(table)
            .bind(entity)
            .fetch_one(&self.readers)
            .await
            .map_err(failed("present"))
    }

    async fn prune_syncs(&self, keep: u32, batch: u32) -> Result<u64, LedgerError> {
        // A company's runs are those whose request keys begin alike: `sync/`, `upkeep/` or
        // `hints/`, and the id.
        const OLD: &str = "
            SELECT id FROM (
                SELECT id, state, lane, closed_at, row_number() OVER (
                    PARTITION BY substr(request_key, 1, 41), state = 'dead', lane = 1
                    ORDER BY created_at DESC, id DESC) AS age
                FROM fleet_runs
                WHERE (request_key GLOB ?1 OR request_key GLOB ?5 OR request_key GLOB ?7) AND state NOT IN ('active', 'paused')) AS ended
            WHERE age > CASE state WHEN 'dead' THEN ?6 ELSE ?2 END
              AND closed_at < CASE lane WHEN 1 THEN ?8 ELSE ?3 END
              AND NOT EXISTS (
                SELECT 1 FROM fleet_quarantine q JOIN fleet_segments s ON s.id = q.segment_id
                WHERE s.run_id = ended.id AND q.deleted_at IS NULL)
            LIMIT ?4";
        const FORGET: [&str; 4] = [
            "DELETE FROM fleet_attempts WHERE segment_id IN (SELECT s.id FROM fleet_segments s
                WHERE s.run_id IN (SELECT value FROM json_each(?)))",
            "DELETE FROM fleet_segments WHERE run_id IN (SELECT value FROM json_each(?))",
            "DELETE FROM fleet_run_connections WHERE run_id IN (SELECT value FROM json_each(?))",
            "DELETE FROM fleet_runs WHERE id IN (SELECT value FROM json_each(?))",
        ];
        let mut tx = self.write("prune syncs").await?;
        let old: Vec<String> = sqlx::query_scalar(OLD)
            .bind(format!("{SYNC_KEY}*"))
            .bind(keep)
            .bind(self.now().before(KEPT_SCHEDULED))
            .bind(batch)
            .bind(format!("{UPKEEP_KEY}*"))
            .bind(keep * KEPT_WITH_DEAD)
            .bind(format!("{HINTS_KEY}*"))
            .bind(self.now().before(KEPT_ASKED))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed("prune syncs"))?;
        if old.is_empty() {
            return Ok(0);
        }
        let ids = serde_json::json!(old).to_string();
        for forget in FORGET {
            let forget = sqlx::query(forget).bind(&ids).execute(&mut *tx).await;
            forget.map_err(failed("prune syncs"))?;
        }
        tx.commit().await.map_err(failed("prune syncs"))?;
        Ok(old.len() as u64)
    }
}

/// Moves the checkpoints that a page justifies: part of its transaction.
pub(super) async fn move_checkpoints(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &PageCommit<'_>,
) -> Result<(), LedgerError> {
    const MOVE: &str = "
        INSERT INTO fleet_sync_states AS s (connection_id, entity, checkpoint, attempted_at, succeeded_at)
        VALUES (?1, ?2, CASE WHEN ?3 IS NULL THEN ?4 END, ?5, ?5)
        ON CONFLICT (connection_id, entity) DO UPDATE SET
            checkpoint = CASE WHEN ?4 IS NOT NULL AND (?3 IS NULL OR s.checkpoint >= ?3) THEN ?4
                              ELSE s.checkpoint END,
            attempted_at = ?5, succeeded_at = ?5, failures = 0, cause = NULL, message = NULL";
    for Checkpoint {
        entity,
        read_since,
        until,
    } in &page.checkpoints
    {
        let moved = sqlx::query(MOVE)
            .bind(Text(page.connection))
            .bind(*entity)
            .bind(read_since.map(Stamp::from))
            .bind(until.map(Stamp::from))
            .bind(now);
        moved
            .execute(&mut *tx)
            .await
            .map_err(failed("move checkpoints"))?;
    }
    Ok(())
}

/// Notes that an attempt has failed of a segment by which entities are kept in sync; of others nothing.
pub(super) async fn note_failure(
    tx: &mut SqliteConnection,
    now: Stamp,
    segment: SegmentId,
    failure: &Failure,
) -> Result<(), LedgerError> {
    const FAILED: &str = "
        INSERT INTO fleet_sync_states AS s (connection_id, entity, attempted_at, failures, cause, message)
        SELECT g.connection_id, e.value, ?2, 1, ?3, ?4
        FROM fleet_segments g,
             json_each(CASE g.kind WHEN 'changes' THEN g.work -> 'entities' ELSE json_array(g.entity) END) e
        WHERE g.id = ?1 AND g.kind IN ('sync', 'changes')
        ON CONFLICT (connection_id, entity) DO UPDATE SET
            attempted_at = excluded.attempted_at, failures = s.failures + 1, cause = excluded.cause,
            message = excluded.message";
    let note = sqlx::query(FAILED)
        .bind(Text(segment))
        .bind(now)
        .bind(failure.kind.as_str())
        .bind(&failure.message);
    note.execute(tx).await.map_err(failed("note failure"))?;
    Ok(())
}
