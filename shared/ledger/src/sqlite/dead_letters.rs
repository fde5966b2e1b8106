//! Dead letters on SQLite.

use async_trait::async_trait;
use ledgerfleet_model::{FailureKind, ReplayId, RunId, SegmentId};
use sqlx::sqlite::Sqlite;
use sqlx::{QueryBuilder, SqliteConnection};

use super::SqliteLedger;
use super::codec::{Millis, Stamp, Text, json_list, number};
use super::error::failed;
use super::segments::{WindowColumns, audit};
use crate::replays::{CHUNK, audited};
use crate::{
    Attempt, DeadLetter, DeadLetterCount, DeadLetterFilter, DeadLetterGroup, DeadLetters, Dropped,
    LedgerError, Listing, Order,
};

/// A statement over the dead letters that a filter lets through: `select` and what stands after the conditions is the
/// caller's. Those of a removed connection are gone with it: nobody could send them again.
///
/// Only conditions that are asked for are in it: SQLite plans before it knows the values, and could use no index for a
/// condition that may mean anything. The indexes of dead letters hold all that a filter may name: a join would only cost
/// a look at the connection of each of them.
pub(super) fn filtered(select: &str, filter: &DeadLetterFilter) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select);
    query.push(
        " FROM fleet_segments s
          WHERE s.state = 'dead'
            AND s.connection_id NOT IN (SELECT id FROM fleet_connections WHERE state = 'removed')",
    );
    query.push(match filter.dropped {
        Dropped::Not => " AND s.dropped_at IS NULL",
        Dropped::Only => " AND s.dropped_at IS NOT NULL",
    });
    let mut is_one_of = |column: &str, values: Option<String>| {
        if let Some(values) = values {
            query.push(format_args!(" AND {column} IN (SELECT value FROM json_each("));
            query.push_bind(values).push("))");
        }
    };
    is_one_of("s.id", some_of(&filter.ids));
    // With a plus a condition only filters. Of one company, entity or run there may be too many to be sorted.
    is_one_of("+s.connection_id", some_of(&filter.connections));
    is_one_of("+s.entity", some_of(&filter.entities));
    let mut holds = |condition: &str, value: Option<String>| {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    };
    holds(" AND +s.run_id = ", filter.run.map(|run| run.to_string()));
    holds(
        " AND +s.reason = ",
        filter.reason.map(|reason| reason.to_string()),
    );
    holds(" AND s.fingerprint = ", filter.fingerprint.clone());
    holds(" AND +s.day_to > ", filter.from.map(|day| day.to_string()));
    holds(" AND +s.day_from <= ", filter.to.map(|day| day.to_string()));
    query
}

fn some_of<T: std::fmt::Display>(items: &[T]) -> Option<String> {
    (!items.is_empty()).then(|| json_list(items))
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
    pages: u64,
    calls: u64,
    dropped_at: Option<Stamp>,
    replay_id: Option<Text<ReplayId>>,
    replay_stopped: Option<String>,
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
            pages: row.pages,
            calls: row.calls,
            dropped_at: row.dropped_at.map(|at| at.0),
            replay_id: row.replay_id.map(|replay| replay.0),
            replay_stopped: row.replay_stopped,
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
    pages: Option<u32>,
    worked_ms: Option<Millis>,
    gate_ms: Option<Millis>,
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
            pages: row.pages,
            worked_seconds: row.worked_ms.map(|worked| worked.0.as_secs_f64()),
            gate_seconds: row.gate_ms.map(|waited| waited.0.as_secs_f64()),
            waited_seconds: row.waited_ms.0.as_secs_f64(),
        }
    }
}

/// Where a page of a list, or a chunk of a sweep, ended.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Cursor {
    ended_at: Stamp,
    id: Text<SegmentId>,
}

