//! Replays on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ReplayId, SegmentId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresLedger;
use super::codec::{Count, Word, interval, number, small};
use super::dead_letters::{Chosen, Cursor, Sweep, oldest};
use super::error::{failed, persistently};
use super::reviving::{Open, reopen_runs, revive};
use super::segments::audit;
use crate::replays::{CHUNK, audited};
use crate::{LedgerError, Replay, ReplayRequest, ReplayState, Replayed, Replays, WhichReplays, Withdrawn};

#[async_trait]
impl Replays for PostgresLedger {
    async fn replay(&self, request: &ReplayRequest) -> Result<Replayed, LedgerError> {
        let mut sweep = self.sweep().await?;
        let mut told = Replayed::default();
        loop {
            let chunk = persistently(|| self.replay_chunk(request, &sweep, told.replay_id)).await?;
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
        let rows = persistently(|| self.replay_rows(which, limit)).await?;
        rows.into_iter().map(Replay::try_from).collect()
    }

    async fn stop_replays(&self) -> Result<Vec<Withdrawn>, LedgerError> {
        let stopping = || async {
            sqlx::query_scalar!("SELECT id FROM fleet.replays WHERE state = 'stopping' ORDER BY id")
                .fetch_all(&self.pool)
                .await
                .map_err(failed("replays to stop"))
        };
        let mut withdrawn = Vec::new();
        for replay in persistently(stopping).await? {
            withdrawn.push(persistently(|| self.withdraw_chunk(replay)).await?);
        }
        Ok(withdrawn)
    }

    async fn replayed_total(&self) -> Result<u64, LedgerError> {
        let total = || async {
            sqlx::query_scalar!(
                r#"SELECT coalesce(sum(segments), 0)::bigint AS "total!: Count<u64>" FROM fleet.replays"#
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("replayed total"))
        };
        Ok(persistently(total).await?.0)
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

/// Waits until no equal request is being opened: what it has sent and under which replay can be seen from then on.
async fn await_equal(tx: &mut PgConnection, key: &str) -> Result<(), LedgerError> {
    let wait = sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key);
    wait.execute(tx).await.map_err(failed("replay"))?;
    Ok(())
}

impl PostgresLedger {
    /// Sends a chunk: under the replay that was opened before, else under a new one or an equal one that is not over.
    async fn replay_chunk(
        &self,
        request: &ReplayRequest,
        sweep: &Sweep,
        opened: Option<ReplayId>,
    ) -> Result<Chunk, LedgerError> {
        let mut tx = self.begin_filtering("replay").await?;
        if opened.is_none() {
            await_equal(&mut tx, &request.key()).await?;
        }
        let mut chosen = oldest(&mut tx, &request.filter, sweep, CHUNK).await?;
        let going = match opened {
            Some(replay) => lock_going(&mut tx, replay).await?,
            None => find_equal(&mut tx, &request.key()).await?,
        };
        let mut chunk = Chunk {
            replay: opened.or(going.as_ref().map(|going| ReplayId(going.id))),
            continued: opened.is_none() && going.is_some(),
            ..Chunk::default()
        };
        let stopped_meanwhile = opened.is_some() && going.is_none();
        if chosen.is_empty() || stopped_meanwhile {
            return Ok(chunk);
        }
        let open = match going {
            Some(going) => going,
            None => insert_replay(&mut tx, request).await?,
        };
        chosen.truncate(left(request, open.segments));
        let Some(last) = chosen.last().map(Chosen::place) else {
            return Ok(chunk);
        };
        let revived = revive(&mut tx, request, &open, &chosen).await?;
        chunk.end = Some(last);
        if revived.is_empty() {
            // Others were faster. What was opened for nothing is undone.
            return Ok(chunk);
        }
        chunk.replay = Some(ReplayId(open.id));
        chunk.segments = u64::try_from(revived.len()).unwrap_or(u64::MAX);
        chunk.runs = reopen_runs(&mut tx, revived).await?;
        count_sent(&mut tx, request, &open, chunk.segments).await?;
        let mut detail = audited(&request.filter, &request.asked_by, chunk.segments);
        detail["limit"] = request.most.into();
        detail["per_minute"] = request.per_minute.into();
        detail["page_size"] = request.page_size.into();
        detail["runs"] = chunk.runs.into();
        audit(&mut tx, "dead_letters.replay", Some(open.id), detail).await?;
        tx.commit().await.map_err(failed("replay"))?;
        Ok(chunk)
    }

    /// Makes a chunk of what nobody has claimed since it was sent dead again, as it was.
    async fn withdraw_chunk(&self, replay: Uuid) -> Result<Withdrawn, LedgerError> {
        let mut tx = self.begin("withdraw").await?;
        let withdraw = sqlx::query!(
            "
            WITH unclaimed AS (
                SELECT id FROM fleet.segments
                WHERE replay_id = $1 AND state = 'pending' AND claimed_at IS NULL
                ORDER BY id LIMIT $2
                -- What is being claimed at this moment is not waited for.
                FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE fleet.segments s SET state = 'dead' FROM unclaimed WHERE s.id = unclaimed.id",
            replay,
            number(CHUNK),
        );
        let withdrawn = withdraw
            .execute(&mut *tx)
            .await
            .map_err(failed("withdraw"))?
            .rows_affected();
        let note = sqlx::query!(
            r#"
            UPDATE fleet.replays p
            SET withdrawn = withdrawn + $2,
                state = CASE WHEN EXISTS (
                    SELECT FROM fleet.segments WHERE replay_id = $1 AND state = 'pending' AND claimed_at IS NULL)
                    THEN 'stopping' ELSE 'stopped' END
            WHERE id = $1 AND state = 'stopping'
            RETURNING state = 'stopped' AS "finished!", segments, withdrawn, stopped_by, stopped_reason"#,
            replay,
            number(withdrawn),
        );
        let noted = note
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
            audit(&mut tx, "dead_letters.stop_replay", Some(replay), detail).await?;
        }
        tx.commit().await.map_err(failed("withdraw"))?;
        Ok(Withdrawn {
            replay: ReplayId(replay),
            segments: withdrawn,
            finished,
        })
    }

    async fn replay_rows(&self, which: WhichReplays, limit: u32) -> Result<Vec<ReplayRow>, LedgerError> {
        let (only, run) = match which {
            WhichReplays::All => (None, None),
            WhichReplays::One(replay) => (Some(replay.0), None),
            WhichReplays::OfRun(run) => (None, Some(run.0)),
        };
        let rows = sqlx::query_as!(
            ReplayRow,
            r#"
            SELECT p.id, p.state AS "state: _", p.at, p.asked_by, p.filter::text AS "filter!", p.most AS "most: _",
                p.per_minute AS "per_minute: _", p.segments AS "segments: _", p.withdrawn AS "withdrawn: _",
                p.stopped_at, p.stopped_by, p.stopped_fingerprint, p.stopped_reason, sums.pending AS "pending!: _",
                sums.running AS "running!: _", sums.done AS "done!: _", sums.dead AS "dead!: _"
            FROM (
                SELECT * FROM fleet.replays
                WHERE ($1::uuid IS NULL OR id = $1)
                  AND ($2::uuid IS NULL OR id IN (SELECT replay_id FROM fleet.segments WHERE run_id = $2))
                ORDER BY at DESC, id DESC LIMIT $3) AS p
            CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
                    count(*) FILTER (WHERE state = 'running') AS running,
                    count(*) FILTER (WHERE state = 'done') AS done,
                    count(*) FILTER (WHERE state = 'dead') AS dead
                FROM fleet.segments WHERE replay_id = p.id) AS sums
            ORDER BY p.at DESC, p.id DESC"#,
            only,
            run,
            number(limit),
        );
        rows.fetch_all(&self.pool).await.map_err(failed("replays"))
    }
}

/// How many more segments a request wants that has got so many.
fn left(request: &ReplayRequest, sent: i64) -> usize {
    let sent = u64::try_from(sent).unwrap_or(0);
    let left = request.most.map(|most| u64::from(most).saturating_sub(sent));
    left.and_then(|left| usize::try_from(left).ok())
        .unwrap_or(usize::MAX)
}

/// The replay, if it still sends; nobody else sends under it or stops it until this transaction ends.
async fn lock_going(tx: &mut PgConnection, replay: ReplayId) -> Result<Option<Open>, LedgerError> {
    let going = sqlx::query_as!(
        Open,
        "SELECT id, segments, next_due_at FROM fleet.replays WHERE id = $1 AND state = 'going' FOR NO KEY UPDATE",
        replay.0
    );
    going.fetch_optional(tx).await.map_err(failed("lock replay"))
}

/// The replay of an equal request, locked, if it is not over. One that is over gives up its key.
async fn find_equal(tx: &mut PgConnection, key: &str) -> Result<Option<Open>, LedgerError> {
    let equal = sqlx::query_as!(
        Open,
        "
        SELECT id, segments, next_due_at FROM fleet.replays
        WHERE request_key = $1 AND state = 'going' FOR NO KEY UPDATE",
        key
    );
    let equal = equal
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("find equal replay"))?;
    let Some(equal) = equal else { return Ok(None) };
    let give_up = sqlx::query!(
        "
        UPDATE fleet.replays SET request_key = NULL
        WHERE id = $1 AND NOT EXISTS (
            SELECT FROM fleet.segments WHERE replay_id = $1 AND state IN ('pending', 'running'))",
        equal.id
    );
    let over = give_up.execute(tx).await.map_err(failed("give up key"))?;
    Ok((over.rows_affected() == 0).then_some(equal))
}

