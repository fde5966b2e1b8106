//! How dead letters, their causes and their attempts are told by Postgres.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Axis, FailureKind, ReplayId, RunId, SegmentId};
use sqlx::types::Uuid;

use super::codec::{Count, Word};
use super::segments::WindowColumns;
use crate::{Attempt, DeadLetter, DeadLetterGroup, LedgerError};

pub(super) struct DeadRow {
    pub(super) id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) connection: String,
    pub(super) entity: String,
    pub(super) axis: Word<Axis>,
    pub(super) day_from: Option<NaiveDate>,
    pub(super) day_to: Option<NaiveDate>,
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) reason: Word<FailureKind>,
    pub(super) message: String,
    pub(super) fingerprint: String,
    pub(super) ended_at: DateTime<Utc>,
    pub(super) attempt: Count<u32>,
    pub(super) pages: Count<u64>,
    pub(super) calls: Count<u64>,
    pub(super) dropped_at: Option<DateTime<Utc>>,
    pub(super) replay_id: Option<Uuid>,
    pub(super) replay_stopped: Option<String>,
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
            pages: row.pages.0,
            calls: row.calls.0,
            dropped_at: row.dropped_at,
            replay_id: row.replay_id.map(ReplayId),
            replay_stopped: row.replay_stopped,
        })
    }
}

pub(super) struct GroupRow {
    pub(super) fingerprint: String,
    pub(super) reason: Word<FailureKind>,
    pub(super) entity: String,
    pub(super) message: String,
    pub(super) count: Count<u64>,
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
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

pub(super) struct AttemptRow {
    pub(super) attempt: Count<u32>,
    pub(super) worker: String,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: DateTime<Utc>,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) request: Option<String>,
    pub(super) status: Option<Count<u16>>,
    pub(super) upstream_code: Option<String>,
    pub(super) transaction_id: Option<String>,
    pub(super) times: Count<u32>,
    pub(super) pages: Option<Count<u32>>,
    pub(super) worked_ms: Option<Count<u64>>,
    pub(super) gate_ms: Option<Count<u64>>,
    pub(super) waited_ms: Count<u64>,
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
            pages: row.pages.map(|pages| pages.0),
            worked_seconds: row.worked_ms.map(seconds),
            gate_seconds: row.gate_ms.map(seconds),
            waited_seconds: seconds(row.waited_ms),
        }
    }
}

fn seconds(millis: Count<u64>) -> f64 {
    Duration::from_millis(millis.0).as_secs_f64()
}
