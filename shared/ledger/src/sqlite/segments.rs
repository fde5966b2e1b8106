//! What the statements about segments share: their windows and standings as columns, the one statement that moves
//! a running segment elsewhere, and the history it leaves behind.

use std::time::Duration;

use chrono::NaiveDate;
use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{
    Axis, ConnectionId, Days, Epoch, Failure, InstantField, SegmentId, SegmentState, Standing, Window, Work,
    WorkKind,
};
use sqlx::SqliteConnection;

use super::codec::{Millis, Stamp, Text};
use super::error::failed;
use super::syncing::note_failure;
use crate::replays::cause_returned;
use crate::{Effort, Held, LedgerError};

/// A window as it stands in a row.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct WindowColumns {
    pub(super) axis: Text<Axis>,
    pub(super) day_from: Option<Text<NaiveDate>>,
    pub(super) day_to: Option<Text<NaiveDate>>,
    pub(super) starts_at: Option<Stamp>,
    pub(super) ends_at: Option<Stamp>,
}

impl From<&Window> for WindowColumns {
    fn from(window: &Window) -> Self {
        let days = window.days();
        let instants = match *window {
            Window::Instants { start, end, .. } => Some((start.into(), end.into())),
            Window::Dates { .. } | Window::Whole => None,
        };
        Self {
            axis: Text(window.axis()),
            day_from: days.map(|days| Text(days.from)),
            day_to: days.map(|days| Text(days.to)),
            starts_at: instants.map(|(start, _)| start),
            ends_at: instants.map(|(_, end)| end),
        }
    }
}

impl TryFrom<WindowColumns> for Window {
    type Error = LedgerError;

    fn try_from(row: WindowColumns) -> Result<Self, LedgerError> {
        let incomplete = || LedgerError::Corrupt(format!("a window on `{}` lacks its bounds", row.axis.0));
        let days = row.day_from.zip(row.day_to).map(|(from, to)| Days {
            from: from.0,
            to: to.0,
        });
        let instants = |field| {
            let (start, end) = row.starts_at.zip(row.ends_at).ok_or_else(incomplete)?;
            Ok(Window::Instants {
                field,
                days,
                start: start.0,
                end: end.0,
            })
        };
        match row.axis.0 {
            Axis::Whole => Ok(Window::Whole),
            Axis::TxnDate => Ok(Window::Dates {
                days: days.ok_or_else(incomplete)?,
            }),
            Axis::Created => instants(InstantField::Created),
            Axis::Updated => instants(InstantField::Updated),
        }
    }
}

/// What a segment asks for, as it stands in a row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct WorkColumns {
    kind: Text<WorkKind>,
    work: Option<String>,
    #[sqlx(flatten)]
    place: WindowColumns,
}

impl TryFrom<WorkColumns> for Work {
    type Error = LedgerError;

    fn try_from(row: WorkColumns) -> Result<Self, LedgerError> {
        let place = row.place.try_into()?;
        let work = Self::stored(row.kind.0, place, row.work.as_deref());
        work.map_err(|error| LedgerError::Corrupt(error.to_string()))
    }
}

/// A standing as it stands in a row.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct StandingColumns {
    state: Text<SegmentState>,
    epoch: i64,
    failures: u32,
    crashes: u32,
    waited_ms: Millis,
    idle_claims: u32,
    started: bool,
    progressed: bool,
}

impl From<StandingColumns> for Standing {
    fn from(row: StandingColumns) -> Self {
        Self {
            state: row.state.0,
            epoch: Epoch(row.epoch),
            failures: row.failures,
            crashes: row.crashes,
            waited: row.waited_ms.0,
            idle_claims: row.idle_claims,
            started: row.started,
            progressed: row.progressed,
        }
    }
}

