//! What the statements about segments share: their windows and standings as columns, the one statement that moves
//! a running segment elsewhere, and the history it leaves behind.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{
    Axis, Days, Epoch, Failure, InstantField, SegmentId, SegmentState, Standing, Window,
};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::codec::{Count, Word, interval, millis, number, plain, small};
use super::error::failed;
use super::syncing::note_failure;
use crate::replays::cause_returned;
use crate::{Effort, Held, LedgerError};

/// A window as it stands in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct WindowColumns {
    pub(super) axis: Axis,
    pub(super) day_from: Option<NaiveDate>,
    pub(super) day_to: Option<NaiveDate>,
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) ends_at: Option<DateTime<Utc>>,
}

impl From<&Window> for WindowColumns {
    fn from(window: &Window) -> Self {
        let days = window.days();
        let instants = match *window {
            Window::Instants { start, end, .. } => Some((start, end)),
            Window::Dates { .. } | Window::Whole => None,
        };
        Self {
            axis: window.axis(),
            day_from: days.map(|days| days.from),
            day_to: days.map(|days| days.to),
            starts_at: instants.map(|(start, _)| start),
            ends_at: instants.map(|(_, end)| end),
        }
    }
}

impl TryFrom<WindowColumns> for Window {
    type Error = LedgerError;

    fn try_from(row: WindowColumns) -> Result<Self, LedgerError> {
        let incomplete = || LedgerError::Corrupt(format!("a window on `{}` lacks its bounds", row.axis));
        let days = row.day_from.zip(row.day_to).map(|(from, to)| Days { from, to });
        let instants = |field| {
            let (start, end) = row.starts_at.zip(row.ends_at).ok_or_else(incomplete)?;
            Ok(Window::Instants {
                field,
                days,
                start,
                end,
            })
        };
        match row.axis {
            Axis::Whole => Ok(Window::Whole),
            Axis::TxnDate => Ok(Window::Dates {
                days: days.ok_or_else(incomplete)?,
            }),
            Axis::Created => instants(InstantField::Created),
            Axis::Updated => instants(InstantField::Updated),
        }
    }
}

/// A standing as it stands in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct StandingColumns {
    pub(super) state: SegmentState,
    pub(super) epoch: i64,
    pub(super) failures: Count<u32>,
    pub(super) crashes: Count<u32>,
    pub(super) waited_ms: Count<u64>,
    pub(super) idle_claims: Count<u32>,
    pub(super) started: bool,
    pub(super) progressed: bool,
}

impl From<StandingColumns> for Standing {
    fn from(row: StandingColumns) -> Self {
        Self {
            state: row.state,
            epoch: Epoch(row.epoch),
            failures: row.failures.0,
            crashes: row.crashes.0,
            waited: Duration::from_millis(row.waited_ms.0),
            idle_claims: row.idle_claims.0,
            started: row.started,
            progressed: row.progressed,
        }
    }
}

/// A running segment that is taken from its worker.
pub(super) struct LostRow {
    pub(super) id: Uuid,
    pub(super) worker: String,
    pub(super) state: Word<SegmentState>,
    pub(super) epoch: i64,
    pub(super) failures: Count<u32>,
    pub(super) crashes: Count<u32>,
    pub(super) waited_ms: Count<u64>,
    pub(super) idle_claims: Count<u32>,
    pub(super) started: bool,
    pub(super) progressed: bool,
}

impl From<&LostRow> for Standing {
    fn from(row: &LostRow) -> Self {
        Self::from(StandingColumns {
            state: row.state.0,
            epoch: row.epoch,
            failures: row.failures,
            crashes: row.crashes,
            waited_ms: row.waited_ms,
            idle_claims: row.idle_claims,
            started: row.started,
            progressed: row.progressed,
        })
    }
}

/// How an attempt left its segment.
pub(super) struct Departure<'a> {
    /// The segment and the fence under which the attempt held it.
    pub(super) held: Held,
    /// Where the segment stands afterwards.
    pub(super) after: Standing,
    /// How long after now it is due again.
    pub(super) wait: Duration,
    /// Why the attempt ended; none when it leaves no history.
    pub(super) failure: Option<&'a Failure>,
    /// What the attempt did; none where nobody can tell, because it was lost with its worker.
    pub(super) effort: Option<&'a Effort>,
}

