//! What the leader's duties read and write: due segments, lost claims, finished runs.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, Lane, RunId, RunState, SegmentId, SegmentState, Timings, WorkerName};

use crate::LedgerError;

/// How much may be offered to workers at once.
#[derive(Debug, Clone)]
pub struct DispatchLimits {
    /// Gate slots of a connection, by connector name; a connection's own setting comes first. A connection is
    /// offered at most slots + 3 − running segments.
    pub slots: HashMap<String, u32>,
    /// Segments in all.
    pub total: usize,
}

/// A segment that may be claimed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The segment.
    pub segment: SegmentId,
    /// Its company.
    pub connection: ConnectionId,
    /// Its lane.
    pub lane: Lane,
}

/// Which running segments to take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RescueScope {
    /// Those whose lease is over.
    Expired,
    /// All: only for who knows that no other process runs any, such as a new holder of a file's runner lock.
    All,
}

/// A segment that was taken back from a lost worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// The segment.
    pub segment: SegmentId,
    /// Where it stands now: pending, or dead as `crash_loop`.
    pub state: SegmentState,
    /// Who held it.
    pub worker: String,
}

/// A run that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedRun {
    /// The run.
    pub run: RunId,
    /// `dead` where a segment is, else `cancelled` where one was, else `done`.
    pub state: RunState,
}

/// How many segments stand where, for metrics and for knowing when nothing can progress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentCounts {
    /// By state.
    pub by_state: HashMap<SegmentState, u64>,
    /// Whole seconds that the longest-due pending segment of an active run and connection has been due.
    pub oldest_due_seconds: u64,
}

/// How many sessions a process has with its database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Open, and used by nobody now.
    pub idle: u32,
    /// Used now.
    pub in_use: u32,
    /// The most there may be.
    pub most: u32,
}

/// The process that leads a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// What it is called.
    pub holder: WorkerName,
    /// Its term. One begins whenever the leader changes.
    pub term: i64,
    /// When its term began, where that is known.
    pub since: Option<DateTime<Utc>>,
    /// How long its lease still lasts.
    pub lease: std::time::Duration,
}

/// The statements of the leader's duties.
#[async_trait]
pub trait Dispatching: Send + Sync {
    /// The segments that may be claimed now, in the order they should be offered: lanes live > manual > backfill,
    /// and within a lane fair between connections: the first of each, then the second of each, and so on. Only
    /// of active runs and active connections. Reads only.
    async fn due(&self, limits: &DispatchLimits) -> Result<Vec<Ready>, LedgerError>;

    /// Takes back running segments whose worker is lost: epoch + 1, pending and due now, or dead as `crash_loop`
    /// by the rules of [`ledgerfleet_model::segment`]. Each leaves an attempt `crash` behind, whose message says
    /// whether it counts.
    async fn rescue(&self, scope: RescueScope, timings: &Timings) -> Result<Vec<Rescued>, LedgerError>;

    /// Ends every active run that has no unfinished segment: `dead` if one of its segments is, else
    /// `cancelled` if one of them is, as where a company was removed in mid-run, else `done`. A paused run stays paused.
    async fn close_runs(&self) -> Result<Vec<ClosedRun>, LedgerError>;

    /// The instant the next pending segment of an active run and connection falls due, as time from now; zero
    /// if one is due. None if there is none.
    async fn next_due(&self) -> Result<Option<std::time::Duration>, LedgerError>;

    /// Counts by state.
    async fn segment_counts(&self) -> Result<SegmentCounts, LedgerError>;

    /// Tries to write, and changes nothing: tells of a database that is read-only, or does not allow its user to write.
    async fn check_writable(&self) -> Result<(), LedgerError>;

    /// The sessions of this process with the database.
    fn sessions(&self) -> Sessions;

    /// Ends all connections to the database, and waits a bounded time for what is under way on them. A file is left as
    /// one: whatever was committed is in it, and no log beside it, unless another process has it open.
    async fn close(&self);

    /// How long ago the leader last dispatched, to a few seconds. None if that is not known, and on a ledger whose leader
    /// is elected elsewhere.
    async fn last_dispatch(&self) -> Result<Option<std::time::Duration>, LedgerError>;

    /// Which process leads now. None if none does, and on a ledger whose leader is elected elsewhere.
    async fn leader(&self) -> Result<Option<Leader>, LedgerError>;
}
