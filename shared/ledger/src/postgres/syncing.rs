//! Syncing on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::work::WorkKind;
use ledgerfleet_model::{ConnectionId, Failure, FailureKind, Lane, RunId, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, interval, plain, small, span};
use super::error::{failed, persistently};
use super::session::PLANNED_FOR_ONE_TABLE;
use crate::clocks::PLAUSIBLE;
use crate::syncing::{KEPT_ASKED, KEPT_SCHEDULED, KEPT_WITH_DEAD, Planned, UnderWay, lane_of};
use crate::{Checkpoint, LedgerError, PageCommit, SyncSchedule, SyncState, SyncSum, Syncing};

struct StateRow {
    connection_id: Uuid,
    entity: String,
    checkpoint: Option<DateTime<Utc>>,
    attempted_at: DateTime<Utc>,
    succeeded_at: Option<DateTime<Utc>>,
    failures: Count<u32>,
    cause: Option<Word<FailureKind>>,
    message: Option<String>,
    untold_at: Option<DateTime<Utc>>,
}

impl From<StateRow> for SyncState {
    fn from(row: StateRow) -> Self {
        Self {
            connection: ConnectionId(row.connection_id),
            entity: row.entity,
            checkpoint: row.checkpoint,
            attempted_at: row.attempted_at,
            succeeded_at: row.succeeded_at,
            failures: row.failures.0,
            cause: row.cause.map(|cause| cause.0),
            message: row.message,
            untold_at: row.untold_at,
        }
    }
}

struct ScheduleRow {
    connection_id: Uuid,
    every_s: Option<Count<u32>>,
    due_at: DateTime<Utc>,
    recounted_at: Option<DateTime<Utc>>,
    reread_at: Option<DateTime<Utc>>,
}

impl From<ScheduleRow> for SyncSchedule {
    fn from(row: ScheduleRow) -> Self {
        Self {
            connection: ConnectionId(row.connection_id),
            every: row.every_s.map(|seconds| Duration::from_secs(seconds.0.into())),
            due_at: row.due_at,
            recounted_at: row.recounted_at,
            reread_at: row.reread_at,
        }
    }
}

fn seconds(duration: Duration) -> i32 {
    small(u32::try_from(duration.as_secs()).unwrap_or(u32::MAX))
}

#[async_trait]
impl Syncing for PostgresLedger {
    async fn sync_states(&self, connections: &[ConnectionId]) -> Result<Vec<SyncState>, LedgerError> {
        let ids: Vec<Uuid> = connections.iter().map(|id| id.0).collect();
        let states = || async {
            sqlx::query_as!(
                StateRow,
                r#"
                SELECT s.connection_id, s.entity, s.checkpoint, s.attempted_at, s.succeeded_at,
                    s.failures AS "failures: _", s.cause AS "cause: _", s.message, s.untold_at
                FROM fleet.sync_states s JOIN fleet.connections c ON c.id = s.connection_id
                WHERE c.state <> 'removed' AND (cardinality($1::uuid[]) = 0 OR s.connection_id = ANY($1))
                ORDER BY s.connection_id, s.entity"#,
                &ids,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("sync states"))
        };
        Ok(persistently(states)
            .await?
            .into_iter()
            .map(SyncState::from)
            .collect())
    }

    async fn sync_schedules(&self, connections: &[ConnectionId]) -> Result<Vec<SyncSchedule>, LedgerError> {
        let ids: Vec<Uuid> = connections.iter().map(|id| id.0).collect();
        let schedules = || async {
            sqlx::query_as!(
                ScheduleRow,
                r#"
                SELECT s.connection_id, s.every_s AS "every_s: _", s.due_at, s.recounted_at, s.reread_at
                FROM fleet.sync_schedules s JOIN fleet.connections c ON c.id = s.connection_id
                WHERE c.state <> 'removed' AND (cardinality($1::uuid[]) = 0 OR s.connection_id = ANY($1))
                ORDER BY s.connection_id"#,
                &ids,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("sync schedules"))
        };
        Ok(persistently(schedules)
            .await?
            .into_iter()
            .map(SyncSchedule::from)
            .collect())
    }

