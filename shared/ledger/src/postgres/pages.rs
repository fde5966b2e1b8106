//! Storing pages on Postgres: one transaction for rows, progress and outcome.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_model::{ConnectionId, Environment, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, interval, number, plain, small};
use super::coverage::cover;
use super::error::{commit_failed, failed, persistently, refuses_data};
use super::quarantine::{put_away, sift};
use super::runs::join_run;
use super::segments::{WindowColumns, count_calls};
use super::syncing::move_checkpoints;
use super::turns::{SEVERAL, Turn};
use super::upsert::upsert;
use crate::{
    Batch, Committed, CompanyCalls, Effects, FinishedWindow, LedgerError, NextStep, PageCommit, Pages,
    SeenIds,
};

#[async_trait]
impl Pages for PostgresLedger {
    async fn commit_page(&self, page: &PageCommit<'_>) -> Result<Committed, LedgerError> {
        let _turn = self.turn_for(page).await?;
        match persistently(|| self.commit_once(page)).await {
            Err(error) if refuses_data(&error) => self.commit_sifted(page, error).await,
            // Who was not answered in time cannot tell at which statement.
            Err(LedgerError::Unavailable(_, None)) => Err(LedgerError::CommitUnknown(None)),
            committed => committed,
        }
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

    async fn calls_this_month(&self) -> Result<HashMap<String, u64>, LedgerError> {
        struct CallsRow {
            connector: String,
            calls: Count<u64>,
        }
        let calls = || async {
            sqlx::query_as!(
                CallsRow,
                r#"
                SELECT c.connector, sum(a.calls)::bigint AS "calls!: _"
                FROM fleet.api_calls a JOIN fleet.connections c ON c.id = a.connection_id
                WHERE a.hour >= date_trunc('month', now(), 'UTC')
                GROUP BY c.connector"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("calls of this month"))
        };
        let rows = persistently(calls).await?;
        Ok(rows.into_iter().map(|row| (row.connector, row.calls.0)).collect())
    }

    async fn calls_between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<CompanyCalls>, LedgerError> {
        const CALLS: &str = "
            SELECT c.id, c.name, c.connector, c.environment, sum(a.calls)::bigint
            FROM fleet.api_calls a JOIN fleet.connections c ON c.id = a.connection_id
            WHERE a.hour >= $1 AND a.hour < $2
            GROUP BY c.id ORDER BY c.name, c.id";
        type Row = (Uuid, String, String, Word<Environment>, Count<u64>);
        let calls = || async {
            let rows: Vec<Row> = sqlx::query_as(CALLS)
                .bind(from)
                .bind(until)
                .fetch_all(&self.pool)
                .await
                .map_err(failed("calls between"))?;
            Ok(rows)
        };
        let company = |(id, name, connector, environment, calls): Row| CompanyCalls {
            connection: ConnectionId(id),
            name,
            connector,
            environment: environment.0,
            calls: calls.0,
        };
        Ok(persistently(calls).await?.into_iter().map(company).collect())
    }

    async fn last_successes(&self) -> Result<HashMap<String, DateTime<Utc>>, LedgerError> {
        struct SuccessRow {
            connector: String,
            at: DateTime<Utc>,
        }
        let successes = || async {
            sqlx::query_as!(
                SuccessRow,
                r#"
                SELECT c.connector, max(w.read_at) AS "at!"
                FROM fleet.coverage w JOIN fleet.connections c ON c.id = w.connection_id
                WHERE w.last_result = 'done'
                GROUP BY c.connector"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("last successes"))
        };
        let rows = persistently(successes).await?;
        Ok(rows.into_iter().map(|row| (row.connector, row.at)).collect())
    }

    async fn seen(&self, segment: SegmentId, pass: u32) -> Result<SeenIds, LedgerError> {
        struct SeenRow {
            distinct_ids: Count<u64>,
            quarantined: Count<u64>,
            deleted: Count<u64>,
            same: bool,
        }
        let seen = || async {
            sqlx::query_as!(
                SeenRow,
                r#"
                WITH this AS (SELECT id FROM fleet.seen WHERE segment_id = $1 AND pass = $2),
                     last AS (SELECT id FROM fleet.seen WHERE segment_id = $1 AND pass = $2 - 1)
                SELECT (SELECT count(*) FROM this) AS "distinct_ids!: _",
                       (SELECT count(*)
                        FROM fleet.segments s
                        JOIN fleet.quarantine q ON q.connection_id = s.connection_id AND q.entity = s.entity
                        WHERE s.id = $1 AND q.id IN (SELECT id FROM this)) AS "quarantined!: _",
                       coalesce((SELECT deleted FROM fleet.segments WHERE id = $1), 0) AS "deleted!: _",
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
        Ok(SeenIds {
            ids: row.distinct_ids.0,
            quarantined: row.quarantined.0,
            deleted: row.deleted.0,
            same: row.same,
        })
    }
}

impl PostgresLedger {
    /// A turn with the tables that a page has records of; none where it has none.
    async fn turn_for(&self, page: &PageCommit<'_>) -> Result<Option<Turn>, LedgerError> {
        let Some(first) = page.batches.first() else {
            return Ok(None);
        };
        let is_of_one = page.batches.iter().all(|batch| batch.table == first.table);
        let table = if is_of_one { first.table } else { SEVERAL };
        self.turns.take(table).await.map(Some)
    }

    async fn commit_once(&self, page: &PageCommit<'_>) -> Result<Committed, LedgerError> {
        let mut tx = self.begin("commit page").await?;
        if !fence(&mut tx, page).await? {
            return Ok(Committed::Fenced);
        }
        let mut effects = Effects::default();
        for part in page.parts() {
            effects += upsert(&mut tx, &part).await?;
            put_away(&mut tx, &part).await?;
        }
        count_deleted(&mut tx, page, effects.deleted).await?;
        reach(Point::InTransaction, page.entity).await;
        match &page.next {
            NextStep::Page | NextStep::Pass => remember_seen(&mut tx, page).await?,
            NextStep::Beside => {}
            NextStep::Done(finished) => {
                if finished.narrowed {
                    narrow(&mut tx, page).await?;
                }
                cover(&mut tx, page, finished).await?;
                move_checkpoints(&mut tx, page).await?;
                join_run(&mut tx, page.segment, &page.follow_ups).await?;
            }
        }
        count_calls(&mut tx, page.connection.0, page.entity, page.calls).await?;
        reach(Point::BeforeCommit, page.entity).await;
        tx.commit().await.map_err(commit_failed("commit page"))?;
        Ok(Committed::Stored(effects))
    }
}

impl PostgresLedger {
    /// Stores a page that the server has refused, without the records whose text it refuses. If there are none, the
    /// error was about something else.
    async fn commit_sifted(
        &self,
        page: &PageCommit<'_>,
        error: LedgerError,
    ) -> Result<Committed, LedgerError> {
        let mut sifted = Vec::with_capacity(page.batches.len());
        for part in page.parts() {
            sifted.push(sift(&self.pool, &part).await?);
        }
        let refused: usize = sifted.iter().map(|part| part.refused).sum();
        if refused == 0 {
            return Err(error);
        }
        let mut next = page.next.clone();
        if let NextStep::Done(finished) = &mut next {
            finished.quarantined += refused as u64;
        }
        let parts = page.parts();
        let batches = parts.iter().zip(&sifted).map(|(part, sifted)| Batch {
            entity: part.entity,
            table: part.table,
            records: &sifted.records,
            quarantined: &sifted.quarantined,
        });
        let sifted = PageCommit {
            batches: batches.collect(),
            checkpoints: page.checkpoints.clone(),
            follow_ups: page.follow_ups.clone(),
            next,
            ..*page
        };
        persistently(|| self.commit_once(&sifted)).await
    }
}

/// The transaction's first statement: progress (or the end), where the segment is still the caller's. Answers
/// false if it is not; then nothing may be stored. From here to the commit nobody else can take the segment.
async fn fence(tx: &mut PgConnection, page: &PageCommit<'_>) -> Result<bool, LedgerError> {
    let fenced = match &page.next {
        NextStep::Page => go_on(tx, page).await,
        NextStep::Beside => stay(tx, page).await,
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
            idle_claims = 0, lease_until = now() + $7::interval, position = $8, answered_at = coalesce(answered_at, $9)
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        page.segment.0,
        page.epoch.0,
        small(page.page),
        number(page.rows()),
        number(page.calls),
        small(page.pass),
        interval(page.lease),
        page.go_on.as_str(),
        page.answered_at,
    );
    go_on.execute(tx).await
}

async fn stay(tx: &mut PgConnection, page: &PageCommit<'_>) -> Written {
    let stay = sqlx::query!(
        "
        UPDATE fleet.segments SET calls = calls + $3, lease_until = now() + $4::interval
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        page.segment.0,
        page.epoch.0,
        number(page.calls),
        interval(page.lease),
    );
    stay.execute(tx).await
}

async fn begin_again(tx: &mut PgConnection, page: &PageCommit<'_>) -> Written {
    let begin_again = sqlx::query!(
        "
        UPDATE fleet.segments
        SET pages = pages + (page < $3)::integer, rows = 0, calls = calls + $4, page = 0, pass = $5 + 1, position = '',
            progressed = true, failures = 0, crashes = 0, idle_claims = 0, lease_until = now() + $6::interval
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
    let note = finished.full_note();
    let note = note.as_deref().map(plain);
    let finish = sqlx::query!(
        "
        UPDATE fleet.segments
        SET pages = pages + (page < $3)::integer, rows = $4, calls = calls + $5, page = greatest(page, $3),
            pass = $6, state = 'done', lease_until = NULL, ended_at = now(), note = $7, quarantined = $8
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        page.segment.0,
        page.epoch.0,
        small(page.page),
        number(finished.rows),
        number(page.calls),
        small(page.pass),
        note.as_deref(),
        number(finished.quarantined),
    );
    finish.execute(tx).await
}

/// Makes a segment of days that were to be cut the window that was read of them.
async fn narrow(tx: &mut PgConnection, page: &PageCommit<'_>) -> Result<(), LedgerError> {
    let window = WindowColumns::from(page.window);
    let narrow = sqlx::query!(
        "
        UPDATE fleet.segments
        SET kind = 'window', work = NULL, day_from = $2, day_to = $3, starts_at = $4, ends_at = $5
        WHERE id = $1",
        page.segment.0,
        window.day_from,
        window.day_to,
        window.starts_at,
        window.ends_at,
    );
    narrow.execute(tx).await.map_err(failed("narrow"))?;
    Ok(())
}

/// Adds to the segment's tombstones.
async fn count_deleted(
    tx: &mut PgConnection,
    page: &PageCommit<'_>,
    deleted: u64,
) -> Result<(), LedgerError> {
    if deleted == 0 {
        return Ok(());
    }
    let count = sqlx::query!(
        "UPDATE fleet.segments SET deleted = deleted + $2 WHERE id = $1",
        page.segment.0,
        number(deleted),
    );
    count.execute(tx).await.map_err(failed("count deleted"))?;
    Ok(())
}

/// Keeps the ids of a page whose window goes on.
async fn remember_seen(tx: &mut PgConnection, page: &PageCommit<'_>) -> Result<(), LedgerError> {
    let ids: Vec<String> = page.ids().map(|id| plain(id).into_owned()).collect();
    let seen = sqlx::query!(
        "INSERT INTO fleet.seen (segment_id, pass, id) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING",
        page.segment.0,
        small(page.pass),
        &ids,
    );
    seen.execute(tx).await.map_err(failed("remember seen"))?;
    Ok(())
}
