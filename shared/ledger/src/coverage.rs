//! Coverage: which windows of which entities are complete.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::{Axis, ConnectionId, SegmentId, words};
use serde::Serialize;

use crate::LedgerError;

/// How complete a window is. A re-run that fails does not make a complete window incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoverageState {
    /// Every row that the source had is stored.
    Complete,
    /// Read to its end, but it may still have grown since: it ended too close to the time it was read.
    Open,
}
words!(CoverageState { Complete => "complete", Open => "open" });

/// Which coverage to list. Empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct CoverageFilter {
    /// Of these connections.
    pub connections: Vec<ConnectionId>,
    /// Of these entities.
    pub entities: Vec<String>,
    /// Windows that end after this day begins.
    pub from: Option<NaiveDate>,
    /// Windows that begin no later than this day.
    pub to: Option<NaiveDate>,
}

/// The coverage of one window.
#[derive(Debug, Clone, Serialize)]
pub struct CoverageRow {
    /// The connection's name.
    pub connection: String,
    /// The entity.
    pub entity: String,
    /// The axis.
    pub axis: Axis,
    /// First day; none for `whole`.
    pub from: Option<NaiveDate>,
    /// Last day, included; none for `whole`.
    pub to: Option<NaiveDate>,
    /// How complete it is.
    pub state: CoverageState,
    /// Rows that were read when it was last complete or open.
    pub rows: u64,
    /// The source's own count, where it was asked.
    pub source_count: Option<u64>,
    /// When it was last read to its end.
    pub read_at: DateTime<Utc>,
    /// How the last segment that asked for this window ended: `done`, `dead` or `cancelled`.
    pub last_result: String,
    /// That segment.
    pub last_segment: SegmentId,
    /// Something worth telling.
    pub note: Option<String>,
}

/// Reading coverage.
#[async_trait]
pub trait Coverage: Send + Sync {
    /// The covered windows of connections that are not removed, by connection, entity, axis and first day. A window
    /// without days passes every range.
    async fn coverage(&self, filter: &CoverageFilter) -> Result<Vec<CoverageRow>, LedgerError>;
}
