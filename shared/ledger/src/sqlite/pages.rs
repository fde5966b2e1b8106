//! Storing pages on SQLite: one transaction for rows, progress and outcome.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, Environment, SegmentId};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, json_list, number};
use super::coverage::cover;
use super::error::{commit_failed, failed};
use super::quarantine::put_away;
use super::runs::join_run;
use super::segments::{WindowColumns, count_calls, forget_seen};
use super::syncing::move_checkpoints;
use super::upsert::upsert;
use crate::{
    Committed, CompanyCalls, Effects, FinishedWindow, LedgerError, NextStep, PageCommit, Pages, SeenIds,
};

#[async_trait]
impl Pages for SqliteLedger {
    async fn commit_page(&self, page: &PageCommit<'_>) -> Result<Committed, LedgerError> {
        let mut tx = self.write("commit page").await?;
        let now = self.now();
        if !fence(&mut tx, now, page).await? {
            return Ok(Committed::Fenced);
        }
        let mut effects = Effects::default();
        for part in page.parts() {
            effects += upsert(&mut tx, now, &part).await?;
            put_away(&mut tx, now, &part).await?;
        }
        count_deleted(&mut tx, page, effects.deleted).await?;
        match &page.next {
            NextStep::Page | NextStep::Pass => remember_seen(&mut tx, page).await?,
            NextStep::Beside => {}
            NextStep::Done(finished) => {
                if finished.narrowed {
                    narrow(&mut tx, page).await?;
                }
                cover(&mut tx, now, page, finished).await?;
                forget_seen(&mut tx, page.segment).await?;
                move_checkpoints(&mut tx, now, page).await?;
                join_run(&mut tx, now, page.segment, &page.follow_ups).await?;
            }
        }
        count_calls(&mut tx, now, page.connection, page.entity, page.calls).await?;
        tx.commit().await.map_err(commit_failed("commit page"))?;
        Ok(Committed::Stored(effects))
    }

    async fn count_calls(
        &self,
        connection: ConnectionId,
        entity: &str,
        calls: u32,
    ) -> Result<(), LedgerError> {
        let mut tx = self.write("count calls").await?;
        count_calls(&mut tx, self.now(), connection, entity, calls).await?;
        tx.commit().await.map_err(failed("count calls"))
    }

    async fn calls_this_month(&self) -> Result<HashMap<String, u64>, LedgerError> {
        // Instants are written with the year and the month first.
        const CALLS: &str = "
            SELECT c.connector, sum(a.calls)
            FROM fleet_api_calls a JOIN fleet_connections c ON c.id = a.connection_id
            WHERE a.hour >= substr(?, 1, 7)
            GROUP BY c.connector";
        let rows: Vec<(String, u64)> = sqlx::query_as(CALLS)
            .bind(self.now())
            .fetch_all(&self.readers)
            .await
            .map_err(failed("calls of this month"))?;
        Ok(rows.into_iter().collect())
    }

    async fn calls_between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<CompanyCalls>, LedgerError> {
        const CALLS: &str = "
            SELECT c.id, c.name, c.connector, c.environment, sum(a.calls)
            FROM fleet_api_calls a JOIN fleet_connections c ON c.id = a.connection_id
            WHERE a.hour >= ?1 AND a.hour < ?2
            GROUP BY c.id ORDER BY c.name, c.id";
        type Row = (Text<ConnectionId>, String, String, Text<Environment>, u64);
        let rows: Vec<Row> = sqlx::query_as(CALLS)
            .bind(Stamp::from(from))
            .bind(Stamp::from(until))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("calls between"))?;
        let company = |(id, name, connector, environment, calls): Row| CompanyCalls {
            connection: id.0,
            name,
            connector,
            environment: environment.0,
            calls,
        };
        Ok(rows.into_iter().map(company).collect())
    }

    async fn last_successes(&self) -> Result<HashMap<String, DateTime<Utc>>, LedgerError> {
        const SUCCESSES: &str = "
            SELECT c.connector, max(w.read_at)
            FROM fleet_coverage w JOIN fleet_connections c ON c.id = w.connection_id
            WHERE w.last_result = 'done'
            GROUP BY c.connector";
        let rows: Vec<(String, Stamp)> = sqlx::query_as(SUCCESSES)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("last successes"))?;
        Ok(rows
            .into_iter()
            .map(|(connector, at)| (connector, at.0))
            .collect())
    }

    async fn seen(&self, segment: SegmentId, pass: u32) -> Result<SeenIds, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct SeenRow {
            distinct_ids: u64,
            quarantined: u64,
            deleted: u64,
            same: bool,
        }
        const SEEN: &str = "
            WITH this AS (SELECT id FROM fleet_seen WHERE segment_id = ?1 AND pass = ?2),
                 last AS (SELECT id FROM fleet_seen WHERE segment_id = ?1 AND pass = ?2 - 1)
            SELECT (SELECT count(*) FROM this) AS distinct_ids,
                   (SELECT count(*)
                    FROM fleet_segments s
                    JOIN fleet_quarantine q ON q.connection_id = s.connection_id AND q.entity = s.entity
                    WHERE s.id = ?1 AND q.id IN (SELECT id FROM this)) AS quarantined,
                   coalesce((SELECT deleted FROM fleet_segments WHERE id = ?1), 0) AS deleted,
                   NOT EXISTS (SELECT id FROM this EXCEPT SELECT id FROM last)
                   AND NOT EXISTS (SELECT id FROM last EXCEPT SELECT id FROM this) AS same";
        let seen = sqlx::query_as(SEEN)
            .bind(Text(segment))
            .bind(pass)
            .fetch_one(&self.readers);
        let row: SeenRow = seen.await.map_err(failed("seen"))?;
        Ok(SeenIds {
            ids: row.distinct_ids,
            quarantined: row.quarantined,
            deleted: row.deleted,
            same: row.same,
        })
    }
}

