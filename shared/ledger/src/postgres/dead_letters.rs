//! Dead letters on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Axis, FailureKind, RunId, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, number};
use super::error::{failed, patiently, persistently};
use super::segments::{WindowColumns, audit, take_time};
use crate::{Attempt, DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetters, LedgerError, Replayed};

/// A statement over the dead letters that a filter lets through. Those of a removed connection are gone with it:
/// nobody could send them again.
macro_rules! filtered {
    ($query:ident!($($row:ident,)? $before:literal, $after:literal), $filter:expr $(, $argument:expr)*) => {
        sqlx::$query!(
            $($row,)?
            $before
                + " FROM fleet.segments s JOIN fleet.connections c ON c.id = s.connection_id AND c.state <> 'removed'
                    WHERE s.state = 'dead'
                      AND (cardinality($1::uuid[]) = 0 OR s.id = ANY($1))
                      AND ($2::uuid IS NULL OR s.run_id = $2)
                      AND (cardinality($3::uuid[]) = 0 OR s.connection_id = ANY($3))
                      AND (cardinality($4::text[]) = 0 OR s.entity = ANY($4))
                      AND ($5::text IS NULL OR s.reason = $5)
                      AND ($6::text IS NULL OR s.fingerprint = $6) "
                + $after,
            &$filter.ids.iter().map(|id| id.0).collect::<Vec<Uuid>>(),
            $filter.run.map(|run| run.0),
            &$filter.connections.iter().map(|id| id.0).collect::<Vec<Uuid>>(),
            &$filter.entities,
            $filter.reason.map(FailureKind::as_str),
            $filter.fingerprint.as_deref(),
            $($argument),*
        )
    };
}

struct DeadRow {
    id: Uuid,
    run_id: Uuid,
    connection: String,
    entity: String,
    axis: Word<Axis>,
    day_from: Option<NaiveDate>,
    day_to: Option<NaiveDate>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    reason: Word<FailureKind>,
    message: String,
    fingerprint: String,
    ended_at: DateTime<Utc>,
    attempt: Count<u32>,
}

impl TryFrom<DeadRow> for DeadLetter {
    type Error = LedgerError;

    fn try_from(row: DeadRow) -> Result<Self, LedgerError> {
        let window = WindowColumns {
            axis: row.axis.0,
            day_from: row.day_from,
            day_to: row.day_to,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
        };
        Ok(Self {
            id: SegmentId(row.id),
            run_id: RunId(row.run_id),
            connection: row.connection,
            entity: row.entity,
            window: window.try_into()?,
            reason: row.reason.0,
            message: row.message,
            fingerprint: row.fingerprint,
            died_at: row.ended_at,
            attempts: row.attempt.0,
        })
    }
}

struct GroupRow {
    fingerprint: String,
    reason: Word<FailureKind>,
    entity: String,
    message: String,
    count: Count<u64>,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

impl From<GroupRow> for DeadLetterGroup {
    fn from(row: GroupRow) -> Self {
        Self {
            fingerprint: row.fingerprint,
            reason: row.reason.0,
            entity: row.entity,
            message: row.message,
            count: row.count.0,
            first_at: row.first_at,
            last_at: row.last_at,
        }
    }
}

struct AttemptRow {
    attempt: Count<u32>,
    worker: String,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    outcome: String,
    reason: String,
    message: String,
    request: Option<String>,
    status: Option<Count<u16>>,
    upstream_code: Option<String>,
    transaction_id: Option<String>,
    times: Count<u32>,
    waited_ms: Count<u64>,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        Self {
            attempt: row.attempt.0,
            worker: row.worker,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: row.outcome,
            reason: row.reason,
            message: row.message,
            request: row.request,
            status: row.status.map(|status| status.0),
            upstream_code: row.upstream_code,
            transaction_id: row.transaction_id,
            times: row.times.0,
            waited_seconds: std::time::Duration::from_millis(row.waited_ms.0).as_secs_f64(),
        }
    }
}

