//! Storing pages on Postgres: one transaction for rows, progress and outcome.

use async_trait::async_trait;
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_model::{ConnectionId, SegmentId};
use sqlx::PgConnection;

use super::PostgresLedger;
use super::codec::{Count, interval, number, plain, small};
use super::coverage::cover;
use super::error::{failed, persistently};
use super::segments::count_calls;
use super::upsert::upsert;
use crate::{Committed, FinishedWindow, LedgerError, NextStep, PageCommit, Pages};

#[async_trait]
impl Pages for PostgresLedger {
    async fn commit_page(&self, page: &PageCommit<'_>) -> Result<Committed, LedgerError> {
        persistently(|| self.commit_once(page)).await
    }

    async fn count_calls(
        &self,
        connection: ConnectionId,
        entity: &str,
        calls: u32,
    ) -> Result<(), LedgerError> {
        let mut connected = self.pool.acquire().await.map_err(failed("count calls"))?;
        count_calls(&mut connected, connection.0, entity, calls).await
    }

    async fn seen(&self, segment: SegmentId, pass: u32) -> Result<(u64, bool), LedgerError> {
        struct SeenRow {
            distinct_ids: Count<u64>,
            same: bool,
        }
        let seen = || async {
            sqlx::query_as!(
                SeenRow,
                r#"
                WITH this AS (SELECT id FROM fleet.seen WHERE segment_id = $1 AND pass = $2),
                     last AS (SELECT id FROM fleet.seen WHERE segment_id = $1 AND pass = $2 - 1)
                SELECT (SELECT count(*) FROM this) AS "distinct_ids!: _",
                       NOT EXISTS (SELECT id FROM this EXCEPT SELECT id FROM last)
                       AND NOT EXISTS (SELECT id FROM last EXCEPT SELECT id FROM this) AS "same!""#,
                segment.0,
                small(pass),
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("seen"))
        };
        let row = persistently(seen).await?;
        Ok((row.distinct_ids.0, row.same))
    }
}

impl PostgresLedger {
    async fn commit_once(&self, page: &PageCommit<'_>) -> Result<Committed, LedgerError> {
        let mut tx = self.begin("commit page").await?;
        if !fence(&mut tx, page).await? {
            return Ok(Committed::Fenced);
        }
        let effects = upsert(&mut tx, page).await?;
        reach(Point::InTransaction, page.entity).await;
        match &page.next {
            NextStep::Page | NextStep::Pass => remember_seen(&mut tx, page).await?,
            NextStep::Done(finished) => cover(&mut tx, page, finished).await?,
        }
        count_calls(&mut tx, page.connection.0, page.entity, page.calls).await?;
        reach(Point::BeforeCommit, page.entity).await;
        tx.commit().await.map_err(failed("commit page"))?;
        Ok(Committed::Stored(effects))
    }
}

/// The transaction's first statement: progress (or the end), where the segment is still the caller's. Answers
/// false if it is not; then nothing may be stored. From here to the commit nobody else can take the segment.
async fn fence(tx: &mut PgConnection, page: &PageCommit<'_>) -> Result<bool, LedgerError> {
    let fenced = match &page.next {
        NextStep::Page => go_on(tx, page).await,
        NextStep::Pass => begin_again(tx, page).await,
        NextStep::Done(finished) => finish(tx, page, finished).await,
    };
    Ok(fenced.map_err(failed("fence"))?.rows_affected() == 1)
}

type Written = sqlx::Result<sqlx::postgres::PgQueryResult>;

/// A page that is stored a second time is not counted a second time.
async fn go_on(tx: &mut PgConnection, page: &PageCommit<'_>) -> Written {
    let go_on = sqlx::query!(
        "
        UPDATE fleet.segments
        SET pages = pages + (page < $3)::integer, rows = rows + CASE WHEN page < $3 THEN $4::bigint ELSE 0 END,
            calls = calls + $5, page = greatest(page, $3), pass = $6, progressed = true, failures = 0, crashes = 0,
            lease_until = now() + $7::interval
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        page.segment.0,
        page.epoch.0,
        small(page.page),
        number(page.records.len()),
        number(page.calls),
        small(page.pass),
        interval(page.lease),
    );
    go_on.execute(tx).await
}

async fn begin_again(tx: &mut PgConnection, page: &PageCommit<'_>) -> Written {
    let begin_again = sqlx::query!(
        "
        UPDATE fleet.segments
        SET pages = pages + (page < $3)::integer, rows = 0, calls = calls + $4, page = 0, pass = $5 + 1,
            progressed = true, failures = 0, crashes = 0, lease_until = now() + $6::interval
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        page.segment.0,
        page.epoch.0,
        small(page.page),
        number(page.calls),
        small(page.pass),
        interval(page.lease),
    );
    begin_again.execute(tx).await
}

async fn finish(tx: &mut PgConnection, page: &PageCommit<'_>, finished: &FinishedWindow) -> Written {
    let note = finished.note.as_deref().map(plain);
    let finish = sqlx::query!(
        "
        UPDATE fleet.segments
        SET pages = pages + (page < $3)::integer, rows = $4, calls = calls + $5, page = greatest(page, $3),
            pass = $6, state = 'done', lease_until = NULL, ended_at = now(), note = $7
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        page.segment.0,
        page.epoch.0,
        small(page.page),
        number(finished.rows),
        number(page.calls),
        small(page.pass),
        note.as_deref(),
    );
    finish.execute(tx).await
}

/// Keeps the ids of a page whose window goes on.
async fn remember_seen(tx: &mut PgConnection, page: &PageCommit<'_>) -> Result<(), LedgerError> {
    let ids: Vec<String> = page
        .records
        .iter()
        .map(|record| plain(&record.id).into_owned())
        .collect();
    let seen = sqlx::query!(
        "INSERT INTO fleet.seen (segment_id, pass, id) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING",
        page.segment.0,
        small(page.pass),
        &ids,
    );
    seen.execute(tx).await.map_err(failed("remember seen"))?;
    Ok(())
}