/// A running segment that is taken from its worker.
#[derive(sqlx::FromRow)]
pub(super) struct LostRow {
    pub(super) id: Text<SegmentId>,
    pub(super) worker: String,
    #[sqlx(flatten)]
    pub(super) standing: StandingColumns,
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
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Departed {
    pub(super) connection_id: Text<ConnectionId>,
    pub(super) entity: String,
    attempt: u32,
    worker: String,
    claimed_at: Stamp,
}

/// Moves a running segment to where its attempt left it. None if the fence has moved: then nothing is written.
pub(super) async fn depart(
    tx: &mut SqliteConnection,
    now: Stamp,
    departure: &Departure<'_>,
) -> Result<Option<Departed>, LedgerError> {
    const DEPART: &str = "
        UPDATE fleet_segments
        SET state = ?3, epoch = ?4, failures = ?5, crashes = ?6, waited_ms = ?7, started = ?8, progressed = ?9,
            due_at = ?10, lease_until = NULL, calls = calls + ?11, idle_claims = ?12
        WHERE id = ?1 AND epoch = ?2 AND state = 'running'
        RETURNING connection_id, entity, attempt, worker, claimed_at";
    let Departure { held, after, .. } = departure;
    let departed: Option<Departed> = sqlx::query_as(DEPART)
        .bind(Text(held.segment))
        .bind(held.epoch.0)
        .bind(Text(after.state))
        .bind(after.epoch.0)
        .bind(after.failures)
        .bind(after.crashes)
        .bind(Millis(after.waited))
        .bind(after.started)
        .bind(after.progressed)
        .bind(now.after(departure.wait))
        .bind(departure.effort.map_or(0, |effort| effort.calls))
        .bind(after.idle_claims)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("depart"))?;
    if let (Some(departed), Some(failure), SegmentState::Dead) = (&departed, departure.failure, after.state) {
        bury(tx, now, held.segment, &departed.entity, failure).await?;
    }
    Ok(departed)
}

/// Puts a running segment off until `due`, under the fence `after`. Answers whether it was still held.
pub(super) async fn postpone(
    tx: &mut SqliteConnection,
    held: Held,
    after: Epoch,
    due: Stamp,
) -> Result<bool, LedgerError> {
    const POSTPONE: &str = "
        UPDATE fleet_segments SET state = 'pending', epoch = ?3, due_at = ?4, lease_until = NULL
        WHERE id = ?1 AND epoch = ?2 AND state = 'running'";
    let postpone = sqlx::query(POSTPONE)
        .bind(Text(held.segment))
        .bind(held.epoch.0)
        .bind(after.0)
        .bind(due);
    let postponed = postpone.execute(tx).await.map_err(failed("postpone"))?;
    Ok(postponed.rows_affected() == 1)
}