#[async_trait]
impl DeadLetters for PostgresLedger {
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, LedgerError> {
        let newest = || async {
            filtered!(
                query_as!(
                    DeadRow,
                    r#"
                    SELECT s.id, s.run_id, c.name AS connection, s.entity, s.axis AS "axis: _", s.day_from, s.day_to,
                        s.starts_at, s.ends_at, s.reason AS "reason!: _", s.message AS "message!",
                        s.fingerprint AS "fingerprint!", s.ended_at AS "ended_at!", s.attempt AS "attempt: _""#,
                    "ORDER BY s.ended_at DESC, s.id DESC LIMIT $7"
                ),
                filter,
                number(limit)
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("dead letters"))
        };
        persistently(newest)
            .await?
            .into_iter()
            .map(DeadLetter::try_from)
            .collect()
    }

    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, LedgerError> {
        let count = || async {
            filtered!(
                query_scalar!(r#"SELECT count(*) AS "count!: Count<u64>""#, ""),
                filter
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("count dead letters"))
        };
        Ok(persistently(count).await?.0)
    }

    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetterGroup>, LedgerError> {
        let groups = || async {
            filtered!(
                query_as!(
                    GroupRow,
                    r#"
                    SELECT fingerprint AS "fingerprint!", reason AS "reason!: _", entity, message AS "message!",
                        count AS "count!: _", first_at AS "first_at!", last_at AS "last_at!"
                    FROM (
                        SELECT DISTINCT ON (s.fingerprint) s.fingerprint, s.reason, s.entity, s.message,
                            count(*) OVER one AS count, min(s.ended_at) OVER one AS first_at,
                            max(s.ended_at) OVER one AS last_at"#,
                    "   WINDOW one AS (PARTITION BY s.fingerprint)
                        ORDER BY s.fingerprint, s.ended_at DESC, s.id DESC
                    ) AS newest_of_each
                    ORDER BY count DESC, last_at DESC, fingerprint"
                ),
                filter
            )
            .fetch_all(&self.pool)
            .await
            .map_err(failed("dead letter groups"))
        };
        let rows = persistently(groups).await?;
        Ok(rows.into_iter().map(DeadLetterGroup::from).collect())
    }

    async fn attempts(&self, segment: SegmentId) -> Result<Vec<Attempt>, LedgerError> {
        let all = || async {
            sqlx::query_as!(
                AttemptRow,
                r#"
                SELECT attempt AS "attempt: _", worker, started_at, ended_at, outcome, reason, message, request,
                    status AS "status: _", upstream_code, transaction_id, times AS "times: _",
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

    async fn replay(&self, filter: &DeadLetterFilter, limit: Option<u32>) -> Result<Replayed, LedgerError> {
        patiently(|| self.replay_once(filter, limit)).await
    }
}

impl PostgresLedger {
    async fn replay_once(
        &self,
        filter: &DeadLetterFilter,
        limit: Option<u32>,
    ) -> Result<Replayed, LedgerError> {
        let mut tx = self.begin("replay").await?;
        take_time(&mut tx).await?;
        let runs = lock_runs(&mut tx, filter).await?;
        let revived = revive(&mut tx, filter, limit, &runs).await?;
        let mut touched = revived.clone();
        touched.sort_unstable();
        touched.dedup();
        let replayed = Replayed {
            segments: u64::try_from(revived.len()).unwrap_or(u64::MAX),
            runs: reopen_runs(&mut tx, &touched).await?,
        };
        audit(
            &mut tx,
            "dead_letters.replay",
            None,
            detail(filter, limit, &replayed),
        )
        .await?;
        tx.commit().await.map_err(failed("replay"))?;
        Ok(replayed)
    }
}

/// Keeps the runs of the dead letters that a filter lets through as they are: a run that was closed while one of its
/// segments comes back to life would leave that segment behind for ever.
async fn lock_runs(tx: &mut PgConnection, filter: &DeadLetterFilter) -> Result<Vec<Uuid>, LedgerError> {
    let runs = filtered!(query_scalar!("SELECT DISTINCT s.run_id", ""), filter);
    let runs = runs
        .fetch_all(&mut *tx)
        .await
        .map_err(failed("runs of dead letters"))?;
    let lock = sqlx::query_scalar!(
        "SELECT id FROM fleet.runs WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        &runs
    );
    lock.fetch_all(tx).await.map_err(failed("lock runs"))
}

/// Dead to pending, from the first page of the window, with nothing held against it: the oldest first. Answers the
/// run of each. What has died since the runs were locked, in another run, waits for the next replay.
async fn revive(
    tx: &mut PgConnection,
    filter: &DeadLetterFilter,
    limit: Option<u32>,
    runs: &[Uuid],
) -> Result<Vec<Uuid>, LedgerError> {
    let revive = filtered!(
        query_scalar!(
            "
            WITH oldest AS (
                SELECT s.id",
            "   AND s.run_id = ANY($8)
                ORDER BY s.ended_at, s.id LIMIT $7
                -- A company that is removed at this moment is waited for, and its dead letters are gone then.
                FOR NO KEY UPDATE OF s FOR SHARE OF c)
            UPDATE fleet.segments s
            SET state = 'pending', due_at = now(), failures = 0, crashes = 0, waited_ms = 0, started = false,
                progressed = false, pass = 1, page = 0, rows = 0, ended_at = NULL, reason = NULL, message = NULL,
                fingerprint = NULL
            FROM oldest
            WHERE s.id = oldest.id
            RETURNING s.run_id"
        ),
        filter,
        limit.map(number),
        runs
    );
    revive.fetch_all(tx).await.map_err(failed("revive"))
}

/// Makes those of these runs that have ended active again. One that a person has paused stays paused.
///
/// Where an equal request is unfinished by now, or several equal ones reopen at once, all but the newest give up
/// their request key: a new equal request then joins that one.
async fn reopen_runs(tx: &mut PgConnection, runs: &[Uuid]) -> Result<u64, LedgerError> {
    let give_up_keys = sqlx::query!(
        "
        WITH reopening AS (
            SELECT id, request_key FROM fleet.runs WHERE id = ANY($1) AND state IN ('done', 'dead', 'cancelled'))
        UPDATE fleet.runs r SET request_key = NULL
        WHERE r.id IN (SELECT id FROM reopening)
          AND (EXISTS (SELECT FROM fleet.runs other
                       WHERE other.request_key = r.request_key AND other.state IN ('active', 'paused'))
               OR EXISTS (SELECT FROM reopening other
                          WHERE other.request_key = r.request_key AND other.id > r.id))",
        runs
    );
    give_up_keys
        .execute(&mut *tx)
        .await
        .map_err(failed("give up keys"))?;
    let reopen = sqlx::query!(
        "
        UPDATE fleet.runs SET state = 'active', closed_at = NULL
        WHERE id = ANY($1) AND state IN ('done', 'dead', 'cancelled')",
        runs
    );
    let reopened = reopen.execute(tx).await.map_err(failed("reopen runs"))?;
    Ok(reopened.rows_affected())
}

fn detail(filter: &DeadLetterFilter, limit: Option<u32>, replayed: &Replayed) -> serde_json::Value {
    serde_json::json!({
        "ids": filter.ids,
        "run": filter.run,
        "connections": filter.connections,
        "entities": filter.entities,
        "reason": filter.reason,
        "fingerprint": filter.fingerprint,
        "limit": limit,
        "segments": replayed.segments,
        "runs": replayed.runs,
    })
}
