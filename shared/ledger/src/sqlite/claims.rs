//! Claims on SQLite.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::segment::{CRASHES, Event, FORMAT, IDLE_CLAIMS, Settlement, no_progress};
use ledgerfleet_model::{
    ConnectionId, Epoch, Lane, Position, RunId, SegmentId, Standing, Timings, WorkerName,
};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_list};
use super::error::failed;
use super::segments::{
    Departure, LostRow, StandingColumns, WorkColumns, count_calls, depart, outcome_word, postpone,
    remember_attempt,
};
use crate::{Claim, Claims, Effort, Held, LedgerError, Settled};

#[derive(sqlx::FromRow)]
struct ClaimRow {
    id: Text<SegmentId>,
    run_id: Text<RunId>,
    connection_id: Text<ConnectionId>,
    entity: String,
    lane: i16,
    #[sqlx(flatten)]
    work: WorkColumns,
    answered_at: Option<Stamp>,
    page_size: u32,
    pass: u32,
    page: u32,
    position: String,
    #[sqlx(flatten)]
    standing: StandingColumns,
    attempt: u32,
    claimed_at: Stamp,
    first_claimed_at: Stamp,
    trace_context: Option<String>,
}

/// Takes what may be taken, in one statement.
const CLAIM: &str = "
    UPDATE fleet_segments
    SET state = 'running', epoch = epoch + 1, attempt = attempt + 1, started = (crashes < ?6), progressed = 0,
        idle_claims = idle_claims + 1,
        worker = ?2, claimed_at = ?3, first_claimed_at = coalesce(first_claimed_at, ?3), lease_until = ?4
    WHERE id IN (SELECT value FROM json_each(?1))
      AND state = 'pending' AND due_at <= ?3 AND format <= ?5
      AND EXISTS (SELECT 1 FROM fleet_runs r WHERE r.id = run_id AND r.state = 'active')
      AND EXISTS (SELECT 1 FROM fleet_connections c WHERE c.id = connection_id AND c.state = 'active')
    RETURNING id, run_id, connection_id, entity, lane, kind, work, answered_at, axis, day_from, day_to, starts_at, ends_at, page_size, pass,
        page, position, state, epoch, failures, crashes, waited_ms, idle_claims, started, progressed, attempt, claimed_at,
        first_claimed_at,
        (SELECT r.trace_context FROM fleet_runs r WHERE r.id = run_id) AS trace_context";

impl TryFrom<ClaimRow> for Claim {
    type Error = LedgerError;

    fn try_from(row: ClaimRow) -> Result<Self, LedgerError> {
        let lane = Lane::from_rank(row.lane)
            .ok_or_else(|| LedgerError::Corrupt(format!("there is no lane of rank {}", row.lane)))?;
        Ok(Self {
            segment: row.id.0,
            run: row.run_id.0,
            connection: row.connection_id.0,
            entity: row.entity,
            lane,
            work: row.work.try_into()?,
            answered_at: row.answered_at.map(|at| at.0),
            page_size: row.page_size,
            pass: row.pass,
            page: row.page,
            position: Position::new(row.position),
            standing: row.standing.into(),
            attempt: row.attempt,
            claimed_at: row.claimed_at.0,
            first_claimed_at: row.first_claimed_at.0,
            trace_context: row.trace_context,
        })
    }
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    id: Text<SegmentId>,
    epoch: i64,
}

impl From<HeldRow> for Held {
    fn from(row: HeldRow) -> Self {
        Self {
            segment: row.id.0,
            epoch: Epoch(row.epoch),
        }
    }
}

/// `[["id", epoch], …]`, for statements that join with `json_each`.
fn json_held(held: &[Held]) -> String {
    let pair = |held: &Held| serde_json::json!([held.segment, held.epoch]);
    held.iter().map(pair).collect::<serde_json::Value>().to_string()
}

