//! Dead letters on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{FailureKind, SegmentId};
use sqlx::types::Uuid;
use sqlx::{Executor, PgConnection, Postgres, Transaction};

use super::PostgresLedger;
use super::codec::{Count, Word, number};
use super::dead_letter_rows::{AttemptRow, DeadRow, GroupRow};
use super::error::{failed, persistently};
use super::segments::audit;
use crate::replays::{CHUNK, audited};
use crate::{
    Attempt, DeadLetter, DeadLetterCount, DeadLetterFilter, DeadLetterGroup, DeadLetters, Dropped,
    LedgerError, Listing, Order,
};

/// A statement over the dead letters that a filter lets through. Those of a removed connection are gone with it:
/// nobody could send them again.
///
/// It is for transactions that [`PostgresLedger::begin_filtering`] begins.
macro_rules! filtered {
    ($query:ident!($($row:ident,)? $before:literal, $after:literal), $filter:expr $(, $argument:expr)*) => {
        sqlx::$query!(
            $($row,)?
            $before
                + " FROM fleet.segments s
                    JOIN fleet.connections c ON c.id = s.connection_id AND c.state <> 'removed'
                    LEFT JOIN fleet.replays p ON p.id = s.replay_id
                    WHERE s.state = 'dead'
                      AND (cardinality($1::uuid[]) = 0 OR s.id = ANY($1))
                      AND ($2::uuid IS NULL OR s.run_id = $2)
                      AND (cardinality($3::uuid[]) = 0 OR s.connection_id = ANY($3))
                      AND (cardinality($4::text[]) = 0 OR s.entity = ANY($4))
                      AND ($5::text IS NULL OR s.reason = $5)
                      AND ($6::text IS NULL OR s.fingerprint = $6)
                      AND ($7::date IS NULL OR s.day_to > $7)
                      AND ($8::date IS NULL OR s.day_from <= $8)
                      AND (s.dropped_at IS NOT NULL) = $9 "
                + $after,
            &$filter.ids.iter().map(|id| id.0).collect::<Vec<Uuid>>(),
            $filter.run.map(|run| run.0),
            &$filter.connections.iter().map(|id| id.0).collect::<Vec<Uuid>>(),
            &$filter.entities,
            $filter.reason.map(FailureKind::as_str),
            $filter.fingerprint.as_deref(),
            $filter.from,
            $filter.to,
            $filter.dropped == Dropped::Only,
            $($argument),*
        )
    };
}

/// Where a page of a list, or a chunk of a sweep, ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) ended_at: DateTime<Utc>,
    pub(super) id: Uuid,
}

