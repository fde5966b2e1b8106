//! What is told about runs: reports and volumetry.

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Axis, ConnectionId, Lane, RunId, RunState};
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, number};
use super::error::{failed, persistently};
use crate::{EntityVolume, LedgerError, RunReport};

struct ReportRow {
    id: Uuid,
    state: Word<RunState>,
    lane: i16,
    connections: Vec<String>,
    entities: Vec<String>,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    axis: Word<Axis>,
    created_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    seconds: f64,
    segments: Count<u64>,
    done: Count<u64>,
    empty: Count<u64>,
    dead: Count<u64>,
    cancelled: Count<u64>,
    pending: Count<u64>,
    blocked: Count<u64>,
    running: Count<u64>,
    rows: Count<u64>,
    quarantined: Count<u64>,
    deleted: Count<u64>,
    pages: Count<u64>,
    calls: Count<u64>,
}

impl TryFrom<ReportRow> for RunReport {
    type Error = LedgerError;

    fn try_from(row: ReportRow) -> Result<Self, LedgerError> {
        let lane = Lane::from_rank(row.lane)
            .ok_or_else(|| LedgerError::Corrupt(format!("there is no lane of rank {}", row.lane)))?;
        Ok(Self {
            run_id: RunId(row.id),
            state: row.state.0,
            lane,
            connections: row.connections,
            entities: row.entities,
            from: row.first_day,
            to: row.last_day,
            axis: row.axis.0,
            segments: row.segments.0,
            done: row.done.0,
            empty: row.empty.0,
            dead: row.dead.0,
            cancelled: row.cancelled.0,
            pending: row.pending.0,
            blocked: row.blocked.0,
            running: row.running.0,
            rows: row.rows.0,
            quarantined: row.quarantined.0,
            deleted: row.deleted.0,
            pages: row.pages.0,
            calls: row.calls.0,
            seconds: row.seconds.max(0.0),
            created_at: row.created_at,
            closed_at: row.closed_at,
        })
    }
}

pub(super) async fn run_ids(
    ledger: &PostgresLedger,
    first: RunId,
    last: RunId,
    limit: u32,
) -> Result<Vec<RunId>, LedgerError> {
    let alike = sqlx::query_scalar!(
        "SELECT id FROM fleet.runs WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3",
        first.0,
        last.0,
        number(limit),
    );
    let ids = alike.fetch_all(&ledger.pool).await.map_err(failed("run ids"))?;
    Ok(ids.into_iter().map(RunId).collect())
}

