//! Claims on Postgres.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::segment::{CRASHES, Event, FORMAT, IDLE_CLAIMS, Settlement, no_progress};
use ledgerfleet_model::{
    Axis, ConnectionId, Epoch, Lane, Position, RunId, SegmentId, SegmentState, Standing, Timings, Work,
    WorkKind, WorkerName,
};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, interval, small};
use super::error::{failed, persistently};
use super::segments::{
    Departure, LostRow, StandingColumns, WindowColumns, count_calls, depart, outcome_word, postpone,
    remember_attempt,
};
use crate::{Claim, Claims, Effort, Held, LedgerError, Settled};

struct ClaimRow {
    id: Uuid,
    run_id: Uuid,
    connection_id: Uuid,
    entity: String,
    lane: i16,
    kind: Word<WorkKind>,
    work: Option<String>,
    answered_at: Option<DateTime<Utc>>,
    axis: Word<Axis>,
    day_from: Option<NaiveDate>,
    day_to: Option<NaiveDate>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    page_size: Count<u32>,
    pass: Count<u32>,
    page: Count<u32>,
    position: String,
    state: Word<SegmentState>,
    epoch: i64,
    failures: Count<u32>,
    crashes: Count<u32>,
    waited_ms: Count<u64>,
    idle_claims: Count<u32>,
    started: bool,
    progressed: bool,
    attempt: Count<u32>,
    claimed_at: DateTime<Utc>,
    first_claimed_at: DateTime<Utc>,
    trace_context: Option<String>,
}

impl TryFrom<ClaimRow> for Claim {
    type Error = LedgerError;

    fn try_from(row: ClaimRow) -> Result<Self, LedgerError> {
        let lane = Lane::from_rank(row.lane)
            .ok_or_else(|| LedgerError::Corrupt(format!("there is no lane of rank {}", row.lane)))?;
        let window = WindowColumns {
            axis: row.axis.0,
            day_from: row.day_from,
            day_to: row.day_to,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
        };
        let standing = StandingColumns {
            state: row.state.0,
            epoch: row.epoch,
            failures: row.failures,
            crashes: row.crashes,
            waited_ms: row.waited_ms,
            idle_claims: row.idle_claims,
            started: row.started,
            progressed: row.progressed,
        };
        Ok(Self {
            segment: SegmentId(row.id),
            run: RunId(row.run_id),
            connection: ConnectionId(row.connection_id),
            entity: row.entity,
            lane,
            work: Work::stored(row.kind.0, window.try_into()?, row.work.as_deref())
                .map_err(|error| LedgerError::Corrupt(error.to_string()))?,
            answered_at: row.answered_at,
            page_size: row.page_size.0,
            pass: row.pass.0,
            page: row.page.0,
            position: Position::new(row.position),
            standing: standing.into(),
            attempt: row.attempt.0,
            claimed_at: row.claimed_at,
            first_claimed_at: row.first_claimed_at,
            trace_context: row.trace_context,
        })
    }
}

struct HeldRow {
    id: Uuid,
    epoch: i64,
}

impl From<HeldRow> for Held {
    fn from(row: HeldRow) -> Self {
        Self {
            segment: SegmentId(row.id),
            epoch: Epoch(row.epoch),
        }
    }
}

/// Segments and their fences, for statements that join with two arrays.
fn columns(held: &[Held]) -> (Vec<Uuid>, Vec<i64>) {
    held.iter().map(|held| (held.segment.0, held.epoch.0)).unzip()
}

#[async_trait]
impl Claims for PostgresLedger {
    async fn claim(
        &self,
        ids: &[SegmentId],
        worker: &WorkerName,
        lease: Duration,
    ) -> Result<Vec<Claim>, LedgerError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = persistently(|| self.take(ids, worker, lease)).await?;
        in_the_order_of(ids, rows)
    }

    async fn start(&self, held: Held) -> Result<bool, LedgerError> {
        let start = || async {
            sqlx::query!(
                "UPDATE fleet.segments SET started = true WHERE id = $1 AND epoch = $2 AND state = 'running'",
                held.segment.0,
                held.epoch.0
            )
            .execute(&self.pool)
            .await
            .map_err(failed("start"))
        };
        Ok(persistently(start).await?.rows_affected() == 1)
    }

    async fn heartbeat(&self, held: &[Held], lease: Duration) -> Result<Vec<Held>, LedgerError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let lost: HashSet<Held> = persistently(|| self.renew(held, lease))
            .await?
            .into_iter()
            .map(Held::from)
            .collect();
        Ok(held.iter().copied().filter(|held| lost.contains(held)).collect())
    }

    async fn hand_back(&self, held: &[Held]) -> Result<u64, LedgerError> {
        if held.is_empty() {
            return Ok(0);
        }
        persistently(|| self.give_back(held)).await
    }

    async fn postpone(&self, held: Held, wait: Duration) -> Result<bool, LedgerError> {
        let postponed = || async {
            let mut connection = self.pool.acquire().await.map_err(failed("postpone"))?;
            postpone(&mut connection, held, held.epoch, wait).await
        };
        persistently(postponed).await
    }

    async fn held_by(&self, worker: &WorkerName) -> Result<Vec<Held>, LedgerError> {
        let held = || async {
            sqlx::query_as!(
                HeldRow,
                "SELECT id, epoch FROM fleet.segments WHERE state = 'running' AND worker = $1 ORDER BY id",
                &worker.0
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("held by"))
        };
        Ok(persistently(held).await?.into_iter().map(Held::from).collect())
    }

    async fn settle(&self, settlement: &Settlement, effort: &Effort) -> Result<Settled, LedgerError> {
        persistently(|| self.settle_once(settlement, effort)).await
    }
}