#[async_trait]
impl Claims for SqliteLedger {
    async fn claim(
        &self,
        ids: &[SegmentId],
        worker: &WorkerName,
        lease: Duration,
    ) -> Result<Vec<Claim>, LedgerError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.write("claim").await?;
        let now = self.now();
        let rows: Vec<ClaimRow> = sqlx::query_as(CLAIM)
            .bind(json_list(ids))
            .bind(&worker.0)
            .bind(now)
            .bind(now.after(lease))
            .bind(FORMAT)
            .bind(CRASHES)
            .fetch_all(&mut *tx)
            .await
            .map_err(failed("claim"))?;
        // Before the commit: a row that cannot be read must not be held by anybody.
        let claims = in_the_order_of(ids, rows)?;
        tx.commit().await.map_err(failed("claim"))?;
        Ok(claims)
    }

    async fn start(&self, held: Held) -> Result<bool, LedgerError> {
        const START: &str =
            "UPDATE fleet_segments SET started = 1 WHERE id = ? AND epoch = ? AND state = 'running'";
        let mut tx = self.write("start").await?;
        let start = sqlx::query(START).bind(Text(held.segment)).bind(held.epoch.0);
        let started = start
            .execute(&mut *tx)
            .await
            .map_err(failed("start"))?
            .rows_affected()
            == 1;
        tx.commit().await.map_err(failed("start"))?;
        Ok(started)
    }

    async fn heartbeat(&self, held: &[Held], lease: Duration) -> Result<Vec<Held>, LedgerError> {
        // A claim whose lease is over but that nobody took back yet is still the caller's.
        const HEARTBEAT: &str = "
            UPDATE fleet_segments SET lease_until = ?2
            WHERE (id, epoch) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) AND state = 'running'
            RETURNING id, epoch";
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.write("heartbeat").await?;
        let lease_until = self.now().after(lease);
        let kept: Vec<HeldRow> = sqlx::query_as(HEARTBEAT)
            .bind(json_held(held))
            .bind(lease_until)
            .fetch_all(&mut *tx)
            .await
            .map_err(failed("heartbeat"))?;
        tx.commit().await.map_err(failed("heartbeat"))?;
        let kept: HashSet<Held> = kept.into_iter().map(Held::from).collect();
        Ok(held.iter().copied().filter(|held| !kept.contains(held)).collect())
    }

    async fn hand_back(&self, held: &[Held]) -> Result<u64, LedgerError> {
        const HAND_BACK: &str = "
            UPDATE fleet_segments SET state = 'pending', due_at = ?2, lease_until = NULL
            WHERE (id, epoch) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) AND state = 'running'
              AND idle_claims < ?3";
        if held.is_empty() {
            return Ok(0);
        }
        let (mut tx, now) = (self.write("hand back").await?, self.now());
        let hand_back = sqlx::query(HAND_BACK)
            .bind(json_held(held))
            .bind(now)
            .bind(IDLE_CLAIMS);
        let given = hand_back.execute(&mut *tx).await.map_err(failed("hand back"))?;
        let buried = bury_idle(&mut tx, now, held).await?;
        tx.commit().await.map_err(failed("hand back"))?;
        Ok(given.rows_affected() + buried)
    }

    async fn postpone(&self, held: Held, wait: Duration) -> Result<bool, LedgerError> {
        let mut tx = self.write("postpone").await?;
        let due = self.now().after(wait);
        let is_held = postpone(&mut tx, held, held.epoch, due).await?;
        tx.commit().await.map_err(failed("postpone"))?;
        Ok(is_held)
    }

    async fn held_by(&self, worker: &WorkerName) -> Result<Vec<Held>, LedgerError> {
        const HELD: &str = "
            SELECT id, epoch FROM fleet_segments INDEXED BY fleet_segments_running
            WHERE state = 'running' AND worker = ? ORDER BY rowid";
        let rows: Vec<HeldRow> = sqlx::query_as(HELD)
            .bind(&worker.0)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("held by"))?;
        Ok(rows.into_iter().map(Held::from).collect())
    }

    async fn settle(&self, settlement: &Settlement, effort: &Effort) -> Result<Settled, LedgerError> {
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
        let mut tx = self.write("settle").await?;
        let now = self.now();
        let Some(departed) = depart(&mut tx, now, &departure).await? else {
            return Ok(Settled::Fenced);
        };
        let outcome = outcome_word(settlement.event(), departure.after);
        remember_attempt(&mut tx, now, &departure, &departed, outcome).await?;
        count_calls(
            &mut tx,
            now,
            departed.connection_id.0,
            &departed.entity,
            effort.calls,
        )
        .await?;
        tx.commit().await.map_err(failed("settle"))?;
        Ok(Settled::Settled)
    }
}

/// Ends those of `held` that were claimed in vain too often; answers how many.
async fn bury_idle(tx: &mut SqliteConnection, now: Stamp, held: &[Held]) -> Result<u64, LedgerError> {
    const IDLE: &str = "
        SELECT id, worker, state, epoch, failures, crashes, waited_ms, idle_claims, started, progressed
        FROM fleet_segments
        WHERE (id, epoch) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) AND state = 'running'
          AND idle_claims >= ?2
        ORDER BY rowid";
    let idle: Vec<LostRow> = sqlx::query_as(IDLE)
        .bind(json_held(held))
        .bind(IDLE_CLAIMS)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed("hand back"))?;
    let buried = idle.len() as u64;
    for row in idle {
        bury_one(tx, now, row).await?;
    }
    Ok(buried)
}

async fn bury_one(tx: &mut SqliteConnection, now: Stamp, row: LostRow) -> Result<(), LedgerError> {
    let standing = Standing::from(row.standing);
    let after = standing
        .on(Event::HandBack, &Timings::default())
        .map_err(|error| LedgerError::Corrupt(error.to_string()))?;
    let failure = no_progress(standing.idle_claims, &row.worker);
    let departure = Departure {
        held: Held {
            segment: row.id.0,
            epoch: standing.epoch,
        },
        after,
        wait: Duration::ZERO,
        failure: Some(&failure),
        effort: None,
    };
    let departed = depart(tx, now, &departure).await?;
    let departed =
        departed.ok_or_else(|| LedgerError::Corrupt(format!("segment {} changed under a lock", row.id.0)))?;
    remember_attempt(
        tx,
        now,
        &departure,
        &departed,
        outcome_word(Event::HandBack, after),
    )
    .await
}

/// The claims in the order in which their ids were given, which is the order of the bell.
fn in_the_order_of(ids: &[SegmentId], rows: Vec<ClaimRow>) -> Result<Vec<Claim>, LedgerError> {
    let mut claimed: HashMap<SegmentId, ClaimRow> = rows.into_iter().map(|row| (row.id.0, row)).collect();
    ids.iter()
        .filter_map(|id| claimed.remove(id))
        .map(Claim::try_from)
        .collect()
}
