//! Dead letters: segments that ended with a reason, their history, and sending them again.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, FailureKind, RunId, SegmentId, Window};
use serde::Serialize;

use crate::LedgerError;

/// Which dead letters. Empty fields mean any; all given ones must hold.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// These segments.
    pub ids: Vec<SegmentId>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Of these connections.
    pub connections: Vec<ConnectionId>,
    /// Of these entities.
    pub entities: Vec<String>,
    /// With this reason.
    pub reason: Option<FailureKind>,
    /// With this fingerprint.
    pub fingerprint: Option<String>,
}

/// A dead segment.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// The segment.
    pub id: SegmentId,
    /// Its run.
    pub run_id: RunId,
    /// Its connection's name.
    pub connection: String,
    /// Its entity.
    pub entity: String,
    /// What it asked for.
    pub window: Window,
    /// Why it is dead.
    pub reason: FailureKind,
    /// What happened last, for people.
    pub message: String,
    /// Shared by dead letters of one cause.
    pub fingerprint: String,
    /// When it died.
    pub died_at: DateTime<Utc>,
    /// How many attempts were made, through all replays.
    pub attempts: u32,
}

/// Dead letters of one cause.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetterGroup {
    /// What they share.
    pub fingerprint: String,
    /// Why they are dead.
    pub reason: FailureKind,
    /// Their entity.
    pub entity: String,
    /// The message of the newest.
    pub message: String,
    /// How many there are.
    pub count: u64,
    /// When the first died.
    pub first_at: DateTime<Utc>,
    /// When the last died.
    pub last_at: DateTime<Utc>,
}

/// One attempt that ended otherwise than done. Consecutive waits for one reason share a row.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Number of the attempt, from 1; of the first, where several share the row.
    pub attempt: u32,
    /// Who made it.
    pub worker: String,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How it ended: `later`, `retry`, `dead`, `crash` (also where the third crash made it dead).
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// What happened, for people.
    pub message: String,
    /// What was asked of the upstream.
    pub request: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The upstream's error code.
    pub upstream_code: Option<String>,
    /// The upstream's name for the exchange.
    pub transaction_id: Option<String>,
    /// How many consecutive waits this row stands for; 1 otherwise.
    pub times: u32,
    /// Seconds it then waited until it was due again, in all.
    pub waited_seconds: f64,
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Segments that are pending again.
    pub segments: u64,
    /// Runs that are active again.
    pub runs: u64,
}

/// Reading and replaying dead letters. Those of removed connections do not exist here: nobody could send them again.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// The dead letters, newest first.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, LedgerError>;

    /// How many there are.
    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, LedgerError>;

    /// The dead letters by cause, most first.
    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetterGroup>, LedgerError>;

    /// The history of a segment, oldest attempt first.
    async fn attempts(&self, segment: SegmentId) -> Result<Vec<Attempt>, LedgerError>;

    /// Makes dead segments pending and due now, with counters at 0 and their history kept, from the first page
    /// of their window; their ended runs are active again (a paused one stays paused). At most `limit` of them,
    /// oldest first. Written to the audit.
    ///
    /// Where a request equal to a reopened one is unfinished by now, both go on; a new equal request joins the newer.
    async fn replay(&self, filter: &DeadLetterFilter, limit: Option<u32>) -> Result<Replayed, LedgerError>;
}