/// What is known of a segment that has just departed.
#[derive(Debug)]
pub(super) struct Departed {
    pub(super) connection_id: Uuid,
    pub(super) entity: String,
    attempt: i32,
    worker: String,
    claimed_at: DateTime<Utc>,
}

/// Moves a running segment to where its attempt left it. None if the fence has moved: then nothing is written.
pub(super) async fn depart(
    tx: &mut PgConnection,
    departure: &Departure<'_>,
) -> Result<Option<Departed>, LedgerError> {
    let Departure { held, after, .. } = departure;
    let departed = sqlx::query_as!(
        Departed,
        r#"
        UPDATE fleet.segments
        SET state = $3, epoch = $4, failures = $5, crashes = $6, waited_ms = $7, started = $8, progressed = $9,
            due_at = now() + $10::interval, lease_until = NULL, calls = calls + $11, idle_claims = $12
        WHERE id = $1 AND epoch = $2 AND state = 'running'
        RETURNING connection_id, entity, attempt, worker AS "worker!", claimed_at AS "claimed_at!""#,
        held.segment.0,
        held.epoch.0,
        after.state.as_str(),
        after.epoch.0,
        small(after.failures),
        small(after.crashes),
        millis(after.waited),
        after.started,
        after.progressed,
        interval(departure.wait),
        number(departure.effort.map_or(0, |effort| effort.calls)),
        small(after.idle_claims),
    );
    let departed = departed
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("depart"))?;
    if let (Some(departed), Some(failure), SegmentState::Dead) = (&departed, departure.failure, after.state) {
        bury(tx, held.segment, &departed.entity, failure).await?;
    }
    Ok(departed)
}

/// Puts a running segment off by `wait`, under the fence `after`. Answers whether it was still held.
pub(super) async fn postpone(
    tx: &mut PgConnection,
    held: Held,
    after: Epoch,
    wait: Duration,
) -> Result<bool, LedgerError> {
    let postpone = sqlx::query!(
        "
        UPDATE fleet.segments SET state = 'pending', epoch = $3, due_at = now() + $4::interval, lease_until = NULL
        WHERE id = $1 AND epoch = $2 AND state = 'running'",
        held.segment.0,
        held.epoch.0,
        after.0,
        interval(wait),
    );
    let postponed = postpone.execute(tx).await.map_err(failed("postpone"))?;
    Ok(postponed.rows_affected() == 1)
}

/// Writes why a segment is dead. Its window remembers how it was last asked for, if it was ever covered; what was
/// seen of its unfinished reading is of no use any more. A segment that was sent again and dies of the cause it had
/// marks its replay, which the leader then stops.
async fn bury(
    tx: &mut PgConnection,
    segment: SegmentId,
    entity: &str,
    failure: &Failure,
) -> Result<(), LedgerError> {
    let print = failure.fingerprint(entity);
    let returned = cause_returned(segment, failure, &print);
    let bury = sqlx::query!(
        "
        WITH before AS (
            SELECT replay_id FROM fleet.segments WHERE id = $1 AND fingerprint = $4),
        stopped AS (
            UPDATE fleet.replays p
            SET state = 'stopping', stopped_at = now(), stopped_by = $1, stopped_fingerprint = $4,
                stopped_reason = $5
            FROM before WHERE p.id = before.replay_id AND p.state = 'going'),
        buried AS (
            UPDATE fleet.segments SET ended_at = now(), reason = $2, message = $3, fingerprint = $4 WHERE id = $1
            RETURNING id, connection_id, entity, axis, day_from, day_to),
        forgotten AS (
            DELETE FROM fleet.seen WHERE segment_id = $1)
        UPDATE fleet.coverage v SET last_result = 'dead', last_segment_id = s.id
        FROM buried s
        WHERE v.connection_id = s.connection_id AND v.entity = s.entity AND v.axis = s.axis
          AND coalesce(v.day_from, '-infinity') = coalesce(s.day_from, '-infinity')
          AND coalesce(v.day_to, 'infinity') = coalesce(s.day_to, 'infinity')",
        segment.0,
        failure.kind.as_str(),
        &plain(&failure.message),
        &print,
        &plain(&returned),
    );
    bury.execute(tx).await.map_err(failed("bury"))?;
    Ok(())
}

