//! How dead letters, their causes, histories and replays are printed.

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_ledger::{Attempt, DeadLetter, DeadLetterGroup, Replay};
use ledgerfleet_model::{Axis, FailureKind, ReplayId, RunId, SegmentId};
use serde::Serialize;

use crate::output::{Row, instant, optional, range, span, thousands};

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

impl Row for LetterRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "connection",
        "entity",
        "days",
        "reason",
        "message",
        "fingerprint",
        "attempts",
        "died",
    ];
    const TEXTS: &'static [&'static str] = &["message"];
    const LESSER: &'static [&'static str] = &["attempts", "fingerprint", "died", "connection", "message"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.connection.clone(),
            self.entity.clone(),
            range(self.from, self.to),
            self.reason.to_string(),
            self.message.clone(),
            self.fingerprint.clone(),
            self.attempts.to_string(),
            instant(self.died_at),
        ]
    }
}

impl Row for DeadLetterGroup {
    const COLUMNS: &'static [&'static str] = &[
        "fingerprint",
        "entity",
        "reason",
        "count",
        "message",
        "first",
        "last",
    ];
    const TEXTS: &'static [&'static str] = &["message"];
    const LESSER: &'static [&'static str] = &["first", "last"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.fingerprint.clone(),
            self.entity.clone(),
            self.reason.to_string(),
            thousands(self.count),
            self.message.clone(),
            instant(self.first_at),
            instant(self.last_at),
        ]
    }
}

impl Row for Attempt {
    const COLUMNS: &'static [&'static str] = &[
        "attempt",
        "outcome",
        "reason",
        "status",
        "code",
        "message",
        "request",
        "transaction",
        "times",
        "pages",
        "worked",
        "at gate",
        "waited",
        "worker",
        "started",
        "ended",
    ];
    const TEXTS: &'static [&'static str] = &["message", "request"];
    const LESSER: &'static [&'static str] = &[
        "worker",
        "ended",
        "transaction",
        "times",
        "pages",
        "request",
        "at gate",
        "worked",
        "code",
        "waited",
        "started",
        "status",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.attempt.to_string(),
            self.outcome.clone(),
            self.reason.clone(),
            optional(self.status),
            optional(self.upstream_code.as_deref()),
            self.message.clone(),
            optional(self.request.as_deref()),
            optional(self.transaction_id.as_deref()),
            self.times.to_string(),
            optional(self.pages),
            self.worked_seconds.map(span).unwrap_or_default(),
            self.gate_seconds.map(span).unwrap_or_default(),
            span(self.waited_seconds),
            self.worker.clone(),
            instant(self.started_at),
            instant(self.ended_at),
        ]
    }
}

/// A dead letter and every attempt that was made.
#[derive(Serialize)]
pub(crate) struct WithHistory {
    #[serde(flatten)]
    pub(crate) letter: LetterRow,
    pub(crate) history: Vec<Attempt>,
}

impl Row for WithHistory {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "run",
        "connection",
        "entity",
        "days",
        "reason",
        "message",
        "fingerprint",
        "attempts",
        "pages",
        "calls",
        "died",
        "dropped",
        "replay",
        "stopped",
    ];
    const TEXTS: &'static [&'static str] = &["message", "stopped"];

    fn cells(&self) -> Vec<String> {
        let letter = &self.letter;
        vec![
            letter.id.to_string(),
            letter.run_id.to_string(),
            letter.connection.clone(),
            letter.entity.clone(),
            range(letter.from, letter.to),
            letter.reason.to_string(),
            letter.message.clone(),
            letter.fingerprint.clone(),
            letter.attempts.to_string(),
            letter.pages.to_string(),
            letter.calls.to_string(),
            instant(letter.died_at),
            letter.dropped_at.map(instant).unwrap_or_default(),
            optional(letter.replay_id),
            optional(letter.replay_stopped.as_deref()),
        ]
    }
}

impl Row for Replay {
    const COLUMNS: &'static [&'static str] = &[
        "replay",
        "state",
        "sent",
        "pending",
        "running",
        "done",
        "dead",
        "withdrawn",
        "a minute",
        "by",
        "began",
        "stopped",
        "cause",
        "why",
    ];
    const TEXTS: &'static [&'static str] = &["why"];
    const LESSER: &'static [&'static str] = &[
        "a minute",
        "withdrawn",
        "by",
        "stopped",
        "running",
        "cause",
        "pending",
        "began",
        "why",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.replay_id.to_string(),
            self.state.to_string(),
            thousands(self.segments),
            thousands(self.pending),
            thousands(self.running),
            thousands(self.done),
            thousands(self.dead),
            thousands(self.withdrawn),
            optional(self.per_minute),
            self.asked_by.clone(),
            instant(self.at),
            self.stopped_at.map(instant).unwrap_or_default(),
            optional(self.stopped_fingerprint.as_deref()),
            optional(self.stopped_reason.as_deref()),
        ]
    }
}
