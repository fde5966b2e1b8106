//! Replays on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{ReplayId, SegmentId};
use sqlx::SqliteConnection;

use super::SqliteLedger;
use super::codec::{Stamp, Text, number};
use super::dead_letters::{Cursor, Sweep, ids, oldest};
use super::error::failed;
use super::segments::audit;
use crate::replays::{CHUNK, audited};
use crate::{LedgerError, Replay, ReplayRequest, ReplayState, Replayed, Replays, WhichReplays, Withdrawn};

#[async_trait]
impl Replays for SqliteLedger {
    async fn replay(&self, request: &ReplayRequest) -> Result<Replayed, LedgerError> {
        let mut sweep = self.sweep();
        let mut told = Replayed::default();
        loop {
            let chunk = self.replay_chunk(request, &sweep, told.replay_id).await?;
            told.segments += chunk.segments;
            told.runs += chunk.runs;
            if told.replay_id.is_none() {
                (told.replay_id, told.continued) = (chunk.replay, chunk.continued);
            }
            match chunk.end {
                Some(end) => sweep.after = Some(end),
                None => return Ok(told),
            }
        }
    }

    async fn replays(&self, which: WhichReplays, limit: u32) -> Result<Vec<Replay>, LedgerError> {
        const REPLAYS: &str = "
            SELECT p.*,
                (SELECT count(*) FROM fleet_segments WHERE replay_id = p.id AND state = 'pending') AS pending,
                (SELECT count(*) FROM fleet_segments WHERE replay_id = p.id AND state = 'running') AS running,
                (SELECT count(*) FROM fleet_segments WHERE replay_id = p.id AND state = 'done') AS done,
                (SELECT count(*) FROM fleet_segments WHERE replay_id = p.id AND state = 'dead') AS dead
            FROM fleet_replays p
            WHERE (?1 IS NULL OR p.id = ?1)
              AND (?2 IS NULL OR EXISTS (SELECT 1 FROM fleet_segments WHERE replay_id = p.id AND +run_id = ?2))
            ORDER BY p.at DESC, p.rowid DESC LIMIT ?3";
        let (only, run) = match which {
            WhichReplays::All => (None, None),
            WhichReplays::One(replay) => (Some(replay), None),
            WhichReplays::OfRun(run) => (None, Some(run)),
        };
        let rows: Vec<ReplayRow> = sqlx::query_as(REPLAYS)
            .bind(only.map(Text))
            .bind(run.map(Text))
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("replays"))?;
        rows.into_iter().map(Replay::try_from).collect()
    }

    async fn stop_replays(&self) -> Result<Vec<Withdrawn>, LedgerError> {
        const STOPPING: &str = "SELECT id FROM fleet_replays WHERE state = 'stopping' ORDER BY id";
        let stopping: Vec<Text<ReplayId>> = sqlx::query_scalar(STOPPING)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("replays to stop"))?;
        let mut withdrawn = Vec::new();
        for replay in stopping {
            withdrawn.push(self.withdraw_chunk(replay.0).await?);
        }
        Ok(withdrawn)
    }

    async fn replayed_total(&self) -> Result<u64, LedgerError> {
        const TOTAL: &str = "SELECT coalesce(sum(segments), 0) FROM fleet_replays";
        let total = sqlx::query_scalar(TOTAL).fetch_one(&self.readers);
        total.await.map_err(failed("replayed total"))
    }
}

/// What one transaction of a replay has done.
#[derive(Debug, Default)]
struct Chunk {
    replay: Option<ReplayId>,
    continued: bool,
    segments: u64,
    runs: u64,
    /// Where it ended; none where nothing is left to send.
    end: Option<Cursor>,
}

/// A replay that sends.
#[derive(sqlx::FromRow)]
struct Open {
    id: Text<ReplayId>,
    /// Segments sent so far.
    segments: u64,
    /// When the next segment is due.
    next_due_at: Stamp,
}

impl SqliteLedger {
    /// Sends a chunk: under the replay that was opened before, else under a new one or an equal one that is not over.
    async fn replay_chunk(
        &self,
        request: &ReplayRequest,
        sweep: &Sweep,
        opened: Option<ReplayId>,
    ) -> Result<Chunk, LedgerError> {
        let mut tx = self.write("replay").await?;
        let now = self.now();
        let mut chosen = oldest(&mut tx, &request.filter, sweep, CHUNK).await?;
        let going = match opened {
            Some(replay) => find_going(&mut tx, replay).await?,
            None => find_equal(&mut tx, &request.key()).await?,
        };
        let mut chunk = Chunk {
            replay: opened.or(going.as_ref().map(|going| going.id.0)),
            continued: opened.is_none() && going.is_some(),
            ..Chunk::default()
        };
        let stopped_meanwhile = opened.is_some() && going.is_none();
        if let Some(going) = &going {
            chosen.truncate(left(request, going.segments));
        } else {
            chosen.truncate(left(request, 0));
        }
        let Some(last) = chosen.last().copied().filter(|_| !stopped_meanwhile) else {
            return Ok(chunk);
        };
        let open = match going {
            Some(going) => going,
            None => insert_replay(&mut tx, now, request).await?,
        };
        let ids = ids(&chosen);
        chunk.end = Some(last);
        chunk.replay = Some(open.id.0);
        chunk.segments = revive(&mut tx, now, request, &open, &ids).await?;
        chunk.runs = reopen_runs(&mut tx, &ids).await?;
        count_sent(&mut tx, now, request, &open, chunk.segments).await?;
        let mut detail = audited(&request.filter, &request.asked_by, chunk.segments);
        detail["limit"] = request.most.into();
        detail["per_minute"] = request.per_minute.into();
        detail["page_size"] = request.page_size.into();
        detail["runs"] = chunk.runs.into();
        let subject = Some(open.id.0.to_string());
        audit(&mut tx, now, "dead_letters.replay", subject, detail).await?;
        tx.commit().await.map_err(failed("replay"))?;
        Ok(chunk)
    }