#[async_trait]
impl DeadLetters for PostgresLedger {
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        listing: &Listing,
    ) -> Result<Vec<DeadLetter>, LedgerError> {
        let rows = persistently(|| self.listed(filter, listing)).await?;
        rows.into_iter().map(DeadLetter::try_from).collect()
    }

    async fn dead_letter_ids(
        &self,
        first: SegmentId,
        last: SegmentId,
        limit: u32,
    ) -> Result<Vec<SegmentId>, LedgerError> {
        let alike = sqlx::query_scalar!(
            "
            SELECT s.id FROM fleet.segments s
            JOIN fleet.connections c ON c.id = s.connection_id AND c.state <> 'removed'
            WHERE s.id BETWEEN $1 AND $2 AND s.state = 'dead'
            ORDER BY s.id LIMIT $3",
            first.0,
            last.0,
            number(limit),
        );
        let ids = alike
            .fetch_all(&self.pool)
            .await
            .map_err(failed("dead letter ids"))?;
        Ok(ids.into_iter().map(SegmentId).collect())
    }

    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, LedgerError> {
        let count = || async {
            let mut tx = self.begin_filtering("count dead letters").await?;
            filtered!(
                query_scalar!(r#"SELECT count(*) AS "count!: Count<u64>""#, ""),
                filter
            )
            .fetch_one(&mut *tx)
            .await
            .map_err(failed("count dead letters"))
        };
        Ok(persistently(count).await?.0)
    }

    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, LedgerError> {
        let groups = || async {
            let mut tx = self.begin_filtering("dead letter groups").await?;
            filtered!(
                query_as!(
                    GroupRow,
                    r#"
                    SELECT g.fingerprint AS "fingerprint!", newest.reason AS "reason!: _", newest.entity AS "entity!",
                        newest.message AS "message!", g.count AS "count!: _", g.first_at AS "first_at!",
                        g.last_at AS "last_at!"
                    FROM (
                        SELECT s.fingerprint, count(*) AS count, min(s.ended_at) AS first_at,
                            max(s.ended_at) AS last_at"#,
                    "   GROUP BY s.fingerprint
                        ORDER BY count(*) DESC, max(s.ended_at) DESC, s.fingerprint
                        LIMIT $10) AS g
                    CROSS JOIN LATERAL (
                        SELECT reason, entity, message FROM fleet.segments newest
                        WHERE newest.fingerprint = g.fingerprint AND newest.ended_at = g.last_at
                          AND newest.state = 'dead' AND (newest.dropped_at IS NOT NULL) = $9
                        ORDER BY newest.id DESC LIMIT 1) AS newest
                    ORDER BY g.count DESC, g.last_at DESC, g.fingerprint"
                ),
                filter,
                number(limit)
            )
            .fetch_all(&mut *tx)
            .await
            .map_err(failed("dead letter groups"))
        };
        let rows = persistently(groups).await?;
        Ok(rows.into_iter().map(DeadLetterGroup::from).collect())
    }

    async fn dead_letter_counts(&self) -> Result<Vec<DeadLetterCount>, LedgerError> {
        struct CountRow {
            connector: String,
            reason: Word<FailureKind>,
            count: Count<u64>,
        }
        let counts = || async {
            sqlx::query_as!(
                CountRow,
                r#"
                SELECT c.connector, s.reason AS "reason!: _", sum(s.count)::bigint AS "count!: _"
                FROM (
                    SELECT connection_id, reason, count(*) AS count
                    FROM fleet.segments WHERE state = 'dead' AND dropped_at IS NULL
                    GROUP BY connection_id, reason) AS s
                JOIN fleet.connections c ON c.id = s.connection_id AND c.state <> 'removed'
                GROUP BY c.connector, s.reason"#
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("dead letter counts"))
        };
        let count = |row: CountRow| DeadLetterCount {
            connector: row.connector,
            reason: row.reason.0,
            count: row.count.0,
        };
        Ok(persistently(counts).await?.into_iter().map(count).collect())
    }

    async fn attempts(&self, segment: SegmentId) -> Result<Vec<Attempt>, LedgerError> {
        let all = || async {
            sqlx::query_as!(
                AttemptRow,
                r#"
                SELECT attempt AS "attempt: _", worker, started_at, ended_at, outcome, reason, message, request,
                    status AS "status: _", upstream_code, transaction_id, times AS "times: _",
                    pages AS "pages: _", worked_ms AS "worked_ms: _", gate_ms AS "gate_ms: _",
                    waited_ms AS "waited_ms: _"
                FROM fleet.attempts WHERE segment_id = $1 ORDER BY id"#,
                segment.0
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("attempts"))
        };
        Ok(persistently(all).await?.into_iter().map(Attempt::from).collect())
    }

    async fn drop_dead_letters(&self, filter: &DeadLetterFilter, asked_by: &str) -> Result<u64, LedgerError> {
        let mut sweep = self.sweep().await?;
        let mut dropped = 0;
        loop {
            let (chunk, end) = persistently(|| self.drop_chunk(filter, asked_by, &sweep)).await?;
            dropped += chunk;
            match end {
                Some(end) => sweep.after = Some(end),
                None => return Ok(dropped),
            }
        }
    }
}

impl PostgresLedger {
    async fn listed(
        &self,
        filter: &DeadLetterFilter,
        listing: &Listing,
    ) -> Result<Vec<DeadRow>, LedgerError> {
        let after = match listing.after {
            Some(segment) => Some(self.place_of(segment).await?),
            None => None,
        };
        let mut tx = self.begin_filtering("dead letters").await?;
        let (ended_at, id) = (after.map(|after| after.ended_at), after.map(|after| after.id));
        let rows = match listing.order {
            Order::NewestFirst => {
                filtered!(
                    query_as!(
                        DeadRow,
                        r#"
                        SELECT s.id, s.run_id, c.name AS connection, s.entity, s.axis AS "axis: _", s.day_from, s.day_to,
                            s.starts_at, s.ends_at, s.reason AS "reason!: _", s.message AS "message!",
                            s.fingerprint AS "fingerprint!", s.ended_at AS "ended_at!", s.attempt AS "attempt: _",
                            s.pages AS "pages: _", s.calls AS "calls: _", s.dropped_at, s.replay_id,
                            p.stopped_reason AS "replay_stopped?""#,
                        "AND ($10::timestamptz IS NULL OR (s.ended_at, s.id) < ($10, $11))
                        ORDER BY s.ended_at DESC, s.id DESC LIMIT $12"
                    ),
                    filter,
                    ended_at,
                    id,
                    number(listing.limit)
                )
                .fetch_all(&mut *tx)
                .await
            }
            Order::OldestFirst => {
                filtered!(
                    query_as!(
                        DeadRow,
                        r#"
                        SELECT s.id, s.run_id, c.name AS connection, s.entity, s.axis AS "axis: _", s.day_from, s.day_to,
                            s.starts_at, s.ends_at, s.reason AS "reason!: _", s.message AS "message!",
                            s.fingerprint AS "fingerprint!", s.ended_at AS "ended_at!", s.attempt AS "attempt: _",
                            s.pages AS "pages: _", s.calls AS "calls: _", s.dropped_at, s.replay_id,
                            p.stopped_reason AS "replay_stopped?""#,
                        "AND ($10::timestamptz IS NULL OR (s.ended_at, s.id) > ($10, $11))
                        ORDER BY s.ended_at, s.id LIMIT $12"
                    ),
                    filter,
                    ended_at,
                    id,
                    number(listing.limit)
                )
                .fetch_all(&mut *tx)
                .await
            }
        };
        rows.map_err(failed("dead letters"))
    }

