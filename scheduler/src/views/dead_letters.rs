//! How dead letters, their causes, histories and replays are printed.

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_ledger::{Attempt, DeadLetter, DeadLetterGroup, Replay, Replayed};
use ledgerfleet_model::{Axis, FailureKind, ReplayId, RunId, SegmentId};
use serde::Serialize;

use crate::output::{instant, optional, range, row, span, thousands};

/// A dead letter as it is told: its days are those that people asked for, both included.
#[derive(Serialize)]
pub(crate) struct LetterRow {
    pub(crate) id: SegmentId,
    run_id: RunId,
    connection: String,
    entity: String,
    axis: Axis,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    reason: FailureKind,
    message: String,
    fingerprint: String,
    died_at: DateTime<Utc>,
    attempts: u32,
    pages: u64,
    calls: u64,
    dropped_at: Option<DateTime<Utc>>,
    replay_id: Option<ReplayId>,
    replay_stopped: Option<String>,
}

impl From<DeadLetter> for LetterRow {
    fn from(letter: DeadLetter) -> Self {
        let days = letter.window.days();
        Self {
            id: letter.id,
            run_id: letter.run_id,
            connection: letter.connection,
            entity: letter.entity,
            axis: letter.window.axis(),
            from: days.map(|days| days.from),
            to: days.and_then(|days| days.to.pred_opt()),
            reason: letter.reason,
            message: letter.message,
            fingerprint: letter.fingerprint,
            died_at: letter.died_at,
            attempts: letter.attempts,
            pages: letter.pages,
            calls: letter.calls,
            dropped_at: letter.dropped_at,
            replay_id: letter.replay_id,
            replay_stopped: letter.replay_stopped,
        }
    }
}

impl LetterRow {
    /// The replay of it that was stopped, and why.
    pub(crate) fn stopped(&self) -> Option<(ReplayId, &str)> {
        self.replay_id.zip(self.replay_stopped.as_deref())
    }
}

row! {
    LetterRow as row,
    TEXTS = ["message"],
    LESSER = ["attempts", "fingerprint", "died", "connection", "message"],
    "id" => row.id,
    "connection" => row.connection,
    "entity" => row.entity,
    "days" => range(row.from, row.to),
    "reason" => row.reason,
    "message" => row.message,
    "fingerprint" => row.fingerprint,
    "attempts" => row.attempts,
    "died" => instant(row.died_at),
}

row! {
    DeadLetterGroup as row,
    TEXTS = ["message"],
    LESSER = ["first", "last"],
    "fingerprint" => row.fingerprint,
    "entity" => row.entity,
    "reason" => row.reason,
    "count" => thousands(row.count),
    "message" => row.message,
    "first" => instant(row.first_at),
    "last" => instant(row.last_at),
}

row! {
    Attempt as row,
    TEXTS = ["message", "request"],
    LESSER = [
        "worker", "ended", "transaction", "times", "pages", "request", "at gate", "worked", "code",
        "waited", "started", "status",
    ],
    "attempt" => row.attempt,
    "outcome" => row.outcome,
    "reason" => row.reason,
    "status" => optional(row.status),
    "code" => optional(row.upstream_code.as_deref()),
    "message" => row.message,
    "request" => optional(row.request.as_deref()),
    "transaction" => optional(row.transaction_id.as_deref()),
    "times" => row.times,
    "pages" => optional(row.pages),
    "worked" => row.worked_seconds.map(span).unwrap_or_default(),
    "at gate" => row.gate_seconds.map(span).unwrap_or_default(),
    "waited" => span(row.waited_seconds),
    "worker" => row.worker,
    "started" => instant(row.started_at),
    "ended" => instant(row.ended_at),
}

/// A dead letter and every attempt that was made.
#[derive(Serialize)]
pub(crate) struct WithHistory {
    #[serde(flatten)]
    pub(crate) letter: LetterRow,
    pub(crate) history: Vec<Attempt>,
}

row! {
    WithHistory as row,
    TEXTS = ["message", "stopped"],
    "id" => row.letter.id,
    "run" => row.letter.run_id,
    "connection" => row.letter.connection,
    "entity" => row.letter.entity,
    "days" => range(row.letter.from, row.letter.to),
    "reason" => row.letter.reason,
    "message" => row.letter.message,
    "fingerprint" => row.letter.fingerprint,
    "attempts" => row.letter.attempts,
    "pages" => row.letter.pages,
    "calls" => row.letter.calls,
    "died" => instant(row.letter.died_at),
    "dropped" => row.letter.dropped_at.map(instant).unwrap_or_default(),
    "replay" => optional(row.letter.replay_id),
    "stopped" => optional(row.letter.replay_stopped.as_deref()),
}

row! {
    Replay as row,
    TEXTS = ["why"],
    LESSER = ["a minute", "withdrawn", "by", "stopped", "running", "cause", "pending", "began", "why"],
    "replay" => row.replay_id,
    "state" => row.state,
    "sent" => thousands(row.segments),
    "pending" => thousands(row.pending),
    "running" => thousands(row.running),
    "done" => thousands(row.done),
    "dead" => thousands(row.dead),
    "withdrawn" => thousands(row.withdrawn),
    "a minute" => optional(row.per_minute),
    "by" => row.asked_by,
    "began" => instant(row.at),
    "stopped" => row.stopped_at.map(instant).unwrap_or_default(),
    "cause" => optional(row.stopped_fingerprint.as_deref()),
    "why" => optional(row.stopped_reason.as_deref()),
}

/// What became of a replay that was asked for.
#[derive(Serialize)]
pub(crate) struct ReplayedRow {
    #[serde(flatten)]
    pub(crate) replayed: Replayed,
    pub(crate) matching: u64,
    /// Until the last is due, where it is paced.
    pub(crate) seconds: Option<f64>,
}

row! {
    ReplayedRow as row,
    "replay" => optional(row.replayed.replay_id),
    "matching" => row.matching,
    "segments" => row.replayed.segments,
    "runs" => row.replayed.runs,
    "takes" => row.seconds.map(span).unwrap_or_default(),
}

/// How many dead letters were hidden.
#[derive(Serialize)]
pub(crate) struct DroppedRow {
    pub(crate) matching: u64,
    pub(crate) dropped: u64,
}

row! {
    DroppedRow as row,
    "matching" => row.matching,
    "dropped" => row.dropped,
}
