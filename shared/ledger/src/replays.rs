//! Replays: dead letters that are sent again, and the brake that stops a sending when its cause returns.
//!
//! A replay makes dead segments pending in chunks, so that nobody waits long for it, however many there are. Its pace is
//! in the ledger: each segment is due a step after the one before, and no process has to stay for that.
//!
//! ```text
//!  going ── a segment of it dies again of its old cause ──► stopping ── nothing is left to withdraw ──► stopped
//! ```
//!
//! Whoever settles that death only marks the replay; the leader's duty withdraws what nobody has claimed yet, a chunk at
//! a time, next due first. It is dead then as it was before, with reason, message, time of death and history.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ReplayId, RunId, SegmentId, words};
use serde::Serialize;
use std::time::Duration;

use crate::{DeadLetterFilter, LedgerError};

/// Segments that one transaction sends, withdraws or hides.
pub(crate) const CHUNK: u32 = 5_000;

/// Which dead letters to send again, and how.
#[derive(Debug, Clone, Default)]
pub struct ReplayRequest {
    /// Which.
    pub filter: DeadLetterFilter,
    /// At most this many, the oldest.
    pub most: Option<u32>,
    /// So many in a minute; all at once if there is no such limit.
    pub per_minute: Option<u32>,
    /// Rows in one request from now on, where the pages of before were too large; as before if it is left out.
    pub page_size: Option<u32>,
    /// Who asks, for the audit.
    pub asked_by: String,
}

impl ReplayRequest {
    /// Equal requests have equal keys, whoever asks.
    pub(crate) fn key(&self) -> String {
        let mut filter = self.filter.clone();
        filter.ids.sort_unstable();
        filter.connections.sort_unstable();
        filter.entities.sort_unstable();
        let request = serde_json::json!([filter, self.most, self.per_minute, self.page_size]);
        blake3::hash(request.to_string().as_bytes()).to_hex().to_string()
    }

    /// How long after one segment the next is due.
    pub(crate) fn spacing(&self) -> Duration {
        self.per_minute
            .map_or(Duration::ZERO, |many| Duration::from_mins(1) / many.max(1))
    }
}

/// What a request to send dead letters again has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The replay that answers it; none where nothing was to be sent.
    pub replay_id: Option<ReplayId>,
    /// Whether that was under way already, for an equal request.
    pub continued: bool,
    /// Segments that this request has made pending again.
    pub segments: u64,
    /// Runs that it has made active again.
    pub runs: u64,
}

/// What a replay is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// Some of its segments are unfinished.
    Going,
    /// Its cause has returned; what nobody has claimed is being withdrawn.
    Stopping,
    /// Its cause has returned, and nothing is left to withdraw.
    Stopped,
    /// All its segments have ended.
    Over,
}
words!(ReplayState {
    Going => "going",
    Stopping => "stopping",
    Stopped => "stopped",
    Over => "over",
});

impl ReplayState {
    /// The state as people see it: one that goes on without an unfinished segment is over.
    pub(crate) fn with(self, unfinished: bool) -> Self {
        match self {
            Self::Going if !unfinished => Self::Over,
            state => state,
        }
    }
}

/// A replay and how its segments stand. Those that a later replay has sent again count there.
#[derive(Debug, Clone, Serialize)]
pub struct Replay {
    /// Identity.
    pub replay_id: ReplayId,
    /// What it is doing.
    pub state: ReplayState,
    /// When it began.
    #[serde(rename = "created_at")]
    pub at: DateTime<Utc>,
    /// Who asked for it.
    pub asked_by: String,
    /// Which dead letters were asked for.
    pub filter: serde_json::Value,
    /// At most this many.
    pub most: Option<u64>,
    /// So many in a minute.
    pub per_minute: Option<u32>,
    /// Segments sent.
    pub segments: u64,
    /// Segments waiting.
    pub pending: u64,
    /// Segments held by a worker.
    pub running: u64,
    /// Segments that are done.
    pub done: u64,
    /// Segments that are dead again, the withdrawn among them.
    pub dead: u64,
    /// Segments that went back without having been claimed.
    pub withdrawn: u64,
    /// When it was stopped.
    pub stopped_at: Option<DateTime<Utc>>,
    /// The segment that died of its old cause.
    pub stopped_by: Option<SegmentId>,
    /// The fingerprint of the cause that returned; unknown of replays that were stopped before it was kept.
    pub stopped_fingerprint: Option<String>,
    /// Why, for people.
    pub stopped_reason: Option<String>,
}

/// Which replays are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichReplays {
    /// All.
    All,
    /// This one.
    One(ReplayId),
    /// Those that have sent a segment of this run, and were the last to send it.
    OfRun(RunId),
}

/// What one turn of the brake has done to a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawn {
    /// The replay.
    pub replay: ReplayId,
    /// Segments that are dead again.
    pub segments: u64,
    /// Whether nothing is left to withdraw.
    pub finished: bool,
}

/// Sending dead letters again.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Makes dead segments that died before this call pending, with counters at 0 and their history kept, from the first
    /// page of their window; their ended runs are active again (a paused one stays paused). The oldest first, each due
    /// a step after the one before. Done in chunks, each of which is written to the audit.
    ///
    /// An equal request that is not over is continued: the same asked twice, or by two at once, sends no more than asked
    /// once. Where a request equal to a reopened run is unfinished by now, both go on; a new equal one joins the newer.
    async fn replay(&self, request: &ReplayRequest) -> Result<Replayed, LedgerError>;

    /// The newest of these replays, newest first. Each is told as a whole, whatever runs its segments are of.
    async fn replays(&self, which: WhichReplays, limit: u32) -> Result<Vec<Replay>, LedgerError>;

    /// Withdraws a chunk of each replay that is to be stopped. Answers nothing where none is, which costs one small
    /// reading. The end of each is written to the audit.
    async fn stop_replays(&self) -> Result<Vec<Withdrawn>, LedgerError>;

    /// How many segments were ever sent again.
    async fn replayed_total(&self) -> Result<u64, LedgerError>;
}

/// What the audit says of a part of a replay or a drop.
pub(crate) fn audited(filter: &DeadLetterFilter, asked_by: &str, segments: u64) -> serde_json::Value {
    let mut detail = serde_json::json!(filter);
    detail["by"] = asked_by.into();
    detail["segments"] = segments.into();
    detail
}

/// Why a replay is stopped, for people.
pub(crate) fn cause_returned(
    segment: SegmentId,
    failure: &ledgerfleet_model::Failure,
    print: &str,
) -> String {
    format!("segment {segment} died again of the cause it had ({print}): {failure}")
}