    /// Begins a transaction whose statements are planned for the values that they get: a plan that fits any filter could
    /// use none of the indexes.
    pub(super) async fn begin_filtering(
        &self,
        step: &'static str,
    ) -> Result<Transaction<'static, Postgres>, LedgerError> {
        let mut tx = self.begin(step).await?;
        tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            .await
            .map_err(failed(step))?;
        Ok(tx)
    }

    /// Where a segment stands in lists of the dead.
    async fn place_of(&self, segment: SegmentId) -> Result<Cursor, LedgerError> {
        let place = || async {
            sqlx::query_as!(
                Cursor,
                r#"SELECT ended_at AS "ended_at!", id FROM fleet.segments WHERE id = $1 AND ended_at IS NOT NULL"#,
                segment.0
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("place of dead letter"))
        };
        persistently(place)
            .await?
            .ok_or(LedgerError::NoSuchSegment(segment))
    }

    /// Begins to go through all that is dead now, the oldest first.
    pub(super) async fn sweep(&self) -> Result<Sweep, LedgerError> {
        let began = || async {
            sqlx::query_scalar!(r#"SELECT now() AS "now!""#)
                .fetch_one(&self.pool)
                .await
                .map_err(failed("time of sweep"))
        };
        Ok(Sweep {
            began: persistently(began).await?,
            after: None,
        })
    }

    /// Hides a chunk. Answers how many, and where the chunk ended if there was anything in it.
    async fn drop_chunk(
        &self,
        filter: &DeadLetterFilter,
        asked_by: &str,
        sweep: &Sweep,
    ) -> Result<(u64, Option<Cursor>), LedgerError> {
        let mut tx = self.begin_filtering("drop").await?;
        let chosen = oldest(&mut tx, filter, sweep, CHUNK).await?;
        let Some(last) = chosen.last() else {
            return Ok((0, None));
        };
        let ids: Vec<Uuid> = chosen.iter().map(|chosen| chosen.id).collect();
        let hide = sqlx::query!(
            "
            WITH chosen AS (
                SELECT id FROM fleet.segments WHERE id = ANY($1) AND state = 'dead' AND dropped_at IS NULL
                ORDER BY id FOR NO KEY UPDATE)
            UPDATE fleet.segments s SET dropped_at = now() FROM chosen WHERE s.id = chosen.id",
            &ids
        );
        let hidden = hide
            .execute(&mut *tx)
            .await
            .map_err(failed("drop"))?
            .rows_affected();
        if hidden > 0 {
            let detail = audited(filter, asked_by, hidden);
            audit(&mut tx, "dead_letters.drop", None, detail).await?;
        }
        tx.commit().await.map_err(failed("drop"))?;
        Ok((hidden, Some(last.place())))
    }
}

/// A walk through all that was dead when it began, the oldest first. What dies later is not part of it: sent again, a
/// segment that dies at once would be sent without end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep {
    began: DateTime<Utc>,
    /// Where the chunk before ended.
    pub(super) after: Option<Cursor>,
}

/// A dead letter of a chunk.
pub(super) struct Chosen {
    pub(super) id: Uuid,
    pub(super) run_id: Uuid,
    ended_at: DateTime<Utc>,
}

impl Chosen {
    pub(super) fn place(&self) -> Cursor {
        Cursor {
            ended_at: self.ended_at,
            id: self.id,
        }
    }
}

/// The next chunk of a sweep. Nothing is locked: who changes a segment looks at it again.
pub(super) async fn oldest(
    tx: &mut PgConnection,
    filter: &DeadLetterFilter,
    sweep: &Sweep,
    most: u32,
) -> Result<Vec<Chosen>, LedgerError> {
    let oldest = filtered!(
        query_as!(
            Chosen,
            r#"SELECT s.id, s.run_id, s.ended_at AS "ended_at!""#,
            "AND s.ended_at <= $10 AND ($11::timestamptz IS NULL OR (s.ended_at, s.id) > ($11, $12))
            ORDER BY s.ended_at, s.id LIMIT $13"
        ),
        filter,
        sweep.began,
        sweep.after.map(|after| after.ended_at),
        sweep.after.map(|after| after.id),
        number(most)
    );
    oldest.fetch_all(tx).await.map_err(failed("oldest dead letters"))
}