    async fn due_syncs(&self, usual: Duration, limit: u32) -> Result<Vec<SyncSchedule>, LedgerError> {
        let due = || async {
            sqlx::query_as!(
                ScheduleRow,
                r#"
                SELECT s.connection_id, s.every_s AS "every_s: _", s.due_at, s.recounted_at, s.reread_at
                FROM fleet.sync_schedules s JOIN fleet.connections c ON c.id = s.connection_id
                WHERE (s.due_at <= now()
                       OR s.due_at > now() + $3::interval
                          AND s.due_at > now() + $3::interval + coalesce(s.every_s, $1) * interval '1.05 seconds')
                  AND c.state = 'active' AND coalesce(s.every_s, $1) > 0
                  AND NOT EXISTS (
                    -- `sync/` and the id of the company.
                    SELECT FROM fleet.runs r JOIN fleet.segments g ON g.run_id = r.id
                    WHERE r.state IN ('active', 'paused') AND left(r.request_key, 41) = 'sync/' || s.connection_id
                      AND g.state IN ('pending', 'running') AND g.kind = 'changes' AND g.lane = $4)
                ORDER BY s.due_at LIMIT $2"#,
                seconds(usual),
                i64::from(limit),
                span(PLAUSIBLE),
                Lane::Live.rank(),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("due syncs"))
        };
        Ok(persistently(due)
            .await?
            .into_iter()
            .map(SyncSchedule::from)
            .collect())
    }

    async fn syncs_under_way(&self, connection: ConnectionId) -> Result<Vec<UnderWay>, LedgerError> {
        struct UnderWayRow {
            run_id: Uuid,
            entity: String,
            kind: Word<WorkKind>,
            lane: i16,
            has_begun: bool,
        }
        let under_way = || async {
            sqlx::query_as!(
                UnderWayRow,
                r#"
                SELECT g.run_id, g.entity, g.kind AS "kind: _", g.lane, EXISTS (
                    SELECT FROM fleet.segments b
                    WHERE b.run_id = g.run_id AND (b.state <> 'pending' OR b.pages > 0)) AS "has_begun!"
                FROM fleet.runs r JOIN fleet.segments g ON g.run_id = r.id
                WHERE r.state IN ('active', 'paused') AND left(r.request_key, 41) = 'sync/' || $1::uuid::text
                  AND g.state IN ('pending', 'running')
                ORDER BY g.run_id, g.entity, g.kind"#,
                connection.0,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("syncs under way"))
        };
        let one = |row: UnderWayRow| {
            Ok(UnderWay {
                run: RunId(row.run_id),
                entity: row.entity,
                kind: row.kind.0,
                lane: lane_of(row.lane)?,
                has_begun: row.has_begun,
            })
        };
        persistently(under_way).await?.into_iter().map(one).collect()
    }

    async fn syncs_a_second(&self, usual: Duration) -> Result<f64, LedgerError> {
        let rate = || async {
            sqlx::query_scalar!(
                r#"
                SELECT coalesce(sum(1.0 / coalesce(s.every_s, $1)), 0)::double precision AS "rate!"
                FROM fleet.sync_schedules s JOIN fleet.connections c ON c.id = s.connection_id
                WHERE c.state = 'active' AND coalesce(s.every_s, $1) > 0"#,
                seconds(usual),
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("syncs a second"))
        };
        persistently(rate).await
    }

    async fn sync_sums(&self, usual: Duration) -> Result<Vec<SyncSum>, LedgerError> {
        struct SumRow {
            connector: String,
            lag_seconds: Count<u64>,
            failing: Count<u64>,
        }
        let sums = || async {
            sqlx::query_as!(
                SumRow,
                r#"
                SELECT c.connector,
                    coalesce(greatest(extract(epoch FROM now() - min(s.checkpoint)), 0), 0)::bigint AS "lag_seconds!: _",
                    count(*) FILTER (WHERE s.failures > 0) AS "failing!: _"
                FROM fleet.sync_states s
                JOIN fleet.connections c ON c.id = s.connection_id
                JOIN fleet.sync_schedules d ON d.connection_id = s.connection_id
                WHERE c.state = 'active' AND coalesce(d.every_s, $1) BETWEEN 1 AND 3600
                GROUP BY c.connector"#,
                seconds(usual),
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("sync sums"))
        };
        let sum = |row: SumRow| SyncSum {
            connector: row.connector,
            lag_seconds: row.lag_seconds.0,
            failing: row.failing.0,
        };
        Ok(persistently(sums).await?.into_iter().map(sum).collect())
    }

    async fn schedule_sync(
        &self,
        connection: ConnectionId,
        every: Option<Duration>,
        due_at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let schedule = || async {
            sqlx::query!(
                "
                INSERT INTO fleet.sync_schedules (connection_id, every_s, due_at) VALUES ($1, $2, $3)
                ON CONFLICT (connection_id) DO UPDATE SET every_s = excluded.every_s, due_at = excluded.due_at",
                connection.0,
                every.map(seconds),
                due_at,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("schedule sync"))
        };
        persistently(schedule).await.map(drop)
    }

