//! Claims: who works on what, until when, and how an attempt that did not finish is settled.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::segment::Settlement;
use ledgerfleet_model::{ConnectionId, Epoch, Lane, Position, RunId, SegmentId, Standing, Work, WorkerName};

use crate::LedgerError;

/// A segment in the hands of a worker, with all it needs to begin.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The segment.
    pub segment: SegmentId,
    /// Its run.
    pub run: RunId,
    /// Its company.
    pub connection: ConnectionId,
    /// Its entity's product name.
    pub entity: String,
    /// Its lane.
    pub lane: Lane,
    /// What it asks for.
    pub work: Work,
    /// The upstream's own time in the first answer that was stored of it.
    pub answered_at: Option<DateTime<Utc>>,
    /// Rows a page, as long as such pages can be served.
    pub page_size: u32,
    /// Which reading of the window this is, from 1.
    pub pass: u32,
    /// Pages of this pass already committed.
    pub page: u32,
    /// Where the attempt goes on.
    pub position: Position,
    /// State, fence and counters, after the claim.
    pub standing: Standing,
    /// The number of this attempt, from 1 and through replays.
    pub attempt: u32,
    /// The ledger's time of the claim. Observation times are counted on from it, not taken from a local clock.
    pub claimed_at: DateTime<Utc>,
    /// The ledger's time of the segment's first claim: none of its pages was asked for before.
    pub first_claimed_at: DateTime<Utc>,
    /// The trace in which the run was asked for.
    pub trace_context: Option<String>,
}

/// A segment and the fence under which it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// The segment.
    pub segment: SegmentId,
    /// The fence.
    pub epoch: Epoch,
}

/// What an attempt did that did not finish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Metered calls since the last committed page.
    pub calls: u32,
    /// Pages it stored.
    pub pages: u32,
    /// How long it worked, without its waits for the gate.
    pub worked: Duration,
    /// How long it waited for the gate.
    pub at_gate: Duration,
}

/// Whether a settlement took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It did.
    Settled,
    /// The segment was no longer the caller's; nothing was written.
    Fenced,
}

/// Claiming, keeping and giving back.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Claims those of `ids` that are pending and due, of an active run and connection, and of a format this
    /// program knows, in one statement: epoch + 1, running, lease. The rest are simply not in the answer.
    async fn claim(
        &self,
        ids: &[SegmentId],
        worker: &WorkerName,
        lease: Duration,
    ) -> Result<Vec<Claim>, LedgerError>;

    /// Marks the attempt of a suspect as begun, so that a crash from now on counts. Answers false if fenced.
    async fn start(&self, held: Held) -> Result<bool, LedgerError>;

    /// Renews leases; answers those that are no longer the caller's. One that is locked by a page commit of its
    /// own is neither renewed nor lost.
    async fn heartbeat(&self, held: &[Held], lease: Duration) -> Result<Vec<Held>, LedgerError>;

    /// Gives back what was claimed, pending and due now, counted as nothing. Answers how many were still held.
    async fn hand_back(&self, held: &[Held]) -> Result<u64, LedgerError>;

    /// Puts off, by `wait`, a segment whose end cannot be written; counted as nothing. Answers whether it was still held.
    async fn postpone(&self, held: Held, wait: Duration) -> Result<bool, LedgerError>;

    /// What `worker` holds according to the ledger: for the caller of a claim whose answer was lost.
    async fn held_by(&self, worker: &WorkerName) -> Result<Vec<Held>, LedgerError>;

    /// Writes how an attempt ended that did not finish, with a row of its history. Metered calls that were made
    /// since the last committed page are added to the count. A replayed segment that dies of the cause it had marks its
    /// replay to be stopped.
    async fn settle(&self, settlement: &Settlement, effort: &Effort) -> Result<Settled, LedgerError>;
}