    /// Makes a chunk of what nobody has claimed since it was sent dead again, as it was.
    async fn withdraw_chunk(&self, replay: ReplayId) -> Result<Withdrawn, LedgerError> {
        #[derive(sqlx::FromRow)]
        struct NotedRow {
            finished: bool,
            segments: u64,
            withdrawn: u64,
            stopped_by: Option<String>,
            stopped_reason: Option<String>,
        }
        const WITHDRAW: &str = "
            UPDATE fleet_segments SET state = 'dead' WHERE id IN (
                SELECT id FROM fleet_segments
                WHERE replay_id = ?1 AND state = 'pending' AND claimed_at IS NULL ORDER BY id LIMIT ?2)";
        const NOTE: &str = "
            UPDATE fleet_replays
            SET withdrawn = withdrawn + ?2,
                state = CASE WHEN EXISTS (
                    SELECT 1 FROM fleet_segments WHERE replay_id = ?1 AND state = 'pending' AND claimed_at IS NULL)
                    THEN 'stopping' ELSE 'stopped' END
            WHERE id = ?1 AND state = 'stopping'
            RETURNING state = 'stopped' AS finished, segments, withdrawn, stopped_by, stopped_reason";
        let mut tx = self.write("withdraw").await?;
        let withdraw = sqlx::query(WITHDRAW)
            .bind(Text(replay))
            .bind(CHUNK)
            .execute(&mut *tx)
            .await;
        let withdrawn = withdraw.map_err(failed("withdraw"))?.rows_affected();
        let noted: Option<NotedRow> = sqlx::query_as(NOTE)
            .bind(Text(replay))
            .bind(number(withdrawn))
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("note withdrawal"))?;
        let finished = noted.as_ref().is_none_or(|noted| noted.finished);
        if let Some(noted) = noted.filter(|noted| noted.finished) {
            let detail = serde_json::json!({
                "segments": noted.withdrawn,
                "sent": noted.segments,
                "segment": noted.stopped_by,
                "why": noted.stopped_reason,
                "by": "the fleet",
            });
            let subject = Some(replay.to_string());
            audit(&mut tx, self.now(), "dead_letters.stop_replay", subject, detail).await?;
        }
        tx.commit().await.map_err(failed("withdraw"))?;
        Ok(Withdrawn {
            replay,
            segments: withdrawn,
            finished,
        })
    }
}

/// How many more segments a request wants that has got so many.
fn left(request: &ReplayRequest, sent: u64) -> usize {
    let left = request.most.map(|most| u64::from(most).saturating_sub(sent));
    left.and_then(|left| usize::try_from(left).ok())
        .unwrap_or(usize::MAX)
}

/// The replay, if it still sends.
async fn find_going(tx: &mut SqliteConnection, replay: ReplayId) -> Result<Option<Open>, LedgerError> {
    const GOING: &str =
        "SELECT id, segments, next_due_at FROM fleet_replays WHERE id = ? AND state = 'going'";
    let going = sqlx::query_as(GOING).bind(Text(replay)).fetch_optional(tx);
    going.await.map_err(failed("find replay"))
}

/// The replay of an equal request, if it is not over. One that is over gives up its key.
async fn find_equal(tx: &mut SqliteConnection, key: &str) -> Result<Option<Open>, LedgerError> {
    const GIVE_UP_KEY: &str = "
        UPDATE fleet_replays SET request_key = NULL
        WHERE request_key = ? AND state = 'going' AND NOT EXISTS (
            SELECT 1 FROM fleet_segments s WHERE s.replay_id = fleet_replays.id AND s.state IN ('pending', 'running'))";
    const EQUAL: &str =
        "SELECT id, segments, next_due_at FROM fleet_replays WHERE request_key = ? AND state = 'going'";
    let give_up = sqlx::query(GIVE_UP_KEY).bind(key).execute(&mut *tx);
    give_up.await.map_err(failed("give up key"))?;
    let equal = sqlx::query_as(EQUAL).bind(key).fetch_optional(tx);
    equal.await.map_err(failed("find equal replay"))
}

