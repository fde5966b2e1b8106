//! Coverage on SQLite.

use async_trait::async_trait;
use chrono::NaiveDate;
use ledgerfleet_model::segment::SegmentState;
use ledgerfleet_model::{Axis, Days, FailureKind, SegmentId};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_filter, number};
use super::error::failed;
use super::segments::WindowColumns;
use crate::coverage::{Island, not_read};
use crate::{
    Coverage, CoverageFilter, CoverageRow, CoverageState, FinishedWindow, LedgerError, Missing, PageCommit,
};

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    entity: String,
    axis: Text<Axis>,
    day_from: Option<Text<NaiveDate>>,
    day_to: Option<Text<NaiveDate>>,
    state: Text<CoverageState>,
    unproven: bool,
    rows: u64,
    source_count: Option<u64>,
    read_at: Stamp,
    last_result: String,
    last_segment_id: Text<SegmentId>,
    note: Option<String>,
}

impl From<Row> for CoverageRow {
    fn from(row: Row) -> Self {
        Self {
            connection: row.name,
            entity: row.entity,
            axis: row.axis.0,
            from: row.day_from.map(|day| day.0),
            to: row.day_to.and_then(|day| day.0.pred_opt()),
            state: row.state.0.told(row.unproven),
            rows: row.rows,
            source_count: row.source_count,
            read_at: row.read_at.0,
            last_result: row.last_result,
            last_segment: row.last_segment_id.0,
            note: row.note,
        }
    }
}

#[async_trait]
impl Coverage for SqliteLedger {
    async fn coverage(&self, filter: &CoverageFilter) -> Result<Vec<CoverageRow>, LedgerError> {
        // A window without days covers all of them, so no range leaves it out.
        const COVERAGE: &str = "
            SELECT c.name, v.entity, v.axis, v.day_from, v.day_to, v.state, v.unproven, v.rows, v.source_count, v.read_at,
                   v.last_result, v.last_segment_id, v.note
            FROM fleet_coverage v JOIN fleet_connections c ON c.id = v.connection_id
            WHERE c.state <> 'removed'
              AND (?1 IS NULL OR v.connection_id IN (SELECT value FROM json_each(?1)))
              AND (?2 IS NULL OR v.entity IN (SELECT value FROM json_each(?2)))
              AND (?3 IS NULL OR v.day_to IS NULL OR v.day_to > ?3)
              AND (?4 IS NULL OR v.day_from IS NULL OR v.day_from <= ?4)
            ORDER BY c.name, v.entity, v.axis, v.day_from, v.day_to";
        let rows: Vec<Row> = sqlx::query_as(COVERAGE)
            .bind(json_filter(&filter.connections))
            .bind(json_filter(&filter.entities))
            .bind(filter.from.map(Text))
            .bind(filter.to.map(Text))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("coverage"))?;
        Ok(rows.into_iter().map(CoverageRow::from).collect())
    }

    async fn asked_and_not_read(&self, filter: &CoverageFilter) -> Result<Vec<Missing>, LedgerError> {
        // What is complete stands among what was asked for as `done`. A window begins an island unless it touches or
        // overlaps one before it. Segments are found by their run and state, so the done ones are not read.
        const ISLANDS: &str = "
            WITH windows AS (
                SELECT s.connection_id, s.entity, s.axis, s.state, CASE s.state WHEN 'dead' THEN s.reason END AS reason,
                       s.day_from, s.day_to
                FROM fleet_runs r CROSS JOIN fleet_segments s
                WHERE s.run_id = r.id AND s.state IN ('pending', 'running', 'dead', 'cancelled')
                  AND (s.axis <> 'updated' OR s.day_from IS NOT NULL)
                UNION
                SELECT connection_id, entity, axis, 'done', NULL, day_from, day_to
                FROM fleet_coverage WHERE state = 'complete'),
            wanted AS (
                SELECT c.name, w.*
                FROM windows w JOIN fleet_connections c ON c.id = w.connection_id
                WHERE c.state <> 'removed'
                  AND (?1 IS NULL OR w.connection_id IN (SELECT value FROM json_each(?1)))
                  AND (?2 IS NULL OR w.entity IN (SELECT value FROM json_each(?2)))
                  AND (?3 IS NULL OR w.day_to IS NULL OR w.day_to > ?3)
                  AND (?4 IS NULL OR w.day_from IS NULL OR w.day_from <= ?4)),
            marked AS (
                SELECT *, day_from <= max(day_to) OVER (PARTITION BY name, entity, axis, state, reason
                    ORDER BY day_from, day_to ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS goes_on
                FROM wanted),
            numbered AS (
                SELECT *, count(*) FILTER (WHERE goes_on IS NOT TRUE) OVER (PARTITION BY name, entity, axis, state, reason
                    ORDER BY day_from, day_to ROWS UNBOUNDED PRECEDING) AS island
                FROM marked)
            SELECT name, entity, axis, state, reason, min(day_from) AS day_from, max(day_to) AS day_to
            FROM numbered GROUP BY name, entity, axis, state, reason, island
            ORDER BY name, entity, axis, state, reason, min(day_from)";
        let rows: Vec<IslandRow> = sqlx::query_as(ISLANDS)
            .bind(json_filter(&filter.connections))
            .bind(json_filter(&filter.entities))
            .bind(filter.from.map(Text))
            .bind(filter.to.map(Text))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("asked_and_not_read"))?;
        let islands: Vec<Island> = rows.into_iter().map(Island::from).collect();
        Ok(not_read(&islands, filter))
    }
}

#[derive(sqlx::FromRow)]
struct IslandRow {
    name: String,
    entity: String,
    axis: Text<Axis>,
    state: Text<SegmentState>,
    reason: Option<Text<FailureKind>>,
    day_from: Option<Text<NaiveDate>>,
    day_to: Option<Text<NaiveDate>>,
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
            days: days.map(|(from, to)| Days {
                from: from.0,
                to: to.0,
            }),
        }
    }
}

/// Writes that the window of a page was read to its end, where it is one that people ask for.
pub(super) async fn cover(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &PageCommit<'_>,
    finished: &FinishedWindow,
) -> Result<(), LedgerError> {
    const COVER: &str = "
        INSERT INTO fleet_coverage (connection_id, entity, axis, day_from, day_to, starts_at, ends_at, state, rows,
            source_count, unproven, read_at, last_result, last_segment_id, note)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'done', ?, ?)
        ON CONFLICT (connection_id, entity, axis, coalesce(day_from, ''), coalesce(day_to, '')) DO UPDATE SET
            starts_at = excluded.starts_at, ends_at = excluded.ends_at, state = excluded.state,
            rows = excluded.rows, source_count = excluded.source_count, unproven = excluded.unproven, read_at = excluded.read_at,
            last_result = excluded.last_result, last_segment_id = excluded.last_segment_id, note = excluded.note";
    if !page.window.is_of_days() {
        return Ok(());
    }
    let window = WindowColumns::from(page.window);
    let state = if finished.open {
        CoverageState::Open
    } else {
        CoverageState::Complete
    };
    let cover = sqlx::query(COVER)
        .bind(Text(page.connection))
        .bind(page.entity)
        .bind(window.axis)
        .bind(window.day_from)
        .bind(window.day_to)
        .bind(window.starts_at)
        .bind(window.ends_at)
        .bind(Text(state))
        .bind(number(finished.rows))
        .bind(finished.source_count.map(number))
        .bind(finished.unproven)
        .bind(now)
        .bind(Text(page.segment))
        .bind(finished.full_note());
    cover.execute(tx).await.map_err(failed("cover"))?;
    Ok(())
}