    async fn sync_planned(
        &self,
        connection: ConnectionId,
        planned: Planned,
        due_at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let note = || async {
            sqlx::query!(
                "
                INSERT INTO fleet.sync_schedules AS s (connection_id, due_at, recounted_at, reread_at)
                VALUES ($1, $2, CASE WHEN $3 THEN now() END, CASE WHEN $4 THEN now() END)
                ON CONFLICT (connection_id) DO UPDATE SET due_at = excluded.due_at,
                    recounted_at = coalesce(excluded.recounted_at, s.recounted_at),
                    reread_at = coalesce(excluded.reread_at, s.reread_at)",
                connection.0,
                due_at,
                planned.recount,
                planned.reread,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("sync planned"))
        };
        persistently(note).await.map(drop)
    }

    async fn note_untold(&self, connection: ConnectionId, entity: &str) -> Result<(), LedgerError> {
        let note = || async {
            sqlx::query!(
                "
                INSERT INTO fleet.sync_states (connection_id, entity, attempted_at, untold_at)
                VALUES ($1, $2, now(), now())
                ON CONFLICT (connection_id, entity) DO UPDATE SET untold_at = excluded.untold_at",
                connection.0,
                entity,
            )
            .execute(&self.pool)
            .await
            .map_err(failed("note untold"))
        };
        persistently(note).await.map(drop)
    }

    async fn present(&self, connection: ConnectionId, table: &str, entity: &str) -> Result<u64, LedgerError> {
        let _turn = self.turns.take(table).await?;
        let present = || async {
            let mut tx = self
                .pool
                .begin_with(PLANNED_FOR_ONE_TABLE)
                .await
                .map_err(failed("present"))?;
            sqlx::query_scalar!(
                r#"
                SELECT count(*) AS "count!: Count<u64>"
                FROM (
                    SELECT id FROM raw.records
                    WHERE connection_id = $1 AND entity = $2 AND deleted_at_utc IS NULL
                    UNION
                    SELECT id FROM fleet.quarantine
                    WHERE connection_id = $1 AND entity = $3 AND deleted_at IS NULL) AS present"#,
                connection.0,
                table,
                entity,
            )
            .fetch_one(&mut *tx)
            .await
            .map_err(failed("present"))
        };
        Ok(persistently(present).await?.0)
    }

    async fn prune_syncs(&self, keep: u32, batch: u32) -> Result<u64, LedgerError> {
        let prune = || async {
            let mut tx = self.begin("prune syncs").await?;
            let old = old_syncs(&mut tx, keep, batch).await?;
            if !old.is_empty() {
                forget(&mut tx, &old).await?;
                tx.commit().await.map_err(failed("prune syncs"))?;
            }
            Ok(old.len() as u64)
        };
        persistently(prune).await
    }
}

async fn old_syncs(tx: &mut PgConnection, keep: u32, batch: u32) -> Result<Vec<Uuid>, LedgerError> {
    let old = sqlx::query_scalar!(
        r#"
        SELECT id AS "id!"
        FROM (
            SELECT id, state, lane, closed_at, row_number() OVER (
                PARTITION BY left(request_key, 41), state = 'dead', lane = 1 ORDER BY created_at DESC, id DESC) AS age
            FROM fleet.runs
            WHERE (starts_with(request_key, 'sync/') OR starts_with(request_key, 'upkeep/')
                OR starts_with(request_key, 'hints/'))
              AND state NOT IN ('active', 'paused')) AS over
        WHERE age > CASE state WHEN 'dead' THEN $3::bigint ELSE $1::bigint END
          AND closed_at < now() - CASE lane WHEN 1 THEN $5::interval ELSE $4::interval END
          AND NOT EXISTS (
            SELECT FROM fleet.quarantine q JOIN fleet.segments s ON s.id = q.segment_id
            WHERE s.run_id = over.id AND q.deleted_at IS NULL)
        ORDER BY id LIMIT $2"#,
        i64::from(keep),
        i64::from(batch),
        i64::from(keep * KEPT_WITH_DEAD),
        interval(KEPT_SCHEDULED),
        interval(KEPT_ASKED),
    );
    let old = old.fetch_all(&mut *tx).await.map_err(failed("prune syncs"))?;
    // One that is taken up again at this moment (a replay of its dead letters) is not over any more.
    let over = sqlx::query_scalar!(
        "
        SELECT id FROM fleet.runs WHERE id = ANY($1) AND state NOT IN ('active', 'paused')
        ORDER BY id FOR UPDATE SKIP LOCKED",
        &old
    );
    over.fetch_all(tx).await.map_err(failed("prune syncs"))
}

