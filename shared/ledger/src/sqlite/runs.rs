//! Submitting and steering runs on SQLite. What is told about them is in `reports`.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::NaiveDate;
use ledgerfleet_model::{ConnectionId, RunId, RunState, SegmentId};
use sqlx::SqliteConnection;

use super::cancelling::{Cancelled, cancel};
use super::codec::{Stamp, Text, number};
use super::error::failed;
use super::segments::{WindowColumns, audit};
use super::{SqliteLedger, remaining, reports};
use crate::{EntityVolume, LedgerError, NewRun, NewSegment, Remaining, RunReport, Runs, Steer, Submitted};

/// Segments that are held in memory at once while a run is submitted.
const CHUNK: usize = 10_000;

#[async_trait]
impl Runs for SqliteLedger {
    async fn submit(
        &self,
        run: &NewRun,
        segments: &mut (dyn Iterator<Item = NewSegment> + Send),
    ) -> Result<Submitted, LedgerError> {
        let mut tx = self.write("submit").await?;
        let now = self.now();
        let submitted = submit_in(&mut tx, now, run, segments).await?;
        if !submitted.attached {
            tx.commit().await.map_err(failed("submit"))?;
        }
        Ok(submitted)
    }

    async fn run(&self, id: RunId) -> Result<Option<RunReport>, LedgerError> {
        reports::run(self, id).await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunReport>, LedgerError> {
        reports::runs(self, limit).await
    }

    async fn run_ids_within(
        &self,
        connections: &[ConnectionId],
        id: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunId>, LedgerError> {
        reports::run_ids_within(self, connections, id, limit).await
    }

    async fn run_ids(&self, first: RunId, last: RunId, limit: u32) -> Result<Vec<RunId>, LedgerError> {
        reports::run_ids(self, first, last, limit).await
    }

    async fn steer_run(&self, id: RunId, steer: Steer) -> Result<Option<RunState>, LedgerError> {
        let mut tx = self.write("steer run").await?;
        let now = self.now();
        let Some(before) = state_of(&mut tx, id).await? else {
            return Ok(None);
        };
        let (after, action) = match (steer, before) {
            (Steer::Pause, RunState::Active) => (RunState::Paused, "run.pause"),
            (Steer::Resume, RunState::Paused) => (RunState::Active, "run.resume"),
            (Steer::Cancel, RunState::Active | RunState::Paused) => (RunState::Cancelled, "run.cancel"),
            _ => return Ok(Some(before)),
        };
        set_state(&mut tx, now, id, after).await?;
        let touched = match steer {
            Steer::Pause => call_back(&mut tx, now, id).await?,
            Steer::Resume => 0,
            Steer::Cancel => cancel(&mut tx, now, Cancelled::OfRun(id)).await?,
        };
        let detail = serde_json::json!({ "segments": touched });
        audit(&mut tx, now, action, Some(id.to_string()), detail).await?;
        tx.commit().await.map_err(failed("steer run"))?;
        Ok(Some(after))
    }

    async fn remaining(&self, id: RunId) -> Result<Vec<Remaining>, LedgerError> {
        remaining::remaining(self, id).await
    }

    async fn volumes(&self, id: RunId) -> Result<Vec<EntityVolume>, LedgerError> {
        reports::volumes(self, id).await
    }
}

/// Stores a run with its segments, or finds the unfinished one of an equal request: part of a transaction.
pub(super) async fn submit_in(
    tx: &mut SqliteConnection,
    now: Stamp,
    run: &NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    if let Some(first) = unfinished_equal(tx, &run.request_key).await? {
        return Ok(first);
    }
    insert_run(tx, now, run).await?;
    let mut known = HashSet::new();
    let mut count = 0;
    loop {
        let chunk: Vec<NewSegment> = segments.take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        join_connections(tx, run.id, &chunk, &mut known).await?;
        count += insert_segments(tx, now, Joined::of(run), &chunk).await?;
    }
    count_segments(tx, run.id, count).await?;
    Ok(Submitted {
        run: run.id,
        attached: false,
        segments: count,
    })
}

/// The unfinished run that already answers this request, if there is one.
async fn unfinished_equal(
    tx: &mut SqliteConnection,
    request_key: &str,
) -> Result<Option<Submitted>, LedgerError> {
    #[derive(sqlx::FromRow)]
    struct EqualRow {
        id: Text<RunId>,
        segments: u64,
    }
    const EQUAL: &str =
        "SELECT id, segments FROM fleet_runs WHERE request_key = ? AND state IN ('active', 'paused')";
    let equal: Option<EqualRow> = sqlx::query_as(EQUAL)
        .bind(request_key)
        .fetch_optional(tx)
        .await
        .map_err(failed("find equal run"))?;
    Ok(equal.map(|row| Submitted {
        run: row.id.0,
        attached: true,
        segments: row.segments,
    }))
}

async fn insert_run(tx: &mut SqliteConnection, now: Stamp, run: &NewRun) -> Result<(), LedgerError> {
    const INSERT: &str = "
        INSERT INTO fleet_runs (id, state, lane, connections, entities, first_day, last_day, axis, segmenting,
            page_size, request_key, trace_context, created_at)
        VALUES (?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(INSERT)
        .bind(Text(run.id))
        .bind(run.lane.rank())
        .bind(serde_json::json!(run.connections).to_string())
        .bind(serde_json::json!(run.entities).to_string())
        .bind(run.from.map(Text))
        .bind(run.to.map(Text))
        .bind(Text(run.axis))
        .bind(&run.segmenting)
        .bind(run.page_size)
        .bind(&run.request_key)
        .bind(&run.trace_context)
        .bind(now);
    insert.execute(tx).await.map_err(failed("insert run"))?;
    Ok(())
}

/// Notes which companies the run touches. One that was removed since the plan was made would leave segments that
/// nobody can ever claim, and a run that never ends.
async fn join_connections(
    tx: &mut SqliteConnection,
    run: RunId,
    chunk: &[NewSegment],
    known: &mut HashSet<ConnectionId>,
) -> Result<(), LedgerError> {
    const JOIN: &str = "
        INSERT INTO fleet_run_connections (run_id, connection_id)
        SELECT ?, id FROM fleet_connections WHERE id = ? AND state <> 'removed'";
    for connection in chunk.iter().map(|segment| segment.connection) {
        if !known.insert(connection) {
            continue;
        }
        let join = sqlx::query(JOIN)
            .bind(Text(run))
            .bind(Text(connection))
            .execute(&mut *tx)
            .await;
        if join.map_err(failed("join connection"))?.rows_affected() == 0 {
            return Err(LedgerError::NoSuchConnection(connection));
        }
    }
    Ok(())
}

/// The run that segments join.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct Joined {
    run_id: Text<RunId>,
    lane: i16,
    page_size: u32,
}

impl Joined {
    fn of(run: &NewRun) -> Self {
        Self {
            run_id: Text(run.id),
            lane: run.lane.rank(),
            page_size: run.page_size,
        }
    }
}

/// Has segments join the run of the one that ends: part of its last commit.
pub(super) async fn join_run(
    tx: &mut SqliteConnection,
    now: Stamp,
    of: SegmentId,
    segments: &[NewSegment],
) -> Result<(), LedgerError> {
    const JOINED: &str = "SELECT run_id, lane, page_size FROM fleet_segments WHERE id = ?";
    const COUNT: &str = "UPDATE fleet_runs SET segments = segments + ?2 WHERE id = ?1";
    if segments.is_empty() {
        return Ok(());
    }
    let joined: Joined = sqlx::query_as(JOINED)
        .bind(Text(of))
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("join run"))?;
    let count = insert_segments(tx, now, joined, segments).await?;
    let counted = sqlx::query(COUNT).bind(joined.run_id).bind(number(count));
    counted.execute(tx).await.map_err(failed("join run"))?;
    Ok(())
}

async fn insert_segments(
    tx: &mut SqliteConnection,
    now: Stamp,
    run: Joined,
    chunk: &[NewSegment],
) -> Result<u64, LedgerError> {
    const INSERT: &str = "
        INSERT INTO fleet_segments (id, run_id, connection_id, entity, lane, format, axis, day_from, day_to,
            starts_at, ends_at, kind, work, page_size, due_at, created_at)
        SELECT value ->> 0, ?2, value ->> 1, value ->> 2, ?3, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
            value ->> 7, value ->> 8, value ->> 9, value ->> 10, ?4, ?5, ?5
        FROM json_each(?1) ORDER BY key";
    let insert = sqlx::query(INSERT)
        .bind(json_segments(chunk)?)
        .bind(run.run_id)
        .bind(run.lane)
        .bind(run.page_size)
        .bind(now);
    let inserted = insert.execute(tx).await.map_err(failed("insert segments"))?;
    Ok(inserted.rows_affected())
}

/// `[[id, connection, entity, format, axis, day_from, day_to, starts_at, ends_at, kind, work], …]`
fn json_segments(chunk: &[NewSegment]) -> Result<String, LedgerError> {
    let row = |segment: &NewSegment| {
        let window = WindowColumns::from(&segment.work.place());
        let day = |day: Option<Text<NaiveDate>>| day.map(|day| day.0);
        let instant = |at: Option<Stamp>| at.map(|at| at.to_string());
        let days = (day(window.day_from), day(window.day_to));
        let instants = (instant(window.starts_at), instant(window.ends_at));
        (
            segment.id,
            segment.connection,
            segment.entity.clone(),
            segment.work.format(),
            window.axis.0,
            days.0,
            days.1,
            instants.0,
            instants.1,
            segment.work.kind().as_str(),
            segment.work.details(),
        )
    };
    let rows: Vec<_> = chunk.iter().map(row).collect();
    serde_json::to_string(&rows).map_err(|error| failed("insert segments")(sqlx::Error::Encode(error.into())))
}

async fn count_segments(tx: &mut SqliteConnection, run: RunId, count: u64) -> Result<(), LedgerError> {
    const COUNT: &str = "UPDATE fleet_runs SET segments = ?2 WHERE id = ?1";
    let set = sqlx::query(COUNT)
        .bind(Text(run))
        .bind(number(count))
        .execute(tx)
        .await;
    set.map_err(failed("count segments"))?;
    Ok(())
}

async fn state_of(tx: &mut SqliteConnection, run: RunId) -> Result<Option<RunState>, LedgerError> {
    const STATE: &str = "SELECT state FROM fleet_runs WHERE id = ?";
    let state: Option<Text<RunState>> = sqlx::query_scalar(STATE)
        .bind(Text(run))
        .fetch_optional(tx)
        .await
        .map_err(failed("state of run"))?;
    Ok(state.map(|state| state.0))
}

async fn set_state(
    tx: &mut SqliteConnection,
    now: Stamp,
    run: RunId,
    state: RunState,
) -> Result<(), LedgerError> {
    const SET: &str = "UPDATE fleet_runs SET state = ?2, closed_at = ?3 WHERE id = ?1";
    let closed_at = state.is_over().then_some(now);
    let set = sqlx::query(SET)
        .bind(Text(run))
        .bind(Text(state))
        .bind(closed_at)
        .execute(tx)
        .await;
    set.map_err(failed("set state of run"))?;
    Ok(())
}

/// Takes what runs away from its workers: their next write finds the fence moved.
async fn call_back(tx: &mut SqliteConnection, now: Stamp, run: RunId) -> Result<i64, LedgerError> {
    const CALL_BACK: &str = "
        UPDATE fleet_segments SET state = 'pending', epoch = epoch + 1, due_at = ?2, lease_until = NULL
        WHERE run_id = ?1 AND state = 'running'";
    let called = sqlx::query(CALL_BACK).bind(Text(run)).bind(now).execute(tx).await;
    Ok(number(called.map_err(failed("call back"))?.rows_affected()))
}
