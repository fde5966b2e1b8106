//! Dead letters on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::{FailureKind, RunId, SegmentId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteArguments;

use super::SqliteLedger;
use super::codec::{Millis, Stamp, Text, json_filter, number};
use super::error::failed;
use super::segments::{WindowColumns, audit};
use crate::{Attempt, DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetters, LedgerError, Replayed};

/// The dead letters that a filter lets through. Those of a removed connection are gone with it: nobody could send
/// them again.
macro_rules! filtered {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " FROM fleet_segments s JOIN fleet_connections c ON c.id = s.connection_id AND c.state <> 'removed'
              WHERE s.state = 'dead'
                AND (?1 IS NULL OR s.id IN (SELECT value FROM json_each(?1)))
                AND (?2 IS NULL OR s.run_id = ?2)
                AND (?3 IS NULL OR s.connection_id IN (SELECT value FROM json_each(?3)))
                AND (?4 IS NULL OR s.entity IN (SELECT value FROM json_each(?4)))
                AND (?5 IS NULL OR s.reason = ?5)
                AND (?6 IS NULL OR s.fingerprint = ?6) ",
            $after
        )
    };
}

/// The values of [`filtered`], in its order.
fn arguments(filter: &DeadLetterFilter) -> Result<SqliteArguments, LedgerError> {
    use sqlx::Arguments;
    let mut arguments = SqliteArguments::default();
    let mut all = || {
        arguments.add(json_filter(&filter.ids))?;
        arguments.add(filter.run.map(Text))?;
        arguments.add(json_filter(&filter.connections))?;
        arguments.add(json_filter(&filter.entities))?;
        arguments.add(filter.reason.map(Text))?;
        arguments.add(filter.fingerprint.clone())
    };
    all().map_err(|error| failed("filter dead letters")(sqlx::Error::Encode(error)))?;
    Ok(arguments)
}

#[derive(sqlx::FromRow)]
struct DeadRow {
    id: Text<SegmentId>,
    run_id: Text<RunId>,
    connection: String,
    entity: String,
    #[sqlx(flatten)]
    window: WindowColumns,
    reason: Text<FailureKind>,
    message: String,
    fingerprint: String,
    ended_at: Stamp,
    attempt: u32,
}

impl TryFrom<DeadRow> for DeadLetter {
    type Error = LedgerError;

    fn try_from(row: DeadRow) -> Result<Self, LedgerError> {
        Ok(Self {
            id: row.id.0,
            run_id: row.run_id.0,
            connection: row.connection,
            entity: row.entity,
            window: row.window.try_into()?,
            reason: row.reason.0,
            message: row.message,
            fingerprint: row.fingerprint,
            died_at: row.ended_at.0,
            attempts: row.attempt,
        })
    }
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    fingerprint: String,
    reason: Text<FailureKind>,
    entity: String,
    message: String,
    count: u64,
    first_at: Stamp,
    last_at: Stamp,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    attempt: u32,
    worker: String,
    started_at: Stamp,
    ended_at: Stamp,
    outcome: String,
    reason: String,
    message: String,
    request: Option<String>,
    status: Option<u16>,
    upstream_code: Option<String>,
    transaction_id: Option<String>,
    times: u32,
    waited_ms: Millis,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        Self {
            attempt: row.attempt,
            worker: row.worker,
            started_at: row.started_at.0,
            ended_at: row.ended_at.0,
            outcome: row.outcome,
            reason: row.reason,
            message: row.message,
            request: row.request,
            status: row.status,
            upstream_code: row.upstream_code,
            transaction_id: row.transaction_id,
            times: row.times,
            waited_seconds: row.waited_ms.0.as_secs_f64(),
        }
    }
}