/// Writes why a segment is dead. Its window remembers how it was last asked for, if it was ever covered; what was
/// seen of its unfinished reading is of no use any more. A segment that was sent again and dies of the cause it had
/// marks its replay, which the leader then stops.
async fn bury(
    tx: &mut SqliteConnection,
    now: Stamp,
    segment: SegmentId,
    entity: &str,
    failure: &Failure,
) -> Result<(), LedgerError> {
    const STOP: &str = "
        UPDATE fleet_replays
        SET state = 'stopping', stopped_at = ?2, stopped_by = ?1, stopped_fingerprint = ?3, stopped_reason = ?4
        WHERE state = 'going' AND id = (SELECT replay_id FROM fleet_segments WHERE id = ?1 AND fingerprint = ?3)";
    const BURY: &str =
        "UPDATE fleet_segments SET ended_at = ?2, reason = ?3, message = ?4, fingerprint = ?5 WHERE id = ?1";
    const NOTE: &str = "
        UPDATE fleet_coverage SET last_result = 'dead', last_segment_id = s.id
        FROM fleet_segments s
        WHERE s.id = ? AND fleet_coverage.connection_id = s.connection_id AND fleet_coverage.entity = s.entity
          AND fleet_coverage.axis = s.axis
          AND coalesce(fleet_coverage.day_from, '') = coalesce(s.day_from, '')
          AND coalesce(fleet_coverage.day_to, '') = coalesce(s.day_to, '')";
    let print = failure.fingerprint(entity);
    let stop = sqlx::query(STOP)
        .bind(Text(segment))
        .bind(now)
        .bind(&print)
        .bind(cause_returned(segment, failure, &print));
    stop.execute(&mut *tx).await.map_err(failed("stop replay"))?;
    let bury = sqlx::query(BURY)
        .bind(Text(segment))
        .bind(now)
        .bind(Text(failure.kind))
        .bind(&failure.message)
        .bind(print);
    bury.execute(&mut *tx).await.map_err(failed("bury"))?;
    sqlx::query(NOTE)
        .bind(Text(segment))
        .execute(&mut *tx)
        .await
        .map_err(failed("note death"))?;
    forget_seen(tx, segment).await
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
    tx: &mut SqliteConnection,
    now: Stamp,
    departure: &Departure<'_>,
    departed: &Departed,
    outcome: &str,
) -> Result<(), LedgerError> {
    const JOIN: &str = "
        UPDATE fleet_attempts
        SET times = times + 1, waited_ms = waited_ms + ?3, worker = ?4, ended_at = ?5, message = ?6,
            request = ?7, status = ?8, upstream_code = ?9, transaction_id = ?10, worked_ms = worked_ms + ?11,
            gate_ms = gate_ms + ?12, pages = pages + ?13
        WHERE id = (SELECT max(id) FROM fleet_attempts WHERE segment_id = ?1)
          AND outcome = 'later' AND reason = ?2";
    const INSERT: &str = "
        INSERT INTO fleet_attempts (segment_id, reason, waited_ms, worker, ended_at, message, request, status,
            upstream_code, transaction_id, worked_ms, gate_ms, pages, attempt, started_at, outcome)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let Some(failure) = departure.failure else {
        return Ok(());
    };
    if outcome != "later" {
        note_failure(tx, now, departure.held.segment, failure).await?;
    }
    let effort = departure.effort;
    let bound = |statement| {
        sqlx::query(statement)
            .bind(Text(departure.held.segment))
            .bind(Text(failure.kind))
            .bind(Millis(departure.wait))
            .bind(&departed.worker)
            .bind(now)
            .bind(&failure.message)
            .bind(&failure.request)
            .bind(failure.status)
            .bind(&failure.upstream_code)
            .bind(&failure.transaction_id)
            .bind(effort.map(|effort| Millis(effort.worked)))
            .bind(effort.map(|effort| Millis(effort.at_gate)))
            .bind(effort.map(|effort| effort.pages))
    };
    if outcome == "later" {
        let joined = bound(JOIN)
            .execute(&mut *tx)
            .await
            .map_err(failed("join attempt"))?;
        if joined.rows_affected() == 1 {
            return Ok(());
        }
    }
    let insert = bound(INSERT)
        .bind(departed.attempt)
        .bind(departed.claimed_at)
        .bind(outcome);
    insert.execute(tx).await.map_err(failed("insert attempt"))?;
    Ok(())
}

/// Adds to the count of metered calls of this hour.
pub(super) async fn count_calls(
    tx: &mut SqliteConnection,
    now: Stamp,
    connection: ConnectionId,
    entity: &str,
    calls: u32,
) -> Result<(), LedgerError> {
    const COUNT: &str = "
        INSERT INTO fleet_api_calls (connection_id, entity, hour, calls) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET calls = calls + excluded.calls";
    if calls == 0 {
        return Ok(());
    }
    let count = sqlx::query(COUNT)
        .bind(Text(connection))
        .bind(entity)
        .bind(now.hour())
        .bind(calls);
    count.execute(tx).await.map_err(failed("count calls"))?;
    Ok(())
}

/// Deletes what was remembered of a segment's passes.
pub(super) async fn forget_seen(tx: &mut SqliteConnection, segment: SegmentId) -> Result<(), LedgerError> {
    const FORGET: &str = "DELETE FROM fleet_seen WHERE segment_id = ?";
    sqlx::query(FORGET)
        .bind(Text(segment))
        .execute(tx)
        .await
        .map_err(failed("forget seen"))?;
    Ok(())
}

/// Writes down what a person did.
pub(super) async fn audit(
    tx: &mut SqliteConnection,
    now: Stamp,
    action: &str,
    subject: Option<String>,
    detail: serde_json::Value,
) -> Result<(), LedgerError> {
    const AUDIT: &str = "INSERT INTO fleet_audit (at, action, subject, detail) VALUES (?, ?, ?, ?)";
    let audit = sqlx::query(AUDIT)
        .bind(now)
        .bind(action)
        .bind(subject)
        .bind(detail.to_string());
    audit.execute(tx).await.map_err(failed("audit"))?;
    Ok(())
}