#[async_trait]
impl DeadLetters for SqliteLedger {
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        listing: &Listing,
    ) -> Result<Vec<DeadLetter>, LedgerError> {
        const COLUMNS: &str = "
            SELECT s.id, s.run_id,
                (SELECT name FROM fleet_connections c WHERE c.id = s.connection_id) AS connection,
                s.entity, s.axis, s.day_from, s.day_to, s.starts_at, s.ends_at, s.reason, s.message, s.fingerprint,
                s.ended_at, s.attempt, s.pages, s.calls, s.dropped_at, s.replay_id,
                (SELECT stopped_reason FROM fleet_replays p WHERE p.id = s.replay_id) AS replay_stopped";
        let (sign, direction) = match listing.order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        let mut query = filtered(COLUMNS, filter);
        if let Some(segment) = listing.after {
            go_on_after(&mut query, sign, self.place_of(segment).await?);
        }
        query.push(format_args!(
            " ORDER BY s.ended_at {direction}, s.id {direction} LIMIT {}",
            listing.limit
        ));
        let rows: Vec<DeadRow> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(failed("dead letters"))?;
        rows.into_iter().map(DeadLetter::try_from).collect()
    }

    async fn dead_letter_ids(
        &self,
        first: SegmentId,
        last: SegmentId,
        limit: u32,
    ) -> Result<Vec<SegmentId>, LedgerError> {
        const ALIKE: &str = "
            SELECT id FROM fleet_segments WHERE id BETWEEN ? AND ? AND state = 'dead'
              AND connection_id NOT IN (SELECT id FROM fleet_connections WHERE state = 'removed')
            ORDER BY id LIMIT ?";
        let alike = sqlx::query_scalar(ALIKE)
            .bind(Text(first))
            .bind(Text(last))
            .bind(limit);
        let ids: Vec<Text<SegmentId>> = alike
            .fetch_all(&self.readers)
            .await
            .map_err(failed("dead letter ids"))?;
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, LedgerError> {
        let mut count = filtered("SELECT count(*)", filter);
        let count = count.build_query_scalar().fetch_one(&self.readers);
        count.await.map_err(failed("count dead letters"))
    }

    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, LedgerError> {
        const CAUSES: &str = "
            SELECT g.fingerprint, newest.reason, newest.entity, newest.message, g.count, g.first_at, g.last_at
            FROM (SELECT s.fingerprint, count(*) AS count, min(s.ended_at) AS first_at, max(s.ended_at) AS last_at";
        let hidden = match filter.dropped {
            Dropped::Not => "IS NULL",
            Dropped::Only => "IS NOT NULL",
        };
        let mut query = filtered(CAUSES, filter);
        query.push(" GROUP BY s.fingerprint ORDER BY 2 DESC, 4 DESC, 1 LIMIT ");
        query.push_bind(limit);
        query.push(format_args!(
            ") AS g CROSS JOIN fleet_segments newest ON newest.id = (
                 SELECT n.id FROM fleet_segments n
                 WHERE n.fingerprint = g.fingerprint AND n.ended_at = g.last_at
                   AND n.state = 'dead' AND n.dropped_at {hidden}
                 ORDER BY n.id DESC LIMIT 1)
             ORDER BY g.count DESC, g.last_at DESC, g.fingerprint"
        ));
        let groups = query.build_query_as().fetch_all(&self.readers);
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

    async fn dead_letter_counts(&self) -> Result<Vec<DeadLetterCount>, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct CountRow {
            connector: String,
            reason: Text<FailureKind>,
            count: u64,
        }
        const COUNTS: &str = "
            SELECT c.connector, s.reason, sum(s.count) AS count
            FROM (SELECT connection_id, reason, count(*) AS count
                  FROM fleet_segments INDEXED BY fleet_segments_causes WHERE state = 'dead' AND dropped_at IS NULL
                  GROUP BY connection_id, reason) AS s
            JOIN fleet_connections c ON c.id = s.connection_id AND c.state <> 'removed'
            GROUP BY c.connector, s.reason";
        let rows: Vec<CountRow> = sqlx::query_as(COUNTS)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("dead letter counts"))?;
        let count = |row: CountRow| DeadLetterCount {
            connector: row.connector,
            reason: row.reason.0,
            count: row.count,
        };
        Ok(rows.into_iter().map(count).collect())
    }

    async fn attempts(&self, segment: SegmentId) -> Result<Vec<Attempt>, LedgerError> {
        const ATTEMPTS: &str = "SELECT * FROM fleet_attempts WHERE segment_id = ? ORDER BY id";
        let all = sqlx::query_as(ATTEMPTS)
            .bind(Text(segment))
            .fetch_all(&self.readers);
        let rows: Vec<AttemptRow> = all.await.map_err(failed("attempts"))?;
        Ok(rows.into_iter().map(Attempt::from).collect())
    }

    async fn drop_dead_letters(&self, filter: &DeadLetterFilter, asked_by: &str) -> Result<u64, LedgerError> {
        let mut sweep = self.sweep();
        let mut dropped = 0;
        loop {
            let mut tx = self.write("drop").await?;
            let chosen = oldest(&mut tx, filter, &sweep, CHUNK).await?;
            let Some(last) = chosen.last() else {
                return Ok(dropped);
            };
            sweep.after = Some(*last);
            let now = self.now();
            let hidden = hide(&mut tx, now, &chosen).await?;
            let detail = audited(filter, asked_by, hidden);
            audit(&mut tx, now, "dead_letters.drop", None, detail).await?;
            tx.commit().await.map_err(failed("drop"))?;
            dropped += hidden;
        }
    }
}

