//! Coverage on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::segment::SegmentState;
use ledgerfleet_model::{Axis, Days, FailureKind, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, number, plain};
use super::error::{failed, persistently};
use super::segments::WindowColumns;
use crate::coverage::{Island, not_read};
use crate::{
    Coverage, CoverageFilter, CoverageRow, CoverageState, FinishedWindow, LedgerError, Missing, PageCommit,
};

struct Row {
    name: String,
    entity: String,
    axis: Word<Axis>,
    day_from: Option<NaiveDate>,
    day_to: Option<NaiveDate>,
    state: Word<CoverageState>,
    unproven: bool,
    rows: Count<u64>,
    source_count: Option<Count<u64>>,
    read_at: DateTime<Utc>,
    last_result: String,
    last_segment_id: Uuid,
    note: Option<String>,
}

impl From<Row> for CoverageRow {
    fn from(row: Row) -> Self {
        Self {
            connection: row.name,
            entity: row.entity,
            axis: row.axis.0,
            from: row.day_from,
            to: row.day_to.and_then(|day| day.pred_opt()),
            state: row.state.0.told(row.unproven),
            rows: row.rows.0,
            source_count: row.source_count.map(|count| count.0),
            read_at: row.read_at,
            last_result: row.last_result,
            last_segment: SegmentId(row.last_segment_id),
            note: row.note,
        }
    }
}

#[async_trait]
impl Coverage for PostgresLedger {
    async fn coverage(&self, filter: &CoverageFilter) -> Result<Vec<CoverageRow>, LedgerError> {
        let connections: Vec<Uuid> = filter.connections.iter().map(|id| id.0).collect();
        // A window without days covers all of them, so no range leaves it out.
        let covered = || async {
            sqlx::query_as!(
                Row,
                r#"
                SELECT c.name, v.entity, v.axis AS "axis: _", v.day_from, v.day_to, v.state AS "state: _", v.unproven,
                    v.rows AS "rows: _", v.source_count AS "source_count: _", v.read_at, v.last_result,
                    v.last_segment_id, v.note
                FROM fleet.coverage v JOIN fleet.connections c ON c.id = v.connection_id
                WHERE c.state <> 'removed'
                  AND (cardinality($1::uuid[]) = 0 OR v.connection_id = ANY($1))
                  AND (cardinality($2::text[]) = 0 OR v.entity = ANY($2))
                  AND ($3::date IS NULL OR v.day_to IS NULL OR v.day_to > $3)
                  AND ($4::date IS NULL OR v.day_from IS NULL OR v.day_from <= $4)
                ORDER BY c.name, v.entity, v.axis, v.day_from NULLS FIRST, v.day_to NULLS FIRST"#,
                &connections,
                &filter.entities,
                filter.from,
                filter.to,
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("coverage"))
        };
        Ok(persistently(covered)
            .await?
            .into_iter()
            .map(CoverageRow::from)
            .collect())
    }

    async fn asked_and_not_read(&self, filter: &CoverageFilter) -> Result<Vec<Missing>, LedgerError> {
        let rows = persistently(|| island_rows(self, filter)).await?;
        let islands: Vec<Island> = rows.into_iter().map(Island::from).collect();
        Ok(not_read(&islands, filter))
    }
}

struct IslandRow {
    name: String,
    entity: String,
    axis: Word<Axis>,
    state: Word<SegmentState>,
    reason: Option<Word<FailureKind>>,
    day_from: Option<NaiveDate>,
    day_to: Option<NaiveDate>,
}

impl From<IslandRow> for Island {
    fn from(row: IslandRow) -> Self {
        let days = row.day_from.zip(row.day_to);
        Self {
            connection: row.name,
            entity: row.entity,
            axis: row.axis.0,
            state: row.state.0,
            reason: row.reason.map(|reason| reason.0),
            days: days.map(|(from, to)| Days { from, to }),
        }
    }
}