pub(super) async fn run_ids_within(
    ledger: &PostgresLedger,
    connections: &[ConnectionId],
    id: Option<RunId>,
    limit: u32,
) -> Result<Vec<RunId>, LedgerError> {
    let connections: Vec<Uuid> = connections.iter().map(|connection| connection.0).collect();
    let within = sqlx::query_scalar!(
        "
        SELECT r.id FROM fleet.runs r
        WHERE ($1::uuid IS NULL OR r.id = $1)
          AND EXISTS (
            SELECT FROM fleet.run_connections rc WHERE rc.run_id = r.id AND rc.connection_id = ANY($2))
          AND NOT EXISTS (
            SELECT FROM fleet.run_connections rc WHERE rc.run_id = r.id AND rc.connection_id <> ALL($2))
        ORDER BY r.created_at DESC, r.id DESC LIMIT $3",
        id.map(|id| id.0),
        &connections,
        number(limit),
    );
    let ids = within
        .fetch_all(&ledger.pool)
        .await
        .map_err(failed("run ids within"))?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// One run, or the newest runs.
pub(super) async fn reports(
    ledger: &PostgresLedger,
    id: Option<RunId>,
    limit: u32,
) -> Result<Vec<RunReport>, LedgerError> {
    let rows = persistently(|| report_rows(ledger, id, limit)).await?;
    rows.into_iter().map(RunReport::try_from).collect()
}

async fn report_rows(
    ledger: &PostgresLedger,
    id: Option<RunId>,
    limit: u32,
) -> Result<Vec<ReportRow>, LedgerError> {
    let reports = sqlx::query_as!(
        ReportRow,
        r#"
        SELECT r.id, r.state AS "state: _", r.lane, r.connections, r.entities, r.first_day, r.last_day,
            r.axis AS "axis: _", r.created_at, r.closed_at,
            extract(epoch FROM coalesce(r.closed_at, now()) - r.created_at)::double precision AS "seconds!",
            sums.segments AS "segments!: _", sums.done AS "done!: _", sums.empty AS "empty!: _",
            sums.dead AS "dead!: _", sums.cancelled AS "cancelled!: _", sums.pending AS "pending!: _",
            waiting.blocked AS "blocked!: _", sums.running AS "running!: _", sums.rows AS "rows!: _",
            sums.pages AS "pages!: _", sums.calls AS "calls!: _",
            (SELECT coalesce(sum(quarantined), 0)::bigint FROM fleet.segments WHERE run_id = r.id AND quarantined > 0)
                AS "quarantined!: _",
            (SELECT coalesce(sum(deleted), 0)::bigint FROM fleet.segments WHERE run_id = r.id AND deleted > 0)
                AS "deleted!: _"
        FROM (
            SELECT * FROM fleet.runs
            WHERE $1::uuid IS NULL OR id = $1
            ORDER BY created_at DESC, id DESC LIMIT $2) AS r
        CROSS JOIN LATERAL (
            SELECT count(*) AS segments,
                count(*) FILTER (WHERE state = 'done') AS done,
                count(*) FILTER (WHERE state = 'done' AND rows = 0) AS empty,
                count(*) FILTER (WHERE state = 'dead') AS dead,
                count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
                count(*) FILTER (WHERE state = 'pending') AS pending,
                count(*) FILTER (WHERE state = 'running') AS running,
                coalesce(sum(rows), 0)::bigint AS rows,
                coalesce(sum(pages), 0)::bigint AS pages,
                coalesce(sum(calls), 0)::bigint AS calls
            FROM fleet.segments WHERE run_id = r.id) AS sums
        CROSS JOIN LATERAL (
            SELECT count(*) AS blocked
            FROM fleet.run_connections rc
            JOIN fleet.connections c ON c.id = rc.connection_id AND c.state <> 'active'
            JOIN fleet.segments s
                ON s.run_id = rc.run_id AND s.connection_id = rc.connection_id AND s.state = 'pending'
            WHERE rc.run_id = r.id) AS waiting
        ORDER BY r.created_at DESC, r.id DESC"#,
        id.map(|id| id.0),
        number(limit),
    );
    reports.fetch_all(&ledger.pool).await.map_err(failed("reports"))
}

struct VolumeRow {
    connection: String,
    entity: String,
    segments: Count<u64>,
    done: Count<u64>,
    empty: Count<u64>,
    dead: Count<u64>,
    rows: Count<u64>,
    most_rows: Count<u64>,
    quarantined: Count<u64>,
    pages: Count<u64>,
    calls: Count<u64>,
    seconds: Option<f64>,
}

impl From<VolumeRow> for EntityVolume {
    fn from(row: VolumeRow) -> Self {
        Self {
            connection: row.connection,
            entity: row.entity,
            segments: row.segments.0,
            done: row.done.0,
            empty: row.empty.0,
            dead: row.dead.0,
            rows: row.rows.0,
            most_rows: row.most_rows.0,
            quarantined: row.quarantined.0,
            pages: row.pages.0,
            calls: row.calls.0,
            seconds: row.seconds.unwrap_or(0.0).max(0.0),
        }
    }
}

pub(super) async fn volumes(ledger: &PostgresLedger, id: RunId) -> Result<Vec<EntityVolume>, LedgerError> {
    let volumes = || async {
        sqlx::query_as!(
            VolumeRow,
            r#"
            SELECT c.name AS connection, s.entity,
                count(*) AS "segments!: _",
                count(*) FILTER (WHERE s.state = 'done') AS "done!: _",
                count(*) FILTER (WHERE s.state = 'done' AND s.rows = 0) AS "empty!: _",
                count(*) FILTER (WHERE s.state = 'dead') AS "dead!: _",
                sum(s.rows)::bigint AS "rows!: _", max(s.rows) AS "most_rows!: _",
                sum(s.quarantined)::bigint AS "quarantined!: _",
                sum(s.pages)::bigint AS "pages!: _", sum(s.calls)::bigint AS "calls!: _",
                extract(epoch FROM max(s.ended_at) - min(s.first_claimed_at))::double precision AS seconds
            FROM fleet.segments s JOIN fleet.connections c ON c.id = s.connection_id
            WHERE s.run_id = $1
            GROUP BY c.name, s.connection_id, s.entity
            ORDER BY c.name, s.entity"#,
            id.0
        )
        .fetch_all(&ledger.pool)
        .await
        .map_err(failed("volumes"))
    };
    let rows = persistently(volumes).await?;
    Ok(rows.into_iter().map(EntityVolume::from).collect())
}