async fn hide(tx: &mut SqliteConnection, now: Stamp, chosen: &[Cursor]) -> Result<u64, LedgerError> {
    const HIDE: &str =
        "UPDATE fleet_segments SET dropped_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))";
    let hide = sqlx::query(HIDE).bind(ids(chosen)).bind(now).execute(tx);
    Ok(hide.await.map_err(failed("drop"))?.rows_affected())
}

impl SqliteLedger {
    /// Where a segment stands in lists of the dead.
    async fn place_of(&self, segment: SegmentId) -> Result<Cursor, LedgerError> {
        const PLACE: &str = "SELECT ended_at, id FROM fleet_segments WHERE id = ? AND ended_at IS NOT NULL";
        let place = sqlx::query_as(PLACE)
            .bind(Text(segment))
            .fetch_optional(&self.readers);
        place
            .await
            .map_err(failed("place of dead letter"))?
            .ok_or(LedgerError::NoSuchSegment(segment))
    }

    /// Begins to go through all that is dead now, the oldest first.
    pub(super) fn sweep(&self) -> Sweep {
        Sweep {
            began: self.now(),
            after: None,
        }
    }
}

/// A walk through all that was dead when it began, the oldest first. What dies later is not part of it: sent again, a
/// segment that dies at once would be sent without end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep {
    began: Stamp,
    /// Where the chunk before ended.
    pub(super) after: Option<Cursor>,
}

/// The next chunk of a sweep.
pub(super) async fn oldest(
    tx: &mut SqliteConnection,
    filter: &DeadLetterFilter,
    sweep: &Sweep,
    most: u32,
) -> Result<Vec<Cursor>, LedgerError> {
    let mut query = filtered("SELECT s.ended_at, s.id", filter);
    query.push(" AND s.ended_at <= ").push_bind(sweep.began);
    if let Some(after) = sweep.after {
        go_on_after(&mut query, ">", after);
    }
    query
        .push(" ORDER BY s.ended_at, s.id LIMIT ")
        .push_bind(number(most));
    let oldest = query.build_query_as().fetch_all(tx);
    oldest.await.map_err(failed("oldest dead letters"))
}

fn go_on_after(query: &mut QueryBuilder<Sqlite>, sign: &str, after: Cursor) {
    query.push(format_args!(" AND (s.ended_at, s.id) {sign} ("));
    query
        .push_bind(after.ended_at)
        .push(", ")
        .push_bind(after.id)
        .push(")");
}

/// The ids of a chunk as a JSON array.
pub(super) fn ids(chosen: &[Cursor]) -> String {
    json_list(chosen.iter().map(|chosen| chosen.id.0))
}