impl PostgresLedger {
    /// Takes what may be taken, in one statement.
    async fn take(
        &self,
        ids: &[SegmentId],
        worker: &WorkerName,
        lease: Duration,
    ) -> Result<Vec<ClaimRow>, LedgerError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let take = sqlx::query_as!(
            ClaimRow,
            r#"
            WITH free AS (
                SELECT s.id, s.run_id, s.connection_id
                FROM fleet.segments s
                WHERE s.id = ANY($1) AND s.state = 'pending' AND s.due_at <= now() AND s.format <= $4
                ORDER BY s.id
                -- One that another worker is taking at this moment is not waited for: it is lost anyway.
                FOR NO KEY UPDATE SKIP LOCKED),
            -- Apart, and not joined above: whatever the statistics say, segments are found by their ids.
            open AS (
                SELECT r.id, r.trace_context
                FROM fleet.runs r
                WHERE r.state = 'active' AND r.id IN (SELECT run_id FROM free)
                -- A run that is paused at this moment either waits for this claim and calls it back, or is skipped.
                FOR SHARE OF r SKIP LOCKED)
            UPDATE fleet.segments s
            SET state = 'running', epoch = epoch + 1, attempt = attempt + 1, started = (crashes < $5),
                progressed = false, idle_claims = idle_claims + 1, worker = $2, claimed_at = now(), lease_until = now() + $3::interval,
                first_claimed_at = coalesce(first_claimed_at, now())
            FROM free
            JOIN open ON open.id = free.run_id
            JOIN fleet.connections c ON c.id = free.connection_id AND c.state = 'active'
            WHERE s.id = free.id
            RETURNING s.id, s.run_id, s.connection_id, s.entity, s.lane, s.kind AS "kind: _", s.work, s.answered_at,
                s.axis AS "axis: _", s.day_from, s.day_to,
                s.starts_at, s.ends_at, s.page_size AS "page_size: _", s.pass AS "pass: _", s.page AS "page: _",
                s.position,
                s.state AS "state: _", s.epoch, s.failures AS "failures: _", s.crashes AS "crashes: _",
                s.waited_ms AS "waited_ms: _", s.idle_claims AS "idle_claims: _", s.started, s.progressed, s.attempt AS "attempt: _",
                s.claimed_at AS "claimed_at!", s.first_claimed_at AS "first_claimed_at!", open.trace_context"#,
            &ids,
            &worker.0,
            interval(lease),
            FORMAT,
            small(CRASHES),
        );
        take.fetch_all(&self.pool).await.map_err(failed("claim"))
    }

    /// Renews what is still the caller's and answers what is not.
    async fn renew(&self, held: &[Held], lease: Duration) -> Result<Vec<HeldRow>, LedgerError> {
        let (ids, epochs) = columns(held);
        // A claim whose lease is over but that nobody took back yet is still the caller's.
        let renew = sqlx::query_as!(
            HeldRow,
            r#"
            WITH mine AS (
                SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS mine (id, epoch)),
            kept AS (
                SELECT s.id
                FROM fleet.segments s JOIN mine ON mine.id = s.id AND mine.epoch = s.epoch
                WHERE s.state = 'running'
                -- The commit of a page renews the lease itself. To wait for one would age all the other leases.
                FOR NO KEY UPDATE OF s SKIP LOCKED),
            renewed AS (
                UPDATE fleet.segments s SET lease_until = now() + $3::interval FROM kept WHERE s.id = kept.id)
            SELECT mine.id AS "id!", mine.epoch AS "epoch!"
            FROM mine
            WHERE NOT EXISTS (
                SELECT FROM fleet.segments s WHERE s.id = mine.id AND s.epoch = mine.epoch AND s.state = 'running')"#,
            &ids,
            &epochs,
            interval(lease),
        );
        renew.fetch_all(&self.pool).await.map_err(failed("heartbeat"))
    }

    async fn give_back(&self, held: &[Held]) -> Result<u64, LedgerError> {
        let (ids, epochs) = columns(held);
        let give_back = sqlx::query!(
            "
            WITH mine AS (
                SELECT s.id
                FROM fleet.segments s
                JOIN unnest($1::uuid[], $2::bigint[]) AS mine (id, epoch) ON mine.id = s.id AND mine.epoch = s.epoch
                WHERE s.state = 'running' AND s.idle_claims < $3
                -- In the order in which everybody locks.
                ORDER BY s.id FOR NO KEY UPDATE OF s)
            UPDATE fleet.segments s SET state = 'pending', due_at = now(), lease_until = NULL
            FROM mine WHERE s.id = mine.id",
            &ids,
            &epochs,
            small(IDLE_CLAIMS),
        );
        let given = give_back.execute(&self.pool).await.map_err(failed("hand back"))?;
        let given = given.rows_affected();
        if given == held.len() as u64 {
            return Ok(given);
        }
        Ok(given + self.bury_idle(held).await?)
    }

    /// Ends those of `held` that were claimed in vain too often; answers how many.
    async fn bury_idle(&self, held: &[Held]) -> Result<u64, LedgerError> {
        let (ids, epochs) = columns(held);
        let mut tx = self.begin("hand back").await?;
        let idle = sqlx::query_as!(
            LostRow,
            r#"
            SELECT s.id, s.worker AS "worker!", s.state AS "state: _", s.epoch, s.failures AS "failures: _",
                s.crashes AS "crashes: _", s.waited_ms AS "waited_ms: _", s.idle_claims AS "idle_claims: _", s.started,
                s.progressed
            FROM fleet.segments s
            JOIN unnest($1::uuid[], $2::bigint[]) AS mine (id, epoch) ON mine.id = s.id AND mine.epoch = s.epoch
            WHERE s.state = 'running' AND s.idle_claims >= $3
            ORDER BY s.id FOR NO KEY UPDATE OF s"#,
            &ids,
            &epochs,
            small(IDLE_CLAIMS),
        );
        let idle = idle.fetch_all(&mut *tx).await.map_err(failed("hand back"))?;
        let buried = idle.len() as u64;
        for row in idle {
            bury_one(&mut tx, &row).await?;
        }
        tx.commit().await.map_err(failed("hand back"))?;
        Ok(buried)
    }

    async fn settle_once(&self, settlement: &Settlement, effort: &Effort) -> Result<Settled, LedgerError> {
        let departure = Departure {
            held: Held {
                segment: settlement.segment(),
                epoch: settlement.epoch(),
            },
            after: settlement.after(),
            wait: settlement.wait(),
            failure: settlement.failure(),
            effort: Some(effort),
        };
        let mut tx = self.begin("settle").await?;
        let Some(departed) = depart(&mut tx, &departure).await? else {
            return Ok(Settled::Fenced);
        };
        let outcome = outcome_word(settlement.event(), departure.after);
        remember_attempt(&mut tx, &departure, &departed, outcome).await?;
        count_calls(&mut tx, departed.connection_id, &departed.entity, effort.calls).await?;
        tx.commit().await.map_err(failed("settle"))?;
        Ok(Settled::Settled)
    }
}

async fn bury_one(tx: &mut PgConnection, row: &LostRow) -> Result<(), LedgerError> {
    let (segment, worker) = (SegmentId(row.id), row.worker.clone());
    let standing = Standing::from(row);
    let after = standing
        .on(Event::HandBack, &Timings::default())
        .map_err(|error| LedgerError::Corrupt(error.to_string()))?;
    let failure = no_progress(standing.idle_claims, &worker);
    let departure = Departure {
        held: Held {
            segment,
            epoch: standing.epoch,
        },
        after,
        wait: Duration::ZERO,
        failure: Some(&failure),
        effort: None,
    };
    let departed = depart(tx, &departure)
        .await?
        .ok_or_else(|| LedgerError::Corrupt(format!("segment {segment} changed under a lock")))?;
    remember_attempt(tx, &departure, &departed, outcome_word(Event::HandBack, after)).await
}

/// The claims in the order in which their ids were given, which is the order of the bell.
fn in_the_order_of(ids: &[SegmentId], rows: Vec<ClaimRow>) -> Result<Vec<Claim>, LedgerError> {
    let mut claimed: HashMap<Uuid, ClaimRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    ids.iter()
        .filter_map(|id| claimed.remove(&id.0))
        .map(Claim::try_from)
        .collect()
}
