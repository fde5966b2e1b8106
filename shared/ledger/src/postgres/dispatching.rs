//! The statements of the leader's duties on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::segment::{Event, FORMAT, no_progress};
use ledgerfleet_model::{
    ConnectionId, Epoch, Failure, FailureKind, Lane, RunId, RunState, SegmentId, SegmentState, Standing,
    Timings, WorkerName,
};
use sqlx::types::Uuid;
use sqlx::{Connection, PgConnection};

use super::PostgresLedger;
use super::codec::{Count, Word, number, small};
use super::error::{failed, persistently};
use super::segments::{Departure, LostRow, depart, outcome_word, postpone, remember_attempt};
use crate::{
    ClosedRun, DispatchLimits, Dispatching, Held, Leader, LedgerError, Ready, RescueScope, Rescued,
    SegmentCounts, Sessions,
};

/// Segments that a connection may have waiting at its workers beside those that its gate lets through: enough
/// that the gate never idles while a worker claims the next.
const AHEAD: i32 = 3;

#[async_trait]
impl Dispatching for PostgresLedger {
    async fn due(&self, limits: &DispatchLimits) -> Result<Vec<Ready>, LedgerError> {
        let rows = persistently(|| self.due_rows(limits)).await?;
        rows.into_iter().map(Ready::try_from).collect()
    }

    async fn rescue(&self, scope: RescueScope, timings: &Timings) -> Result<Vec<Rescued>, LedgerError> {
        persistently(|| self.rescue_once(scope, timings)).await
    }

    async fn close_runs(&self) -> Result<Vec<ClosedRun>, LedgerError> {
        persistently(|| self.close_once()).await
    }

    async fn next_due(&self) -> Result<Option<Duration>, LedgerError> {
        let overdue = persistently(|| self.overdue()).await?;
        Ok(overdue.map(|overdue| Duration::from_micros(u64::try_from(-overdue).unwrap_or(0))))
    }

    async fn segment_counts(&self) -> Result<SegmentCounts, LedgerError> {
        struct CountRow {
            state: Word<SegmentState>,
            count: Count<u64>,
        }
        let counts = || async {
            sqlx::query_as!(
                CountRow,
                r#"SELECT state AS "state: _", count(*) AS "count!: _" FROM fleet.segments GROUP BY state"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("segment counts"))
        };
        let by_state = persistently(counts).await?;
        let overdue = persistently(|| self.overdue()).await?.unwrap_or(0);
        Ok(SegmentCounts {
            by_state: by_state
                .into_iter()
                .map(|row| (row.state.0, row.count.0))
                .collect(),
            oldest_due_seconds: u64::try_from(overdue / 1_000_000).unwrap_or(0),
        })
    }

    fn sessions(&self) -> Sessions {
        self.pool.state()
    }

    async fn close(&self) {
        Self::close(self).await;
    }

    async fn check_writable(&self) -> Result<(), LedgerError> {
        // The server looks at the rights and at its own state before it looks for rows.
        let nothing = async || {
            let nothing = sqlx::query("UPDATE fleet.segments SET state = state WHERE false");
            let written = nothing.execute(&self.pool).await;
            written.map(drop).map_err(failed("check that it can be written"))
        };
        persistently(nothing).await
    }

    async fn last_dispatch(&self) -> Result<Option<Duration>, LedgerError> {
        const AGO: &str = "
            SELECT extract(epoch FROM now() - dispatched_at)::float8 FROM fleet.leader WHERE dispatched_at IS NOT NULL";
        let ago = async || {
            let ago: Option<f64> = sqlx::query_scalar(AGO)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed("last dispatch"))?;
            Ok(ago.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
        };
        persistently(ago).await
    }

    async fn leader(&self) -> Result<Option<Leader>, LedgerError> {
        const LEADER: &str = "
            SELECT holder, term, since, extract(epoch FROM until - now())::float8 FROM fleet.leader WHERE until > now()";
        let leader = async || {
            let leader = sqlx::query_as(LEADER).fetch_optional(&self.pool).await;
            leader.map_err(failed("leader"))
        };
        let leader: Option<(String, i64, Option<DateTime<Utc>>, f64)> = persistently(leader).await?;
        Ok(leader.map(|(holder, term, since, seconds)| Leader {
            holder: WorkerName(holder),
            term,
            since,
            lease: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        }))
    }
}

struct DueRow {
    id: Uuid,
    connection_id: Uuid,
    lane: i16,
}

impl TryFrom<DueRow> for Ready {
    type Error = LedgerError;