/// How an attempt ended, in the words of its history.
pub(super) fn outcome_word(event: Event, after: Standing) -> &'static str {
    match event {
        Event::Rescue => "crash",
        _ if after.state == SegmentState::Dead => "dead",
        Event::Later(_) => "later",
        _ => "retry",
    }
}

/// Leaves a row of history behind. A wait for the reason of the row before it joins that row.
pub(super) async fn remember_attempt(
    tx: &mut PgConnection,
    departure: &Departure<'_>,
    departed: &Departed,
    outcome: &str,
) -> Result<(), LedgerError> {
    let Some(failure) = departure.failure else {
        return Ok(());
    };
    if outcome != "later" {
        note_failure(tx, departure.held.segment, failure).await?;
    }
    let code = failure.upstream_code.as_deref().map(plain);
    let transaction = failure.transaction_id.as_deref().map(plain);
    let request = failure.request.as_deref().map(plain);
    let effort = departure.effort;
    let remember = sqlx::query!(
        "
        WITH joined AS (
            UPDATE fleet.attempts
            SET times = times + 1, waited_ms = waited_ms + $3, worker = $4, ended_at = now(), message = $5,
                request = $6, status = $7, upstream_code = $8, transaction_id = $9, worked_ms = worked_ms + $13,
                gate_ms = gate_ms + $14, pages = pages + $15
            WHERE id = (SELECT id FROM fleet.attempts WHERE segment_id = $1 ORDER BY id DESC LIMIT 1)
              AND outcome = 'later' AND $12 = 'later' AND reason = $2
            RETURNING id)
        INSERT INTO fleet.attempts (segment_id, reason, waited_ms, worker, ended_at, message, request, status,
            upstream_code, transaction_id, attempt, started_at, outcome, worked_ms, gate_ms, pages)
        SELECT $1, $2, $3, $4, now(), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
        WHERE NOT EXISTS (SELECT FROM joined)",
        departure.held.segment.0,
        failure.kind.as_str(),
        millis(departure.wait),
        &departed.worker,
        &plain(&failure.message),
        request.as_deref(),
        failure.status.map(i32::from),
        code.as_deref(),
        transaction.as_deref(),
        departed.attempt,
        departed.claimed_at,
        outcome,
        effort.map(|effort| millis(effort.worked)),
        effort.map(|effort| millis(effort.at_gate)),
        effort.map(|effort| small(effort.pages)),
    );
    remember.execute(tx).await.map_err(failed("remember attempt"))?;
    Ok(())
}

/// Adds to the count of metered calls of this hour. Whoever else counts for this company waits from here to the
/// commit, so it comes last.
pub(super) async fn count_calls(
    tx: &mut PgConnection,
    connection: Uuid,
    entity: &str,
    calls: u32,
) -> Result<(), LedgerError> {
    if calls == 0 {
        return Ok(());
    }
    let count = sqlx::query!(
        "
        INSERT INTO fleet.api_calls AS c (connection_id, entity, hour, calls)
        VALUES ($1, $2, date_trunc('hour', now(), 'UTC'), $3)
        ON CONFLICT (connection_id, entity, hour) DO UPDATE SET calls = c.calls + excluded.calls",
        connection,
        entity,
        number(calls),
    );
    count.execute(tx).await.map_err(failed("count calls"))?;
    Ok(())
}

/// Writes down what a person did.
pub(super) async fn audit(
    tx: &mut PgConnection,
    action: &str,
    subject: Option<Uuid>,
    detail: serde_json::Value,
) -> Result<(), LedgerError> {
    let audit = sqlx::query!(
        "INSERT INTO fleet.audit (at, action, subject, detail) VALUES (now(), $1, $2, $3::text::jsonb)",
        action,
        subject.map(|subject| subject.to_string()),
        detail.to_string(),
    );
    audit.execute(tx).await.map_err(failed("audit"))?;
    Ok(())
}

/// Lets the rest of a transaction take as long as it needs, and wait for others almost as long as a caller waits: for
/// the few that touch a whole run or company.
pub(super) async fn take_time(tx: &mut PgConnection) -> Result<(), LedgerError> {
    use sqlx::Executor;
    tx.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'")
        .await
        .map_err(failed("take time"))?;
    Ok(())
}