/// The transaction's first statement: progress (or the end), where the segment is still the caller's. Answers
/// false if it is not; then nothing may be stored.
async fn fence(tx: &mut SqliteConnection, now: Stamp, page: &PageCommit<'_>) -> Result<bool, LedgerError> {
    // A page that is stored a second time is not counted a second time.
    const PAGE: &str = "
        UPDATE fleet_segments
        SET pages = pages + (page < ?3), rows = rows + (page < ?3) * ?4, calls = calls + ?5,
            page = max(page, ?3), pass = ?6, position = ?8, progressed = 1, failures = 0, crashes = 0, idle_claims = 0,
            lease_until = ?7, answered_at = coalesce(answered_at, ?9)
        WHERE id = ?1 AND epoch = ?2 AND state = 'running'";
    const PASS: &str = "
        UPDATE fleet_segments
        SET pages = pages + (page < ?3), rows = 0, calls = calls + ?5,
            page = 0, pass = ?6 + 1, position = '', progressed = 1, failures = 0, crashes = 0, idle_claims = 0,
            lease_until = ?7
        WHERE id = ?1 AND epoch = ?2 AND state = 'running'";
    const BESIDE: &str = "
        UPDATE fleet_segments SET calls = calls + ?5, lease_until = ?7
        WHERE id = ?1 AND epoch = ?2 AND state = 'running'";
    const DONE: &str = "
        UPDATE fleet_segments
        SET pages = pages + (page < ?3), rows = ?4, calls = calls + ?5,
            page = max(page, ?3), pass = ?6, state = 'done', lease_until = NULL, ended_at = ?7, note = ?8,
            quarantined = ?9
        WHERE id = ?1 AND epoch = ?2 AND state = 'running'";
    let lease_until = now.after(page.lease);
    let (statement, rows, until) = match &page.next {
        NextStep::Page => (PAGE, number(page.rows()), lease_until),
        NextStep::Pass => (PASS, 0, lease_until),
        NextStep::Beside => (BESIDE, 0, lease_until),
        NextStep::Done(FinishedWindow { rows, .. }) => (DONE, number(*rows), now),
    };
    let mut fence = sqlx::query(statement)
        .bind(Text(page.segment))
        .bind(page.epoch.0)
        .bind(page.page)
        .bind(rows)
        .bind(page.calls)
        .bind(page.pass)
        .bind(until);
    fence = match &page.next {
        NextStep::Done(finished) => fence
            .bind(finished.full_note())
            .bind(number(finished.quarantined)),
        NextStep::Page => fence
            .bind(page.go_on.as_str())
            .bind(page.answered_at.map(Stamp::from)),
        NextStep::Pass | NextStep::Beside => fence,
    };
    let fenced = fence.execute(tx).await.map_err(failed("fence"))?;
    Ok(fenced.rows_affected() == 1)
}

/// Makes a segment of days that were to be cut the window that was read of them.
async fn narrow(tx: &mut SqliteConnection, page: &PageCommit<'_>) -> Result<(), LedgerError> {
    const NARROW: &str = "
        UPDATE fleet_segments
        SET kind = 'window', work = NULL, day_from = ?2, day_to = ?3, starts_at = ?4, ends_at = ?5
        WHERE id = ?1";
    let window = WindowColumns::from(page.window);
    let narrow = sqlx::query(NARROW)
        .bind(Text(page.segment))
        .bind(window.day_from)
        .bind(window.day_to)
        .bind(window.starts_at)
        .bind(window.ends_at);
    narrow.execute(tx).await.map_err(failed("narrow"))?;
    Ok(())
}

/// Adds to the segment's tombstones.
async fn count_deleted(
    tx: &mut SqliteConnection,
    page: &PageCommit<'_>,
    deleted: u64,
) -> Result<(), LedgerError> {
    const COUNT: &str = "UPDATE fleet_segments SET deleted = deleted + ? WHERE id = ?";
    if deleted == 0 {
        return Ok(());
    }
    let count = sqlx::query(COUNT).bind(number(deleted)).bind(Text(page.segment));
    count.execute(tx).await.map_err(failed("count deleted"))?;
    Ok(())
}

/// Keeps the ids of a page whose window goes on.
async fn remember_seen(tx: &mut SqliteConnection, page: &PageCommit<'_>) -> Result<(), LedgerError> {
    const SEEN: &str =
        "INSERT OR IGNORE INTO fleet_seen (segment_id, pass, id) SELECT ?1, ?2, value FROM json_each(?3)";
    let ids = json_list(page.ids());
    let seen = sqlx::query(SEEN)
        .bind(Text(page.segment))
        .bind(page.pass)
        .bind(ids);
    seen.execute(tx).await.map_err(failed("remember seen"))?;
    Ok(())
}
