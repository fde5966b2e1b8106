//! Coverage on SQLite.

use async_trait::async_trait;
use chrono::NaiveDate;
use ledgerfleet_model::{Axis, SegmentId};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_filter, number};
use super::error::failed;
use super::segments::WindowColumns;
use crate::{Coverage, CoverageFilter, CoverageRow, CoverageState, FinishedWindow, LedgerError, PageCommit};

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    entity: String,
    axis: Text<Axis>,
    day_from: Option<Text<NaiveDate>>,
    day_to: Option<Text<NaiveDate>>,
    state: Text<CoverageState>,
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
            state: row.state.0,
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
            SELECT c.name, v.entity, v.axis, v.day_from, v.day_to, v.state, v.rows, v.source_count, v.read_at,
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
}

/// Writes that the window of a page was read to its end.
pub(super) async fn cover(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &PageCommit<'_>,
    finished: &FinishedWindow,
) -> Result<(), LedgerError> {
    const COVER: &str = "
        INSERT INTO fleet_coverage (connection_id, entity, axis, day_from, day_to, starts_at, ends_at, state, rows,
            source_count, read_at, last_result, last_segment_id, note)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'done', ?, ?)
        ON CONFLICT (connection_id, entity, axis, coalesce(day_from, ''), coalesce(day_to, '')) DO UPDATE SET
            starts_at = excluded.starts_at, ends_at = excluded.ends_at, state = excluded.state,
            rows = excluded.rows, source_count = excluded.source_count, read_at = excluded.read_at,
            last_result = excluded.last_result, last_segment_id = excluded.last_segment_id, note = excluded.note";
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
        .bind(now)
        .bind(Text(page.segment))
        .bind(&finished.note);
    cover.execute(tx).await.map_err(failed("cover"))?;
    Ok(())
}