/// A new replay; or the equal one that another has begun at this moment.
async fn insert_replay(tx: &mut PgConnection, request: &ReplayRequest) -> Result<Open, LedgerError> {
    let key = request.key();
    loop {
        // Waits for the end of a transaction that has inserted an equal one, and inserts if that was undone.
        let insert = sqlx::query_as!(
            Open,
            "
            INSERT INTO fleet.replays (id, state, at, asked_by, filter, most, per_minute, request_key, next_due_at)
            VALUES ($1, 'going', now(), $2, $3::text::jsonb, $4, $5, $6, now())
            ON CONFLICT (request_key) WHERE state = 'going' DO NOTHING
            RETURNING id, segments, next_due_at",
            ReplayId::new().0,
            &request.asked_by,
            serde_json::json!(request.filter).to_string(),
            request.most.map(number),
            request.per_minute.map(small),
            &key,
        );
        let inserted = insert
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("insert replay"))?;
        if let Some(open) = inserted {
            return Ok(open);
        }
        if let Some(open) = find_equal(tx, &key).await? {
            return Ok(open);
        }
    }
}

/// Notes how many were sent, and when the next is due.
async fn count_sent(
    tx: &mut PgConnection,
    request: &ReplayRequest,
    open: &Open,
    segments: u64,
) -> Result<(), LedgerError> {
    let count = sqlx::query!(
        "
        UPDATE fleet.replays
        SET segments = segments + $2, next_due_at = greatest(next_due_at, now()) + $2 * $3::interval
        WHERE id = $1",
        open.id,
        number(segments),
        interval(request.spacing()),
    );
    count.execute(tx).await.map_err(failed("count sent"))?;
    Ok(())
}

