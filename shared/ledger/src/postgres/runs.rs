//! Submitting and steering runs on Postgres. What is told about them is in `reports`.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{ConnectionId, RunId, RunState, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::cancelling::{Cancelled, cancel};
use super::codec::{Count, Word, number, small};
use super::error::{failed, patiently};
use super::segments::{WindowColumns, audit, take_time};
use super::{PostgresLedger, remaining, reports};
use crate::{EntityVolume, LedgerError, NewRun, NewSegment, Remaining, RunReport, Runs, Steer, Submitted};

/// Segments that are held in memory at once while a run is submitted.
const CHUNK: usize = 10_000;

#[async_trait]
impl Runs for PostgresLedger {
    async fn submit(
        &self,
        run: &NewRun,
        segments: &mut (dyn Iterator<Item = NewSegment> + Send),
    ) -> Result<Submitted, LedgerError> {
        let mut tx = self.begin("submit").await?;
        // An equal request that is being submitted at this moment, perhaps a large one, is waited for.
        take_time(&mut tx).await?;
        let submitted = submit_in(&mut tx, run, segments).await?;
        if !submitted.attached {
            tx.commit().await.map_err(failed("submit"))?;
        }
        Ok(submitted)
    }

    async fn run(&self, id: RunId) -> Result<Option<RunReport>, LedgerError> {
        Ok(reports::reports(self, Some(id), 1).await?.pop())
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunReport>, LedgerError> {
        reports::reports(self, None, limit).await
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
        patiently(|| self.steer_once(id, steer)).await
    }

    async fn remaining(&self, id: RunId) -> Result<Vec<Remaining>, LedgerError> {
        remaining::remaining(self, id).await
    }

    async fn volumes(&self, id: RunId) -> Result<Vec<EntityVolume>, LedgerError> {
        reports::volumes(self, id).await
    }
}

impl PostgresLedger {
    async fn steer_once(&self, id: RunId, steer: Steer) -> Result<Option<RunState>, LedgerError> {
        let mut tx = self.begin("steer run").await?;
        take_time(&mut tx).await?;
        let Some(before) = lock_run(&mut tx, id).await? else {
            return Ok(None);
        };
        let (after, action) = match (steer, before) {
            (Steer::Pause, RunState::Active) => (RunState::Paused, "run.pause"),
            (Steer::Resume, RunState::Paused) => (RunState::Active, "run.resume"),
            (Steer::Cancel, RunState::Active | RunState::Paused) => (RunState::Cancelled, "run.cancel"),
            _ => return Ok(Some(before)),
        };
        set_state(&mut tx, id, after).await?;
        let touched = match steer {
            Steer::Pause => call_back(&mut tx, id).await?,
            Steer::Resume => 0,
            Steer::Cancel => cancel(&mut tx, Cancelled::OfRun(id)).await?,
        };
        let detail = serde_json::json!({ "segments": touched });
        audit(&mut tx, action, Some(id.0), detail).await?;
        tx.commit().await.map_err(failed("steer run"))?;
        Ok(Some(after))
    }
}

/// Stores a run with its segments, or finds the unfinished one of an equal request: part of a transaction.
pub(super) async fn submit_in(
    tx: &mut PgConnection,
    run: &NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    if let Some(first) = insert_run(tx, run).await? {
        return Ok(first);
    }
    let mut connections = HashSet::new();
    let mut count = 0;
    loop {
        let chunk: Vec<NewSegment> = segments.take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        join_connections(tx, run.id, &chunk, &mut connections).await?;
        count += insert_segments(tx, Joined::of(run), &chunk).await?;
    }
    count_segments(tx, run.id, count).await?;
    check_connections(tx, &connections).await?;
    Ok(Submitted {
        run: run.id,
        attached: false,
        segments: count,
    })
}

/// Inserts a run, unless an unfinished one answers this request already: then that is answered.
async fn insert_run(tx: &mut PgConnection, run: &NewRun) -> Result<Option<Submitted>, LedgerError> {
    loop {
        // Waits for the end of a transaction that has inserted an equal one, and inserts if that was undone.
        let insert = sqlx::query!(
            "
            INSERT INTO fleet.runs (id, state, lane, connections, entities, first_day, last_day, axis, segmenting,
                page_size, request_key, trace_context, created_at)
            VALUES ($1, 'active', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now())
            ON CONFLICT (request_key) WHERE state IN ('active', 'paused') DO NOTHING",
            run.id.0,
            run.lane.rank(),
            &run.connections,
            &run.entities,
            run.from,
            run.to,
            run.axis.as_str(),
            &run.segmenting,
            small(run.page_size),
            &run.request_key,
            run.trace_context.as_deref(),
        );
        let inserted = insert.execute(&mut *tx).await.map_err(failed("insert run"))?;
        if inserted.rows_affected() == 1 {
            return Ok(None);
        }
        let equal = unfinished_equal(tx, &run.request_key).await?;
        if equal.is_some() {
            return Ok(equal);
        }
        // It has ended between the two statements.
    }
}

async fn unfinished_equal(
    tx: &mut PgConnection,
    request_key: &str,
) -> Result<Option<Submitted>, LedgerError> {
    struct EqualRow {
        id: Uuid,
        segments: Count<u64>,
    }
    let equal = sqlx::query_as!(
        EqualRow,
        r#"
        SELECT id, segments AS "segments: _" FROM fleet.runs
        WHERE request_key = $1 AND state IN ('active', 'paused')"#,
        request_key
    );
    let equal = equal.fetch_optional(tx).await.map_err(failed("find equal run"))?;
    Ok(equal.map(|row| Submitted {
        run: RunId(row.id),
        attached: true,
        segments: row.segments.0,
    }))
}

/// Notes which companies the run touches.
async fn join_connections(
    tx: &mut PgConnection,
    run: RunId,
    chunk: &[NewSegment],
    known: &mut HashSet<ConnectionId>,
) -> Result<(), LedgerError> {
    for connection in chunk.iter().map(|segment| segment.connection) {
        if !known.insert(connection) {
            continue;
        }
        let join = sqlx::query!(
            "
            INSERT INTO fleet.run_connections (run_id, connection_id)
            SELECT $1, id FROM fleet.connections WHERE id = $2 AND state <> 'removed'",
            run.0,
            connection.0,
        );
        let joined = join.execute(&mut *tx).await.map_err(failed("join connection"))?;
        if joined.rows_affected() == 0 {
            return Err(LedgerError::NoSuchConnection(connection));
        }
    }
    Ok(())
}

/// Looks a second time, at the end, whether the companies are there: one that was removed since the plan was made
/// would leave segments that nobody can ever claim, and a run that never ends. The locks that keep them until the
/// commit are held for a moment only.
async fn check_connections(
    tx: &mut PgConnection,
    connections: &HashSet<ConnectionId>,
) -> Result<(), LedgerError> {
    let ids: Vec<Uuid> = connections.iter().map(|id| id.0).collect();
    let there = sqlx::query_scalar!(
        "
        SELECT id FROM fleet.connections WHERE id = ANY($1) AND state <> 'removed'
        -- Whoever removes one waits for this run and cancels its segments, or is waited for.
        ORDER BY id FOR SHARE",
        &ids,
    );
    let there = there.fetch_all(tx).await.map_err(failed("check connections"))?;
    let there: HashSet<ConnectionId> = there.into_iter().map(ConnectionId).collect();
    match connections.difference(&there).next() {
        Some(gone) => Err(LedgerError::NoSuchConnection(*gone)),
        None => Ok(()),
    }
}

/// The segments of a chunk, a column each.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    connections: Vec<Uuid>,
    entities: Vec<String>,
    axes: Vec<&'static str>,
    days_from: Vec<Option<NaiveDate>>,
    days_to: Vec<Option<NaiveDate>>,
    starts: Vec<Option<DateTime<Utc>>>,
    ends: Vec<Option<DateTime<Utc>>>,
    formats: Vec<i32>,
    kinds: Vec<&'static str>,
    works: Vec<Option<String>>,
}