#[async_trait]
impl DeadLetters for SqliteLedger {
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, LedgerError> {
        const NEWEST: &str = filtered!(
            "SELECT s.id, s.run_id, c.name AS connection, s.entity, s.axis, s.day_from, s.day_to, s.starts_at,
                 s.ends_at, s.reason, s.message, s.fingerprint, s.ended_at, s.attempt",
            "ORDER BY s.ended_at DESC, s.id DESC LIMIT ?7"
        );
        let newest = sqlx::query_as_with(NEWEST, arguments(filter)?).bind(limit);
        let rows: Vec<DeadRow> = newest
            .fetch_all(&self.readers)
            .await
            .map_err(failed("dead letters"))?;
        rows.into_iter().map(DeadLetter::try_from).collect()
    }

    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, LedgerError> {
        const COUNT: &str = filtered!("SELECT count(*)", "");
        let count = sqlx::query_scalar_with(COUNT, arguments(filter)?).fetch_one(&self.readers);
        count.await.map_err(failed("count dead letters"))
    }

    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetterGroup>, LedgerError> {
        // Beside one max() SQLite takes the bare columns from the row that holds it; with min() beside it, it may
        // not. So the newest is found first.
        const GROUPS: &str = filtered!(
            "SELECT fingerprint, reason, entity, message, count, first_at, last_at FROM (
                 SELECT s.fingerprint, s.reason, s.entity, s.message,
                        count(*) OVER one AS count,
                        min(s.ended_at) OVER one AS first_at,
                        max(s.ended_at) OVER one AS last_at,
                        row_number() OVER (PARTITION BY s.fingerprint ORDER BY s.ended_at DESC, s.id DESC) AS place",
            "    WINDOW one AS (PARTITION BY s.fingerprint)
             ) WHERE place = 1 ORDER BY count DESC, last_at DESC, fingerprint"
        );
        let groups = sqlx::query_as_with(GROUPS, arguments(filter)?).fetch_all(&self.readers);
        let rows: Vec<GroupRow> = groups.await.map_err(failed("dead letter groups"))?;
        let group = |row: GroupRow| DeadLetterGroup {
            fingerprint: row.fingerprint,
            reason: row.reason.0,
            entity: row.entity,
            message: row.message,
            count: row.count,
            first_at: row.first_at.0,
            last_at: row.last_at.0,
        };
        Ok(rows.into_iter().map(group).collect())
    }

    async fn attempts(&self, segment: SegmentId) -> Result<Vec<Attempt>, LedgerError> {
        const ATTEMPTS: &str = "SELECT * FROM fleet_attempts WHERE segment_id = ? ORDER BY id";
        let all = sqlx::query_as(ATTEMPTS)
            .bind(Text(segment))
            .fetch_all(&self.readers);
        let rows: Vec<AttemptRow> = all.await.map_err(failed("attempts"))?;
        Ok(rows.into_iter().map(Attempt::from).collect())
    }

    async fn replay(&self, filter: &DeadLetterFilter, limit: Option<u32>) -> Result<Replayed, LedgerError> {
        let mut tx = self.write("replay").await?;
        let now = self.now();
        let ids = oldest(&mut tx, filter, limit).await?;
        let segments = revive(&mut tx, now, &ids).await?;
        let runs = reopen_runs(&mut tx, &ids).await?;
        let replayed = Replayed { segments, runs };
        audit(
            &mut tx,
            now,
            "dead_letters.replay",
            None,
            detail(filter, limit, &replayed),
        )
        .await?;
        tx.commit().await.map_err(failed("replay"))?;
        Ok(replayed)
    }
}

/// The ids of the dead letters to send again, as a JSON array: the oldest first.
async fn oldest(
    tx: &mut SqliteConnection,
    filter: &DeadLetterFilter,
    limit: Option<u32>,
) -> Result<String, LedgerError> {
    const OLDEST: &str = filtered!(
        "SELECT json_group_array(id) FROM (SELECT s.id",
        "ORDER BY s.ended_at, s.id LIMIT ?7)"
    );
    // A negative limit is none.
    let limit = limit.map_or(-1, i64::from);
    let oldest = sqlx::query_scalar_with(OLDEST, arguments(filter)?)
        .bind(limit)
        .fetch_one(tx);
    oldest.await.map_err(failed("oldest dead letters"))
}

/// Dead to pending, from the first page of the window, with nothing held against it.
async fn revive(tx: &mut SqliteConnection, now: Stamp, ids: &str) -> Result<u64, LedgerError> {
    const REVIVE: &str = "
        UPDATE fleet_segments
        SET state = 'pending', due_at = ?2, failures = 0, crashes = 0, waited_ms = 0, started = 0, progressed = 0,
            pass = 1, page = 0, rows = 0, ended_at = NULL, reason = NULL, message = NULL, fingerprint = NULL
        WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'dead'";
    let revived = sqlx::query(REVIVE).bind(ids).bind(now).execute(tx).await;
    Ok(revived.map_err(failed("revive"))?.rows_affected())
}

/// Makes the ended runs of these segments active again. One that a person has paused stays paused.
///
/// Where an equal request is unfinished by now, or several equal ones reopen at once, all but the newest give up
/// their request key: a new equal request then joins that one.
async fn reopen_runs(tx: &mut SqliteConnection, segments: &str) -> Result<u64, LedgerError> {
    const GIVE_UP_KEYS: &str = "
        WITH reopening AS (
            SELECT r.id, r.request_key, r.state FROM fleet_runs r
            WHERE r.id IN (SELECT run_id FROM fleet_segments WHERE id IN (SELECT value FROM json_each(?1)))
              AND r.state IN ('done', 'dead', 'cancelled'))
        UPDATE fleet_runs SET request_key = NULL
        WHERE id IN (SELECT id FROM reopening)
          AND (EXISTS (SELECT 1 FROM fleet_runs other
                       WHERE other.request_key = fleet_runs.request_key AND other.state IN ('active', 'paused'))
               OR EXISTS (SELECT 1 FROM reopening other
                          WHERE other.request_key = fleet_runs.request_key AND other.id > fleet_runs.id))";
    const REOPEN: &str = "
        UPDATE fleet_runs SET state = 'active', closed_at = NULL
        WHERE id IN (SELECT run_id FROM fleet_segments WHERE id IN (SELECT value FROM json_each(?1)))
          AND state IN ('done', 'dead', 'cancelled')";
    sqlx::query(GIVE_UP_KEYS)
        .bind(segments)
        .execute(&mut *tx)
        .await
        .map_err(failed("give up keys"))?;
    let reopened = sqlx::query(REOPEN).bind(segments).execute(tx).await;
    Ok(reopened.map_err(failed("reopen runs"))?.rows_affected())
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
        "segments": number(replayed.segments),
        "runs": number(replayed.runs),
    })
}