    fn try_from(row: DueRow) -> Result<Self, LedgerError> {
        let lane = Lane::from_rank(row.lane)
            .ok_or_else(|| LedgerError::Corrupt(format!("there is no lane of rank {}", row.lane)))?;
        Ok(Self {
            segment: SegmentId(row.id),
            connection: ConnectionId(row.connection_id),
            lane,
        })
    }
}

impl PostgresLedger {
    /// The first due segments of every pair of active run and active connection, as many as the connection has room
    /// for. It probes an index once a pair and never walks over what it will not offer, however long a paused run
    /// before it is. Then, of each connection, the best lanes first; and lane by lane the first of every connection,
    /// the second of every connection, and so on.
    async fn due_rows(&self, limits: &DispatchLimits) -> Result<Vec<DueRow>, LedgerError> {
        let (connectors, slots): (Vec<String>, Vec<i32>) = limits
            .slots
            .iter()
            .map(|(connector, slots)| (connector.clone(), small(*slots)))
            .unzip();
        let due = sqlx::query_as!(
            DueRow,
            r#"
            WITH room AS (
                SELECT c.id,
                    coalesce(c.slots, d.slots, 1) + $3 - (
                        SELECT count(*) FROM fleet.segments s WHERE s.connection_id = c.id AND s.state = 'running'
                    ) AS room
                FROM fleet.connections c
                LEFT JOIN unnest($1::text[], $2::integer[]) AS d (connector, slots) ON d.connector = c.connector
                WHERE c.state = 'active'),
            first AS (
                SELECT s.id, s.connection_id, s.lane, s.due_at, room.room,
                    row_number() OVER (PARTITION BY s.connection_id ORDER BY s.lane, s.due_at, s.id) AS place,
                    row_number() OVER (PARTITION BY s.connection_id, s.lane ORDER BY s.due_at, s.id) AS round
                FROM fleet.runs r
                JOIN fleet.run_connections rc ON rc.run_id = r.id
                JOIN room ON room.id = rc.connection_id AND room.room > 0
                CROSS JOIN LATERAL (
                    SELECT s.id, s.connection_id, s.lane, s.due_at
                    FROM fleet.segments s
                    WHERE s.run_id = rc.run_id AND s.connection_id = rc.connection_id
                      AND s.state = 'pending' AND s.due_at <= now()
                      -- What only a newer program can claim would take the places of what can be claimed here.
                      AND s.format <= $5
                    ORDER BY s.due_at, s.id
                    LIMIT room.room) AS s
                WHERE r.state = 'active')
            SELECT id, connection_id, lane
            FROM first
            WHERE place <= room
            ORDER BY lane, round, due_at, id
            LIMIT $4"#,
            &connectors,
            &slots,
            AHEAD,
            number(limits.total),
            FORMAT,
        );
        due.fetch_all(&self.pool).await.map_err(failed("due"))
    }

    /// For how many microseconds the first pending segment of an active run and connection has been due; negative
    /// if it will be.
    async fn overdue(&self) -> Result<Option<i64>, LedgerError> {
        let overdue = sqlx::query_scalar!(
            r#"
            SELECT (extract(epoch FROM now() - min(first.due_at)) * 1000000)::bigint
            FROM fleet.runs r
            JOIN fleet.run_connections rc ON rc.run_id = r.id
            JOIN fleet.connections c ON c.id = rc.connection_id AND c.state = 'active'
            -- From where the run's and connection's segments would begin in the index of what is due, the first one:
            -- asked for with equality, a table whose statistics do not know a new run yet would be searched by run and
            -- state, all segments once for every connection.
            CROSS JOIN LATERAL (
                SELECT s.run_id, s.connection_id, s.due_at
                FROM fleet.segments s
                WHERE (s.run_id, s.connection_id) >= (rc.run_id, rc.connection_id) AND s.state = 'pending'
                ORDER BY s.run_id, s.connection_id, s.due_at
                LIMIT 1) AS first
            WHERE r.state = 'active' AND first.run_id = rc.run_id AND first.connection_id = rc.connection_id"#
        );
        overdue.fetch_one(&self.pool).await.map_err(failed("next due"))
    }

    async fn close_once(&self) -> Result<Vec<ClosedRun>, LedgerError> {
        struct ClosedRow {
            id: Uuid,
            state: Word<RunState>,
        }
        let mut tx = self.begin("close runs").await?;
        // Whoever replays something of a run holds its row; such a run is looked at again next time.
        let finished = sqlx::query_scalar!(
            "
            SELECT r.id FROM fleet.runs r
            WHERE r.state = 'active'
              AND NOT EXISTS (
                  SELECT FROM fleet.segments s WHERE s.run_id = r.id AND s.state IN ('pending', 'running'))
            FOR NO KEY UPDATE OF r SKIP LOCKED"
        );
        let finished = finished
            .fetch_all(&mut *tx)
            .await
            .map_err(failed("finished runs"))?;
        if finished.is_empty() {
            return Ok(Vec::new());
        }
        // Asked again, now that nobody can revive a segment of them: the first answer may be older than the lock.
        let close = sqlx::query_as!(
            ClosedRow,
            r#"
            UPDATE fleet.runs r
            SET closed_at = now(),
                state = CASE
                    WHEN EXISTS (SELECT FROM fleet.segments s WHERE s.run_id = r.id AND s.state = 'dead') THEN 'dead'
                    WHEN EXISTS (SELECT FROM fleet.segments s WHERE s.run_id = r.id AND s.state = 'cancelled') THEN 'cancelled'
                    ELSE 'done'
                END
            WHERE r.id = ANY($1)
              AND NOT EXISTS (
                  SELECT FROM fleet.segments s WHERE s.run_id = r.id AND s.state IN ('pending', 'running'))
            RETURNING r.id, r.state AS "state: _""#,
            &finished
        );
        let closed = close.fetch_all(&mut *tx).await.map_err(failed("close runs"))?;
        tx.commit().await.map_err(failed("close runs"))?;
        let told = |row: ClosedRow| ClosedRun {
            run: RunId(row.id),
            state: row.state.0,
        };
        Ok(closed.into_iter().map(told).collect())
    }

