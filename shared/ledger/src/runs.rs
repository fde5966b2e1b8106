//! Runs: submitting a request, and seeing and steering what became of it.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Axis, ConnectionId, Lane, RunId, RunState, SegmentId, Work};
use serde::Serialize;

use crate::LedgerError;

/// A request, planned and ready to be submitted.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Identity.
    pub id: RunId,
    /// The lane its segments wait in.
    pub lane: Lane,
    /// Names of its connections, sorted.
    pub connections: Vec<String>,
    /// Names of its entities, expanded and sorted.
    pub entities: Vec<String>,
    /// First day asked for, if the request has a range.
    pub from: Option<NaiveDate>,
    /// Last day asked for, included.
    pub to: Option<NaiveDate>,
    /// The axis asked for.
    pub axis: Axis,
    /// The segmenting asked for, as its word.
    pub segmenting: String,
    /// Rows a page.
    pub page_size: u32,
    /// Equal requests have equal keys: a hash over connections, entities, range, axis, segmenting, page size.
    pub request_key: String,
    /// The trace in which it was asked for, as the W3C's `traceparent`; none if it is not traced.
    pub trace_context: Option<String>,
}

/// One segment of a run that is being submitted.
#[derive(Debug, Clone)]
pub struct NewSegment {
    /// Identity.
    pub id: SegmentId,
    /// The company.
    pub connection: ConnectionId,
    /// The entity's product name: `invoice`; [`ledgerfleet_model::work::CHANGES`] for the changes of several.
    pub entity: String,
    /// What it asks for.
    pub work: Work,
}

/// What became of a submitted request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// The run: the new one, or the unfinished equal one that it joined.
    pub run: RunId,
    /// Whether an unfinished equal request existed; then nothing was stored.
    pub attached: bool,
    /// How many segments the run has.
    pub segments: u64,
}

/// What a person may do to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    /// Claim nothing more of it; what runs is fenced off and handed back (epoch + 1), counted as nothing.
    Pause,
    /// Claim again.
    Resume,
    /// End every segment that has not ended.
    Cancel,
}

/// A run and the sums over its segments.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Identity.
    pub run_id: RunId,
    /// What it is doing.
    pub state: RunState,
    /// Its lane.
    pub lane: Lane,
    /// Names of its connections.
    pub connections: Vec<String>,
    /// Names of its entities.
    pub entities: Vec<String>,
    /// First day asked for.
    pub from: Option<NaiveDate>,
    /// Last day asked for, included.
    pub to: Option<NaiveDate>,
    /// The axis asked for.
    pub axis: Axis,
    /// Segments in all.
    pub segments: u64,
    /// Segments that are done.
    pub done: u64,
    /// Of `done`, those without a row.
    pub empty: u64,
    /// Dead segments.
    pub dead: u64,
    /// Cancelled segments.
    pub cancelled: u64,
    /// Segments waiting.
    pub pending: u64,
    /// Of `pending`, those whose connection is not active.
    pub blocked: u64,
    /// Segments held by a worker.
    pub running: u64,
    /// Rows of the windows that are done, and those read so far by the current pass of the others.
    pub rows: u64,
    /// Of `rows`, those that were quarantined when their window was done.
    pub quarantined: u64,
    /// Records that its segments found deleted at the source, through all passes and replays.
    pub deleted: u64,
    /// Pages committed, through all passes and replays.
    pub pages: u64,
    /// Metered calls made, through all passes, attempts and replays.
    pub calls: u64,
    /// Seconds from submit to the end, or to now.
    pub seconds: f64,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
}

/// How much of one entity a run has brought: the volumetry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntityVolume {
    /// The connection's name.
    pub connection: String,
    /// The entity.
    pub entity: String,
    /// Segments in all.
    pub segments: u64,
    /// Segments that are done.
    pub done: u64,
    /// Done segments without a row (for daily segments: empty days).
    pub empty: u64,
    /// Dead segments.
    pub dead: u64,
    /// Rows read.
    pub rows: u64,
    /// The most rows in one segment.
    pub most_rows: u64,
    /// Of `rows`, those that were quarantined when their window was done.
    pub quarantined: u64,
    /// Pages committed.
    pub pages: u64,
    /// Metered calls made.
    pub calls: u64,
    /// Seconds between the first claim and the last end.
    pub seconds: f64,
}

/// What of a run one connection still has to do, and what it does before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// The connection, which is active.
    pub connection: ConnectionId,
    /// Unfinished segments of the run.
    pub segments: u64,
    /// Unfinished segments of the active runs that it serves first: those of better lanes, and those of the same lane
    /// that were submitted earlier.
    pub ahead: u64,
}

/// Submitting, seeing and steering runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Stores a run with all its segments in one transaction, pending and due now. Segments are taken from the
    /// iterator in chunks of some ten thousand, so that memory stays flat whatever their number. If an
    /// unfinished run has the same request key, nothing is stored and that run is answered.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchConnection`] if a connection of the plan is unknown or removed: its segments could never
    /// be claimed, and the run would never end.
    async fn submit(
        &self,
        run: &NewRun,
        segments: &mut (dyn Iterator<Item = NewSegment> + Send),
    ) -> Result<Submitted, LedgerError>;

    /// One run with its sums.
    async fn run(&self, id: RunId) -> Result<Option<RunReport>, LedgerError>;

    /// The newest runs with their sums, newest first.
    async fn runs(&self, limit: u32) -> Result<Vec<RunReport>, LedgerError>;

    /// Ids of the newest runs, newest first, all of whose connections are among these; of `id` alone where one is given.
    /// A run without connections is none of them.
    async fn run_ids_within(
        &self,
        connections: &[ConnectionId],
        id: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunId>, LedgerError>;

    /// Ids of runs from `first` to `last`, both included, in their order: those whose ids begin alike.
    async fn run_ids(&self, first: RunId, last: RunId, limit: u32) -> Result<Vec<RunId>, LedgerError>;

    /// Pauses, resumes or cancels a run; answers its state afterwards, none if there is no such run. A run that
    /// is over stays as it is. Written to the audit.
    async fn steer_run(&self, id: RunId, steer: Steer) -> Result<Option<RunState>, LedgerError>;

    /// What is left of a run, by connection; of active connections that have something left. It counts all unfinished
    /// segments of the active runs: not a question for every second.
    async fn remaining(&self, id: RunId) -> Result<Vec<Remaining>, LedgerError>;

    /// The volumetry of a run, by connection and entity.
    async fn volumes(&self, id: RunId) -> Result<Vec<EntityVolume>, LedgerError>;
}