struct ReplayRow {
    id: Uuid,
    state: Word<ReplayState>,
    at: DateTime<Utc>,
    asked_by: String,
    filter: String,
    most: Option<Count<u64>>,
    per_minute: Option<Count<u32>>,
    segments: Count<u64>,
    withdrawn: Count<u64>,
    stopped_at: Option<DateTime<Utc>>,
    stopped_by: Option<Uuid>,
    stopped_fingerprint: Option<String>,
    stopped_reason: Option<String>,
    pending: Count<u64>,
    running: Count<u64>,
    done: Count<u64>,
    dead: Count<u64>,
}

impl TryFrom<ReplayRow> for Replay {
    type Error = LedgerError;

    fn try_from(row: ReplayRow) -> Result<Self, LedgerError> {
        let filter = serde_json::from_str(&row.filter)
            .map_err(|error| LedgerError::Corrupt(format!("the filter of replay {}: {error}", row.id)))?;
        let unfinished = row.pending.0 + row.running.0 > 0;
        Ok(Self {
            replay_id: ReplayId(row.id),
            state: row.state.0.with(unfinished),
            at: row.at,
            asked_by: row.asked_by,
            filter,
            most: row.most.map(|most| most.0),
            per_minute: row.per_minute.map(|many| many.0),
            segments: row.segments.0,
            pending: row.pending.0,
            running: row.running.0,
            done: row.done.0,
            dead: row.dead.0,
            withdrawn: row.withdrawn.0,
            stopped_at: row.stopped_at,
            stopped_by: row.stopped_by.map(SegmentId),
            stopped_fingerprint: row.stopped_fingerprint,
            stopped_reason: row.stopped_reason,
        })
    }
}
