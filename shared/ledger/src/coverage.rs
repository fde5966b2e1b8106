//! Coverage: which windows of which entities are complete.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_model::segment::SegmentState;
use ledgerfleet_model::{Axis, ConnectionId, Days, FailureKind, SegmentId, words};
use serde::Serialize;

use crate::LedgerError;

/// How complete a window is. A re-run that fails does not make a complete window incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoverageState {
    /// Every row that the source had is stored.
    Complete,
    /// Read to its end, but it may still have grown since: it ended too close to the time it was read.
    Open,
    /// Read as far as the source shows it, and nothing proves that this is all.
    Unproven,
}
words!(CoverageState { Complete => "complete", Open => "open", Unproven => "unproven" });

impl CoverageState {
    /// The state as it is told: what may grow is read again anyway.
    pub(crate) fn told(self, unproven: bool) -> Self {
        match self {
            Self::Complete if unproven => Self::Unproven,
            state => state,
        }
    }
}

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

/// Neighbouring days that were asked for and are not complete, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
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
    /// How a segment stands that asked for them: anything but `done`.
    pub state: SegmentState,
    /// Why it is dead.
    pub reason: Option<FailureKind>,
}

/// Reading coverage.
#[async_trait]
pub trait Coverage: Send + Sync {
    /// The covered windows of connections that are not removed, by connection, entity, axis and first day. A window
    /// without days passes every range.
    async fn coverage(&self, filter: &CoverageFilter) -> Result<Vec<CoverageRow>, LedgerError>;

    /// The days of segments that are not done, without those that a complete window of whichever size covers, by
    /// connection, entity, axis, state and first day. Days stand once for each state and reason that they are asked
    /// for in; days outside the filter's range are left out. Neighbours are joined by the database, so the answer
    /// is short however many segments wait.
    async fn asked_and_not_read(&self, filter: &CoverageFilter) -> Result<Vec<Missing>, LedgerError>;
}

/// Neighbouring windows of one state: of segments, or `done` for what is complete. `day_to` is excluded.
#[derive(Debug, Clone)]
pub(crate) struct Island {
    pub(crate) connection: String,
    pub(crate) entity: String,
    pub(crate) axis: Axis,
    pub(crate) state: SegmentState,
    pub(crate) reason: Option<FailureKind>,
    pub(crate) days: Option<Days>,
}

/// Takes what is complete out of what was asked for.
pub(crate) fn not_read(islands: &[Island], filter: &CoverageFilter) -> Vec<Missing> {
    let (complete, asked): (Vec<&Island>, Vec<&Island>) = islands
        .iter()
        .partition(|island| island.state == SegmentState::Done);
    let mut complete_of: HashMap<_, Vec<&Island>> = HashMap::new();
    for island in complete {
        complete_of.entry(island.place()).or_default().push(island);
    }
    let missing_of = |island: &&Island| {
        let complete = complete_of.get(&island.place()).map_or(&[][..], Vec::as_slice);
        island.without(complete, filter)
    };
    asked.iter().flat_map(missing_of).collect()
}

impl Island {
    fn place(&self) -> (&str, &str, Axis) {
        (&self.connection, &self.entity, self.axis)
    }

    /// What is left of it beside complete islands, which do not touch one another and are in the order of their days.
    fn without(&self, complete: &[&Self], filter: &CoverageFilter) -> Vec<Missing> {
        let Some(mut rest) = self.days else {
            let is_whole = complete.iter().any(|island| island.days.is_none());
            return if is_whole {
                Vec::new()
            } else {
                vec![self.missing(None)]
            };
        };
        rest.from = filter.from.map_or(rest.from, |from| rest.from.max(from));
        let after = filter.to.and_then(|to| to.succ_opt());
        rest.to = after.map_or(rest.to, |after| rest.to.min(after));
        let mut left = Vec::new();
        for covered in complete.iter().filter_map(|island| island.days) {
            left.push(Days {
                to: rest.to.min(covered.from),
                ..rest
            });
            rest.from = rest.from.max(covered.to);
        }
        left.push(rest);
        let days = left.into_iter().filter(|days| days.from < days.to);
        days.map(|days| self.missing(Some(days))).collect()
    }

    fn missing(&self, days: Option<Days>) -> Missing {
        Missing {
            connection: self.connection.clone(),
            entity: self.entity.clone(),
            axis: self.axis,
            from: days.map(|days| days.from),
            to: days.and_then(|days| days.to.pred_opt()),
            state: self.state,
            reason: self.reason,
        }
    }
}