async fn insert_replay(
    tx: &mut SqliteConnection,
    now: Stamp,
    request: &ReplayRequest,
) -> Result<Open, LedgerError> {
    const INSERT: &str = "
        INSERT INTO fleet_replays (id, state, at, asked_by, filter, most, per_minute, request_key, next_due_at)
        VALUES (?1, 'going', ?2, ?3, ?4, ?5, ?6, ?7, ?2)
        RETURNING id, segments, next_due_at";
    let insert = sqlx::query_as(INSERT)
        .bind(Text(ReplayId::new()))
        .bind(now)
        .bind(&request.asked_by)
        .bind(serde_json::json!(request.filter).to_string())
        .bind(request.most)
        .bind(request.per_minute)
        .bind(request.key())
        .fetch_one(tx);
    insert.await.map_err(failed("insert replay"))
}

/// Dead to pending, from the first page of the window, with nothing held against it, each a step after the one before.
/// Why it was dead stays, in case it is withdrawn.
async fn revive(
    tx: &mut SqliteConnection,
    now: Stamp,
    request: &ReplayRequest,
    open: &Open,
    ids: &str,
) -> Result<u64, LedgerError> {
    // Instants are written as everywhere else: the date and time to the second, then six digits.
    const REVIVE: &str = "
        UPDATE fleet_segments
        SET state = 'pending', replay_id = ?2, claimed_at = NULL, first_claimed_at = NULL,
            answered_at = NULL, dropped_at = NULL, failures = 0, crashes = 0,
            waited_ms = 0, idle_claims = 0, started = 0, progressed = 0, pass = 1, page = 0, position = '', rows = 0,
            page_size = coalesce(?5, page_size),
            due_at = strftime('%Y-%m-%dT%H:%M:%S', (?3 + chosen.key * ?4) / 1000000, 'unixepoch')
                || printf('.%06dZ', (?3 + chosen.key * ?4) % 1000000)
        FROM json_each(?1) AS chosen
        WHERE fleet_segments.id = chosen.value AND state = 'dead'";
    let first = next_due(open, now);
    let revived = sqlx::query(REVIVE)
        .bind(ids)
        .bind(open.id)
        .bind(first.0.timestamp_micros())
        .bind(number(request.spacing().as_micros()))
        .bind(request.page_size)
        .execute(tx)
        .await;
    Ok(revived.map_err(failed("revive"))?.rows_affected())
}

/// When the next segment of a replay is due: at its pace, and not in the past.
fn next_due(open: &Open, now: Stamp) -> Stamp {
    open.next_due_at.max(now)
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

/// Notes how many were sent, and when the next is due.
async fn count_sent(
    tx: &mut SqliteConnection,
    now: Stamp,
    request: &ReplayRequest,
    open: &Open,
    segments: u64,
) -> Result<(), LedgerError> {
    const COUNT: &str = "UPDATE fleet_replays SET segments = segments + ?2, next_due_at = ?3 WHERE id = ?1";
    let steps = u32::try_from(segments).unwrap_or(u32::MAX);
    let taken: Duration = request.spacing().saturating_mul(steps);
    let count = sqlx::query(COUNT)
        .bind(open.id)
        .bind(number(segments))
        .bind(next_due(open, now).after(taken));
    count.execute(tx).await.map_err(failed("count sent"))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ReplayRow {
    id: Text<ReplayId>,
    state: Text<ReplayState>,
    at: Stamp,
    asked_by: String,
    filter: String,
    most: Option<u64>,
    per_minute: Option<u32>,
    segments: u64,
    withdrawn: u64,
    stopped_at: Option<Stamp>,
    stopped_by: Option<Text<SegmentId>>,
    stopped_fingerprint: Option<String>,
    stopped_reason: Option<String>,
    pending: u64,
    running: u64,
    done: u64,
    dead: u64,
}

impl TryFrom<ReplayRow> for Replay {
    type Error = LedgerError;

    fn try_from(row: ReplayRow) -> Result<Self, LedgerError> {
        let filter = serde_json::from_str(&row.filter)
            .map_err(|error| LedgerError::Corrupt(format!("the filter of replay {}: {error}", row.id.0)))?;
        let unfinished = row.pending + row.running > 0;
        Ok(Self {
            replay_id: row.id.0,
            state: row.state.0.with(unfinished),
            at: row.at.0,
            asked_by: row.asked_by,
            filter,
            most: row.most,
            per_minute: row.per_minute,
            segments: row.segments,
            pending: row.pending,
            running: row.running,
            done: row.done,
            dead: row.dead,
            withdrawn: row.withdrawn,
            stopped_at: row.stopped_at.map(|at| at.0),
            stopped_by: row.stopped_by.map(|segment| segment.0),
            stopped_fingerprint: row.stopped_fingerprint,
            stopped_reason: row.stopped_reason,
        })
    }
}