/// What refers to others goes before them.
async fn forget(tx: &mut PgConnection, runs: &[Uuid]) -> Result<(), LedgerError> {
    let attempts = sqlx::query!(
        "DELETE FROM fleet.attempts a USING fleet.segments s WHERE a.segment_id = s.id AND s.run_id = ANY($1)",
        runs
    );
    attempts
        .execute(&mut *tx)
        .await
        .map_err(failed("forget attempts"))?;
    let segments = sqlx::query!("DELETE FROM fleet.segments WHERE run_id = ANY($1)", runs);
    segments
        .execute(&mut *tx)
        .await
        .map_err(failed("forget segments"))?;
    let connections = sqlx::query!("DELETE FROM fleet.run_connections WHERE run_id = ANY($1)", runs);
    connections
        .execute(&mut *tx)
        .await
        .map_err(failed("forget connections"))?;
    let over = sqlx::query!("DELETE FROM fleet.runs WHERE id = ANY($1)", runs);
    over.execute(tx).await.map_err(failed("forget runs"))?;
    Ok(())
}

/// Moves the checkpoints that a page justifies: part of its transaction.
pub(super) async fn move_checkpoints(
    tx: &mut PgConnection,
    page: &PageCommit<'_>,
) -> Result<(), LedgerError> {
    let mut checkpoints = page.checkpoints.clone();
    // One order of locking for everybody who writes.
    checkpoints.sort_by_key(|checkpoint| checkpoint.entity);
    let entities: Vec<&str> = checkpoints
        .iter()
        .map(|one: &Checkpoint<'_>| one.entity)
        .collect();
    let since: Vec<Option<DateTime<Utc>>> = checkpoints.iter().map(|one| one.read_since).collect();
    let until: Vec<Option<DateTime<Utc>>> = checkpoints.iter().map(|one| one.until).collect();
    if checkpoints.is_empty() {
        return Ok(());
    }
    let moved = sqlx::query!(
        r#"
        MERGE INTO fleet.sync_states s
        USING (
            SELECT * FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) AS given (entity, since, until)) given
        ON s.connection_id = $1 AND s.entity = given.entity
        WHEN MATCHED THEN UPDATE SET
            checkpoint = CASE WHEN given.until IS NOT NULL AND (given.since IS NULL OR s.checkpoint >= given.since)
                              THEN given.until ELSE s.checkpoint END,
            attempted_at = now(), succeeded_at = now(), failures = 0, cause = NULL, message = NULL
        WHEN NOT MATCHED THEN INSERT (connection_id, entity, checkpoint, attempted_at, succeeded_at)
            VALUES ($1, given.entity, CASE WHEN given.since IS NULL THEN given.until END, now(), now())"#,
        page.connection.0,
        &entities as &[&str],
        &since as &[Option<DateTime<Utc>>],
        &until as &[Option<DateTime<Utc>>],
    );
    moved.execute(tx).await.map_err(failed("move checkpoints"))?;
    Ok(())
}

/// Notes that an attempt has failed of a segment by which entities are kept in sync; of others nothing.
pub(super) async fn note_failure(
    tx: &mut PgConnection,
    segment: SegmentId,
    failure: &Failure,
) -> Result<(), LedgerError> {
    let note = sqlx::query!(
        "
        INSERT INTO fleet.sync_states AS s (connection_id, entity, attempted_at, failures, cause, message)
        SELECT g.connection_id, e.entity, now(), 1, $2, $3
        FROM fleet.segments g,
            LATERAL (
                SELECT g.entity WHERE g.kind = 'sync'
                UNION ALL
                SELECT jsonb_array_elements_text(g.work::jsonb -> 'entities') WHERE g.kind = 'changes') AS e (entity)
        WHERE g.id = $1
        ORDER BY e.entity
        ON CONFLICT (connection_id, entity) DO UPDATE SET
            attempted_at = excluded.attempted_at, failures = s.failures + 1, cause = excluded.cause,
            message = excluded.message",
        segment.0,
        failure.kind.as_str(),
        &plain(&failure.message),
    );
    note.execute(tx).await.map_err(failed("note failure"))?;
    Ok(())
}