async fn island_rows(
    ledger: &PostgresLedger,
    filter: &CoverageFilter,
) -> Result<Vec<IslandRow>, LedgerError> {
    let connections: Vec<Uuid> = filter.connections.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        IslandRow,
        r#"
        -- What is complete stands among what was asked for as `done`. A window begins an island unless it touches or
        -- overlaps one before it.
        WITH windows AS (
            SELECT s.connection_id, s.entity, s.axis, s.state, CASE s.state WHEN 'dead' THEN s.reason END AS reason,
                s.day_from, s.day_to
            FROM fleet.segments s
            WHERE s.state IN ('pending', 'running', 'dead', 'cancelled')
              AND (s.axis <> 'updated' OR s.day_from IS NOT NULL)
            UNION
            SELECT connection_id, entity, axis, 'done', NULL, day_from, day_to
            FROM fleet.coverage WHERE state = 'complete'),
        wanted AS (
            SELECT c.name, w.*
            FROM windows w JOIN fleet.connections c ON c.id = w.connection_id
            WHERE c.state <> 'removed'
              AND (cardinality($1::uuid[]) = 0 OR w.connection_id = ANY($1))
              AND (cardinality($2::text[]) = 0 OR w.entity = ANY($2))
              AND ($3::date IS NULL OR w.day_to IS NULL OR w.day_to > $3)
              AND ($4::date IS NULL OR w.day_from IS NULL OR w.day_from <= $4)),
        marked AS (
            SELECT *, day_from <= max(day_to) OVER (PARTITION BY name, entity, axis, state, reason
                ORDER BY day_from, day_to ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS goes_on
            FROM wanted),
        numbered AS (
            SELECT *, count(*) FILTER (WHERE goes_on IS NOT TRUE) OVER (PARTITION BY name, entity, axis, state, reason
                ORDER BY day_from, day_to ROWS UNBOUNDED PRECEDING) AS island
            FROM marked)
        SELECT name AS "name!", entity AS "entity!", axis AS "axis!: _", state AS "state!: _", reason AS "reason?: _",
            min(day_from) AS "day_from?", max(day_to) AS "day_to?"
        FROM numbered GROUP BY name, entity, axis, state, reason, island
        ORDER BY name, entity, axis, state, reason NULLS FIRST, min(day_from)"#,
        &connections,
        &filter.entities,
        filter.from,
        filter.to,
    );
    rows.fetch_all(&ledger.pool)
        .await
        .map_err(failed("asked_and_not_read"))
}

async fn forget_seen(tx: &mut PgConnection, segment: SegmentId) -> Result<(), LedgerError> {
    let forget = sqlx::query!("DELETE FROM fleet.seen WHERE segment_id = $1", segment.0);
    forget.execute(tx).await.map_err(failed("forget seen"))?;
    Ok(())
}

/// Writes that the window of a page was read to its end, where it is one that people ask for, and forgets what was seen
/// in it.
pub(super) async fn cover(
    tx: &mut PgConnection,
    page: &PageCommit<'_>,
    finished: &FinishedWindow,
) -> Result<(), LedgerError> {
    if !page.window.is_of_days() {
        return forget_seen(tx, page.segment).await;
    }
    let window = WindowColumns::from(page.window);
    let state = if finished.open {
        CoverageState::Open
    } else {
        CoverageState::Complete
    };
    let note = finished.full_note();
    let note = note.as_deref().map(plain);
    let cover = sqlx::query!(
        "
        WITH forgotten AS (
            DELETE FROM fleet.seen WHERE segment_id = $11)
        INSERT INTO fleet.coverage (connection_id, entity, axis, day_from, day_to, starts_at, ends_at, state, rows,
            source_count, unproven, read_at, last_result, last_segment_id, note)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, now(), 'done', $11, $12)
        ON CONFLICT (connection_id, entity, axis, coalesce(day_from, '-infinity'), coalesce(day_to, 'infinity'))
        DO UPDATE SET
            starts_at = excluded.starts_at, ends_at = excluded.ends_at, state = excluded.state,
            rows = excluded.rows, source_count = excluded.source_count,
            unproven = excluded.unproven, read_at = excluded.read_at,
            last_result = excluded.last_result, last_segment_id = excluded.last_segment_id, note = excluded.note",
        page.connection.0,
        page.entity,
        window.axis.as_str(),
        window.day_from,
        window.day_to,
        window.starts_at,
        window.ends_at,
        state.as_str(),
        number(finished.rows),
        finished.source_count.map(number),
        page.segment.0,
        note.as_deref(),
        finished.unproven,
    );
    cover.execute(tx).await.map_err(failed("cover"))?;
    Ok(())
}