impl Columns {
    fn of(chunk: &[NewSegment]) -> Self {
        let mut columns = Self::default();
        for segment in chunk {
            let window = WindowColumns::from(&segment.work.place());
            columns.ids.push(segment.id.0);
            columns.connections.push(segment.connection.0);
            columns.entities.push(segment.entity.clone());
            columns.axes.push(window.axis.as_str());
            columns.days_from.push(window.day_from);
            columns.days_to.push(window.day_to);
            columns.starts.push(window.starts_at);
            columns.ends.push(window.ends_at);
            columns.formats.push(segment.work.format());
            columns.kinds.push(segment.work.kind().as_str());
            columns.works.push(segment.work.details());
        }
        columns
    }
}

/// The run that segments join.
#[derive(Debug, Clone, Copy)]
struct Joined {
    run_id: Uuid,
    lane: i16,
    page_size: i32,
}

impl Joined {
    fn of(run: &NewRun) -> Self {
        Self {
            run_id: run.id.0,
            lane: run.lane.rank(),
            page_size: small(run.page_size),
        }
    }
}

/// Has segments join the run of the one that ends: part of its last commit.
pub(super) async fn join_run(
    tx: &mut PgConnection,
    of: SegmentId,
    segments: &[NewSegment],
) -> Result<(), LedgerError> {
    if segments.is_empty() {
        return Ok(());
    }
    let joined = sqlx::query_as!(
        Joined,
        "SELECT run_id, lane, page_size FROM fleet.segments WHERE id = $1",
        of.0
    );
    let joined = joined.fetch_one(&mut *tx).await.map_err(failed("join run"))?;
    let count = insert_segments(tx, joined, segments).await?;
    let counted = sqlx::query!(
        "UPDATE fleet.runs SET segments = segments + $2 WHERE id = $1",
        joined.run_id,
        number(count)
    );
    counted.execute(tx).await.map_err(failed("join run"))?;
    Ok(())
}

