//! Dead letters: segments that ended with a reason, and their history. [`crate::replays`] sends them again.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{ConnectionId, FailureKind, ReplayId, RunId, SegmentId, Window, words};
use serde::Serialize;

use crate::LedgerError;

/// Which dead letters. Empty fields mean any; all given ones must hold.
#[derive(Debug, Clone, Default, Serialize)]
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
    /// Whose window has a day on or after this one. A window without days has none in any range.
    pub from: Option<NaiveDate>,
    /// Whose window has a day on or before this one.
    pub to: Option<NaiveDate>,
    /// Dropped ones, or all others.
    pub dropped: Dropped,
}

/// Whether dead letters are meant that a person has hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dropped {
    /// Only those that nobody has hidden.
    #[default]
    Not,
    /// Only those that are hidden.
    Only,
}
words!(Dropped {
    Not => "not",
    Only => "only",
});

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// At most this many.
    pub limit: u32,
    /// Those that come after this one, which ended a page.
    pub after: Option<SegmentId>,
    /// In which order.
    pub order: Order,
}

/// By the time of death; of one instant, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As people look at them.
    NewestFirst,
    /// As they are sent again.
    OldestFirst,
}

impl Listing {
    /// The newest.
    pub fn newest(limit: u32) -> Self {
        Self {
            limit,
            after: None,
            order: Order::NewestFirst,
        }
    }

    /// The oldest.
    pub fn oldest(limit: u32) -> Self {
        Self {
            order: Order::OldestFirst,
            ..Self::newest(limit)
        }
    }
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
    /// Pages stored, through all attempts and replays.
    pub pages: u64,
    /// Metered calls made, through all attempts and replays.
    pub calls: u64,
    /// When a person has hidden it.
    pub dropped_at: Option<DateTime<Utc>>,
    /// The replay that has last sent it.
    pub replay_id: Option<ReplayId>,
    /// Why that replay was stopped, if it was.
    pub replay_stopped: Option<String>,
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

/// How many dead letters there are, for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterCount {
    /// Of this connector.
    pub connector: String,
    /// With this reason.
    pub reason: FailureKind,
    /// So many.
    pub count: u64,
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
    /// Pages it stored; none where nobody can tell, as of an attempt that was lost with its worker.
    pub pages: Option<u32>,
    /// Seconds it worked, without its waits for the gate; none where nobody can tell.
    pub worked_seconds: Option<f64>,
    /// Seconds it waited for the gate, which is for quota; none where nobody can tell.
    pub gate_seconds: Option<f64>,
    /// Seconds it then waited until it was due again, in all.
    pub waited_seconds: f64,
}

/// Reading and hiding dead letters. Those of removed connections do not exist here: nobody could send them again.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// The dead letters, a page of them.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchSegment`] if the one that ended the page before is unknown or never died.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        listing: &Listing,
    ) -> Result<Vec<DeadLetter>, LedgerError>;

    /// Ids of dead letters from `first` to `last`, both included, in their order, dropped ones among them: those whose ids
    /// begin alike.
    async fn dead_letter_ids(
        &self,
        first: SegmentId,
        last: SegmentId,
        limit: u32,
    ) -> Result<Vec<SegmentId>, LedgerError>;

    /// How many there are.
    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, LedgerError>;

    /// The dead letters by cause, most first, at most `limit` causes.
    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, LedgerError>;

    /// How many there are of each connector and reason, without the dropped ones.
    async fn dead_letter_counts(&self) -> Result<Vec<DeadLetterCount>, LedgerError>;

    /// The history of a segment, oldest attempt first.
    async fn attempts(&self, segment: SegmentId) -> Result<Vec<Attempt>, LedgerError>;

    /// Hides dead letters that died before this call: they are dead still, their days stay incomplete, and only who
    /// asks for dropped ones finds them. Answers how many. Done in chunks, each of which is written to the audit with
    /// who asked for it.
    async fn drop_dead_letters(&self, filter: &DeadLetterFilter, asked_by: &str) -> Result<u64, LedgerError>;
}
