//! Reviving: dead segments become pending again, and their runs active.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::codec::{interval, small};
use super::dead_letters::Chosen;
use super::error::failed;
use crate::{Dropped, LedgerError, ReplayRequest};

/// A replay whose row is locked.
pub(super) struct Open {
    pub(super) id: Uuid,
    /// Segments sent so far.
    pub(super) segments: i64,
    /// When the next segment is due.
    pub(super) next_due_at: DateTime<Utc>,
}

/// Dead to pending, from the first page of the window, with nothing held against it, each a step after the one before.
/// Why it was dead stays, in case it is withdrawn. Answers the run of each. What has changed since it was chosen, as
/// where another was faster, is left alone.
pub(super) async fn revive(
    tx: &mut PgConnection,
    request: &ReplayRequest,
    open: &Open,
    chosen: &[Chosen],
) -> Result<Vec<Uuid>, LedgerError> {
    let runs = lock_runs(tx, chosen).await?;
    let ids: Vec<Uuid> = chosen.iter().map(|chosen| chosen.id).collect();
    let revive = sqlx::query_scalar!(
        "
        WITH free AS (
            SELECT s.id, s.ended_at
            FROM fleet.segments s JOIN fleet.connections c ON c.id = s.connection_id AND c.state <> 'removed'
            WHERE s.id = ANY($1) AND s.state = 'dead' AND (s.dropped_at IS NOT NULL) = $2 AND s.run_id = ANY($3)
            ORDER BY s.id
            -- A company that is removed at this moment is waited for, and its dead letters are gone then.
            FOR NO KEY UPDATE OF s FOR SHARE OF c),
        placed AS (
            SELECT id, row_number() OVER (ORDER BY ended_at, id) - 1 AS place FROM free)
        UPDATE fleet.segments s
        SET state = 'pending', due_at = greatest($4, now()) + placed.place * $5::interval, replay_id = $6,
            claimed_at = NULL, first_claimed_at = NULL, answered_at = NULL, dropped_at = NULL, failures = 0, crashes = 0, waited_ms = 0, idle_claims = 0,
            started = false, progressed = false, pass = 1, page = 0, position = '', rows = 0,
            page_size = coalesce($7, s.page_size)
        FROM placed
        WHERE s.id = placed.id
        RETURNING s.run_id",
        &ids,
        request.filter.dropped == Dropped::Only,
        &runs,
        open.next_due_at,
        interval(request.spacing()),
        open.id,
        request.page_size.map(small),
    );
    revive.fetch_all(tx).await.map_err(failed("revive"))
}

/// Keeps the runs of a chunk as they are: a run that was closed while one of its segments comes back to life would
/// leave that segment behind for ever.
async fn lock_runs(tx: &mut PgConnection, chosen: &[Chosen]) -> Result<Vec<Uuid>, LedgerError> {
    let mut runs: Vec<Uuid> = chosen.iter().map(|chosen| chosen.run_id).collect();
    runs.sort_unstable();
    runs.dedup();
    let lock = sqlx::query_scalar!(
        "SELECT id FROM fleet.runs WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        &runs
    );
    lock.fetch_all(tx).await.map_err(failed("lock runs"))
}

/// Makes those of these runs that have ended active again. One that a person has paused stays paused.
///
/// Where an equal request is unfinished by now, or several equal ones reopen at once, all but the newest give up
/// their request key: a new equal request then joins that one.
pub(super) async fn reopen_runs(tx: &mut PgConnection, mut runs: Vec<Uuid>) -> Result<u64, LedgerError> {
    runs.sort_unstable();
    runs.dedup();
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
        &runs
    );
    give_up_keys
        .execute(&mut *tx)
        .await
        .map_err(failed("give up keys"))?;
    let reopen = sqlx::query!(
        "
        UPDATE fleet.runs SET state = 'active', closed_at = NULL
        WHERE id = ANY($1) AND state IN ('done', 'dead', 'cancelled')",
        &runs
    );
    let reopened = reopen.execute(tx).await.map_err(failed("reopen runs"))?;
    Ok(reopened.rows_affected())
}
