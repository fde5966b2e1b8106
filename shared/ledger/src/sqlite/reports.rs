//! What is told about runs: reports and volumetry.

use chrono::NaiveDate;
use ledgerfleet_model::{Axis, ConnectionId, Lane, RunId, RunState};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text};
use super::error::failed;
use crate::{EntityVolume, LedgerError, RunReport};

#[derive(sqlx::FromRow)]
struct RunRow {
    id: Text<RunId>,
    state: Text<RunState>,
    lane: i16,
    connections: String,
    entities: String,
    first_day: Option<Text<NaiveDate>>,
    last_day: Option<Text<NaiveDate>>,
    axis: Text<Axis>,
    created_at: Stamp,
    closed_at: Option<Stamp>,
}

/// The sums over a run's segments.
#[derive(sqlx::FromRow)]
struct SumRow {
    segments: u64,
    done: u64,
    empty: u64,
    dead: u64,
    cancelled: u64,
    pending: u64,
    running: u64,
    rows: u64,
    pages: u64,
    calls: u64,
}

pub(super) async fn run(ledger: &SqliteLedger, id: RunId) -> Result<Option<RunReport>, LedgerError> {
    const ONE: &str = "SELECT * FROM fleet_runs WHERE id = ?";
    let mut snapshot = ledger.read("run").await?;
    let one = sqlx::query_as(ONE).bind(Text(id)).fetch_optional(&mut *snapshot);
    match one.await.map_err(failed("run"))? {
        Some(row) => report(&mut snapshot, ledger.now(), row).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn runs(ledger: &SqliteLedger, limit: u32) -> Result<Vec<RunReport>, LedgerError> {
    const NEWEST: &str = "SELECT * FROM fleet_runs ORDER BY created_at DESC, id DESC LIMIT ?";
    let mut snapshot = ledger.read("runs").await?;
    let newest = sqlx::query_as(NEWEST).bind(limit).fetch_all(&mut *snapshot);
    let rows: Vec<RunRow> = newest.await.map_err(failed("runs"))?;
    let mut reports = Vec::with_capacity(rows.len());
    for row in rows {
        reports.push(report(&mut snapshot, ledger.now(), row).await?);
    }
    Ok(reports)
}

pub(super) async fn run_ids(
    ledger: &SqliteLedger,
    first: RunId,
    last: RunId,
    limit: u32,
) -> Result<Vec<RunId>, LedgerError> {
    const ALIKE: &str = "SELECT id FROM fleet_runs WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?";
    let alike = sqlx::query_scalar(ALIKE)
        .bind(Text(first))
        .bind(Text(last))
        .bind(limit);
    let ids: Vec<Text<RunId>> = alike
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("run ids"))?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

pub(super) async fn run_ids_within(
    ledger: &SqliteLedger,
    connections: &[ConnectionId],
    id: Option<RunId>,
    limit: u32,
) -> Result<Vec<RunId>, LedgerError> {
    const WITHIN: &str = "
        SELECT r.id FROM fleet_runs r
        WHERE (?1 IS NULL OR r.id = ?1)
          AND EXISTS (
            SELECT 1 FROM fleet_run_connections rc
            WHERE rc.run_id = r.id AND rc.connection_id IN (SELECT value FROM json_each(?2)))
          AND NOT EXISTS (
            SELECT 1 FROM fleet_run_connections rc
            WHERE rc.run_id = r.id AND rc.connection_id NOT IN (SELECT value FROM json_each(?2)))
        ORDER BY r.created_at DESC, r.id DESC LIMIT ?3";
    let connections: Vec<String> = connections.iter().map(ToString::to_string).collect();
    let within = sqlx::query_scalar(WITHIN)
        .bind(id.map(Text))
        .bind(serde_json::json!(connections).to_string())
        .bind(limit);
    let ids: Vec<Text<RunId>> = within
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("run ids within"))?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

async fn report(snapshot: &mut SqliteConnection, now: Stamp, run: RunRow) -> Result<RunReport, LedgerError> {
    let sums = sums(snapshot, run.id).await?;
    let blocked = blocked(snapshot, run.id).await?;
    let quarantined = quarantined(snapshot, run.id).await?;
    let deleted = deleted(snapshot, run.id).await?;
    let lane = Lane::from_rank(run.lane)
        .ok_or_else(|| LedgerError::Corrupt(format!("there is no lane of rank {}", run.lane)))?;
    Ok(RunReport {
        run_id: run.id.0,
        state: run.state.0,
        lane,
        connections: names(&run.connections)?,
        entities: names(&run.entities)?,
        from: run.first_day.map(|day| day.0),
        to: run.last_day.map(|day| day.0),
        axis: run.axis.0,
        segments: sums.segments,
        done: sums.done,
        empty: sums.empty,
        dead: sums.dead,
        cancelled: sums.cancelled,
        pending: sums.pending,
        blocked,
        running: sums.running,
        rows: sums.rows,
        quarantined,
        deleted,
        pages: sums.pages,
        calls: sums.calls,
        seconds: seconds_between(run.created_at, run.closed_at.unwrap_or(now)),
        created_at: run.created_at.0,
        closed_at: run.closed_at.map(|at| at.0),
    })
}

/// One scan of one index, which holds all that is summed; a million segments take a third of a second.
async fn sums(snapshot: &mut SqliteConnection, run: Text<RunId>) -> Result<SumRow, LedgerError> {
    const SUMS: &str = "
        SELECT count(*) AS segments,
               count(*) FILTER (WHERE state = 'done') AS done,
               count(*) FILTER (WHERE state = 'done' AND rows = 0) AS empty,
               count(*) FILTER (WHERE state = 'dead') AS dead,
               count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
               count(*) FILTER (WHERE state = 'pending') AS pending,
               count(*) FILTER (WHERE state = 'running') AS running,
               coalesce(sum(rows), 0) AS rows,
               coalesce(sum(pages), 0) AS pages,
               coalesce(sum(calls), 0) AS calls
        FROM fleet_segments WHERE run_id = ?";
    sqlx::query_as(SUMS)
        .bind(run)
        .fetch_one(snapshot)
        .await
        .map_err(failed("sums of run"))
}

/// Rows that were quarantined, which few segments have: an index holds only those.
async fn quarantined(snapshot: &mut SqliteConnection, run: Text<RunId>) -> Result<u64, LedgerError> {
    const QUARANTINED: &str =
        "SELECT coalesce(sum(quarantined), 0) FROM fleet_segments WHERE run_id = ? AND quarantined > 0";
    sqlx::query_scalar(QUARANTINED)
        .bind(run)
        .fetch_one(snapshot)
        .await
        .map_err(failed("quarantined of run"))
}

/// Tombstones, which few segments have: an index holds only those.
async fn deleted(snapshot: &mut SqliteConnection, run: Text<RunId>) -> Result<u64, LedgerError> {
    const DELETED: &str =
        "SELECT coalesce(sum(deleted), 0) FROM fleet_segments WHERE run_id = ? AND deleted > 0";
    sqlx::query_scalar(DELETED)
        .bind(run)
        .fetch_one(snapshot)
        .await
        .map_err(failed("deleted of run"))
}

/// Pending segments whose connection is not active.
async fn blocked(snapshot: &mut SqliteConnection, run: Text<RunId>) -> Result<u64, LedgerError> {
    const BLOCKED: &str = "
        SELECT count(*)
        FROM fleet_run_connections rc
        CROSS JOIN fleet_connections c ON c.id = rc.connection_id AND c.state <> 'active'
        CROSS JOIN fleet_segments s
            ON s.run_id = rc.run_id AND s.connection_id = rc.connection_id AND s.state = 'pending'
        WHERE rc.run_id = ?";
    sqlx::query_scalar(BLOCKED)
        .bind(run)
        .fetch_one(snapshot)
        .await
        .map_err(failed("blocked of run"))
}

pub(super) async fn volumes(ledger: &SqliteLedger, id: RunId) -> Result<Vec<EntityVolume>, LedgerError> {
    #[derive(sqlx::FromRow)]
    struct VolumeRow {
        connection: String,
        entity: String,
        segments: u64,
        done: u64,
        empty: u64,
        dead: u64,
        rows: u64,
        most_rows: u64,
        quarantined: u64,
        pages: u64,
        calls: u64,
        first_claimed_at: Option<Stamp>,
        last_ended_at: Option<Stamp>,
    }
    // Joined before it is grouped, each segment would carry a name through the sort.
    const VOLUMES: &str = "
        SELECT c.name AS connection, v.*
        FROM (SELECT connection_id, entity,
                     count(*) AS segments,
                     count(*) FILTER (WHERE state = 'done') AS done,
                     count(*) FILTER (WHERE state = 'done' AND rows = 0) AS empty,
                     count(*) FILTER (WHERE state = 'dead') AS dead,
                     sum(rows) AS rows, max(rows) AS most_rows, sum(quarantined) AS quarantined,
                     sum(pages) AS pages, sum(calls) AS calls,
                     min(first_claimed_at) AS first_claimed_at, max(ended_at) AS last_ended_at
              FROM fleet_segments WHERE run_id = ?
              GROUP BY connection_id, entity) AS v
        CROSS JOIN fleet_connections c ON c.id = v.connection_id
        ORDER BY c.name, v.entity";
    let volumes = sqlx::query_as(VOLUMES).bind(Text(id)).fetch_all(&ledger.readers);
    let rows: Vec<VolumeRow> = volumes.await.map_err(failed("volumes"))?;
    let volume = |row: VolumeRow| EntityVolume {
        connection: row.connection,
        entity: row.entity,
        segments: row.segments,
        done: row.done,
        empty: row.empty,
        dead: row.dead,
        rows: row.rows,
        most_rows: row.most_rows,
        quarantined: row.quarantined,
        pages: row.pages,
        calls: row.calls,
        seconds: row
            .first_claimed_at
            .zip(row.last_ended_at)
            .map_or(0.0, |(first, last)| seconds_between(first, last)),
    };
    Ok(rows.into_iter().map(volume).collect())
}

fn names(json: &str) -> Result<Vec<String>, LedgerError> {
    serde_json::from_str(json).map_err(|error| LedgerError::Corrupt(format!("a list of names: {error}")))
}

fn seconds_between(start: Stamp, end: Stamp) -> f64 {
    (end.0 - start.0).as_seconds_f64().max(0.0)
}