    async fn rescue_once(&self, scope: RescueScope, timings: &Timings) -> Result<Vec<Rescued>, LedgerError> {
        let mut tx = self.begin("rescue").await?;
        let mut rescued = Vec::new();
        for lost in lost_segments(&mut tx, scope).await? {
            rescued.push(rescue_or_postpone(&mut tx, lost, timings).await?);
        }
        if !rescued.is_empty() {
            tx.commit().await.map_err(failed("rescue"))?;
        }
        Ok(rescued)
    }
}

async fn lost_segments(tx: &mut PgConnection, scope: RescueScope) -> Result<Vec<LostRow>, LedgerError> {
    let lost = sqlx::query_as!(
        LostRow,
        r#"
        SELECT id, worker AS "worker!", state AS "state: _", epoch, failures AS "failures: _", crashes AS "crashes: _",
            waited_ms AS "waited_ms: _", idle_claims AS "idle_claims: _", started, progressed
        FROM fleet.segments
        WHERE state = 'running' AND ($1 OR lease_until <= now())
        ORDER BY id
        -- Who is locked is being stored, settled or rescued at this moment, and so not lost.
        FOR NO KEY UPDATE SKIP LOCKED"#,
        scope == RescueScope::All,
    );
    lost.fetch_all(tx).await.map_err(failed("lost segments"))
}

/// One whose end cannot be written is put off: it must not keep the others from being rescued, nor be fetched again and
/// again.
async fn rescue_or_postpone(
    tx: &mut PgConnection,
    lost: LostRow,
    timings: &Timings,
) -> Result<Rescued, LedgerError> {
    let mut point = tx.begin().await.map_err(failed("rescue"))?;
    let error = match rescue_one(&mut point, &lost, timings).await {
        Ok(rescued) => {
            point.commit().await.map_err(failed("rescue"))?;
            return Ok(rescued);
        }
        Err(error) if error.is_passing() => return Err(error),
        Err(error) => error,
    };
    point.rollback().await.map_err(failed("rescue"))?;
    let (segment, epoch) = (SegmentId(lost.id), Epoch(lost.epoch));
    tracing::warn!(%segment, error = &error as &dyn std::error::Error, "its end cannot be written; it is put off");
    postpone(tx, Held { segment, epoch }, epoch.next(), timings.backoff_cap).await?;
    Ok(Rescued {
        segment,
        state: SegmentState::Pending,
        worker: lost.worker,
    })
}

async fn rescue_one(
    tx: &mut PgConnection,
    lost: &LostRow,
    timings: &Timings,
) -> Result<Rescued, LedgerError> {
    let (segment, worker) = (SegmentId(lost.id), lost.worker.clone());
    let standing = Standing::from(lost);
    let after = standing
        .on(Event::Rescue, timings)
        .map_err(|error| LedgerError::Corrupt(error.to_string()))?;
    let failure = crash(&worker, standing, after);
    let held = Held {
        segment,
        epoch: standing.epoch,
    };
    let departure = Departure {
        held,
        after,
        wait: Duration::ZERO,
        failure: Some(&failure),
        effort: None,
    };
    let departed = depart(tx, &departure)
        .await?
        .ok_or_else(|| LedgerError::Corrupt(format!("segment {segment} changed under a lock")))?;
    remember_attempt(tx, &departure, &departed, outcome_word(Event::Rescue, after)).await?;
    Ok(Rescued {
        segment,
        state: after.state,
        worker,
    })
}

/// What a crash is called in the history. It is recorded also when it does not count.
fn crash(worker: &str, before: Standing, after: Standing) -> Failure {
    if after.state == SegmentState::Dead && after.crashes == before.crashes {
        return no_progress(before.idle_claims, worker);
    }
    let how = if after.crashes > before.crashes {
        "before it had stored a page"
    } else if before.progressed {
        "after it had stored pages; not counted as a crash"
    } else {
        "before it had begun; not counted as a crash"
    };
    Failure::new(FailureKind::CrashLoop, format!("worker {worker} was lost {how}"))
}