async fn insert_segments(
    tx: &mut PgConnection,
    run: Joined,
    chunk: &[NewSegment],
) -> Result<u64, LedgerError> {
    let columns = Columns::of(chunk);
    let insert = sqlx::query!(
        "
        INSERT INTO fleet.segments (id, run_id, connection_id, entity, lane, format, axis, day_from, day_to, starts_at,
            ends_at, kind, work, page_size, due_at, created_at)
        SELECT id, $1, connection_id, entity, $2, format, axis, day_from, day_to, starts_at, ends_at, kind, work, $3,
            now(), now()
        FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::date[], $9::date[], $10::timestamptz[],
            $11::timestamptz[], $12::integer[], $13::text[], $14::text[])
        AS given (id, connection_id, entity, axis, day_from, day_to, starts_at, ends_at, format, kind, work)",
        run.run_id,
        run.lane,
        run.page_size,
        &columns.ids,
        &columns.connections,
        &columns.entities,
        &columns.axes as &[&str],
        &columns.days_from as &[Option<NaiveDate>],
        &columns.days_to as &[Option<NaiveDate>],
        &columns.starts as &[Option<DateTime<Utc>>],
        &columns.ends as &[Option<DateTime<Utc>>],
        &columns.formats,
        &columns.kinds as &[&str],
        &columns.works as &[Option<String>],
    );
    let inserted = insert.execute(tx).await.map_err(failed("insert segments"))?;
    Ok(inserted.rows_affected())
}

async fn count_segments(tx: &mut PgConnection, run: RunId, count: u64) -> Result<(), LedgerError> {
    let set = sqlx::query!(
        "UPDATE fleet.runs SET segments = $2 WHERE id = $1",
        run.0,
        number(count)
    );
    set.execute(tx).await.map_err(failed("count segments"))?;
    Ok(())
}

/// The state of a run, which stays as it is until this transaction ends.
async fn lock_run(tx: &mut PgConnection, run: RunId) -> Result<Option<RunState>, LedgerError> {
    let state = sqlx::query_scalar!(
        r#"SELECT state AS "state: Word<RunState>" FROM fleet.runs WHERE id = $1 FOR NO KEY UPDATE"#,
        run.0
    );
    let state = state.fetch_optional(tx).await.map_err(failed("state of run"))?;
    Ok(state.map(|state| state.0))
}

async fn set_state(tx: &mut PgConnection, run: RunId, state: RunState) -> Result<(), LedgerError> {
    let set = sqlx::query!(
        "UPDATE fleet.runs SET state = $2, closed_at = CASE WHEN $3 THEN now() END WHERE id = $1",
        run.0,
        state.as_str(),
        state.is_over(),
    );
    set.execute(tx).await.map_err(failed("set state of run"))?;
    Ok(())
}

/// Takes what runs away from its workers: their next write finds the fence moved. A claim that began before the run's
/// row was locked has ended since.
async fn call_back(tx: &mut PgConnection, run: RunId) -> Result<i64, LedgerError> {
    let call_back = sqlx::query!(
        "
        UPDATE fleet.segments SET state = 'pending', epoch = epoch + 1, due_at = now(), lease_until = NULL
        WHERE run_id = $1 AND state = 'running'",
        run.0
    );
    let called = call_back.execute(tx).await.map_err(failed("call back"))?;
    Ok(number(called.rows_affected()))
}
