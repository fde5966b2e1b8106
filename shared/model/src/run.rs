//! Run: one request to copy something, and what became of it.

use crate::words;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Its segments are claimed as they fall due.
    Active,
    /// A person stopped it; nothing of it is claimed.
    Paused,
    /// Every segment that was not cancelled is done.
    Done,
    /// Every segment has ended, at least one of them dead.
    Dead,
    /// A person ended it before its segments had.
    Cancelled,
}
words!(RunState {
    Active => "active",
    Paused => "paused",
    Done => "done",
    Dead => "dead",
    Cancelled => "cancelled",
});

impl RunState {
    /// Whether nothing more will happen to the run by itself.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

/// Which of the three queues a segment waits in. A lane is served only when every earlier one is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Something changed upstream just now.
    Live,
    /// A person asked for a small thing and waits.
    Manual,
    /// History.
    Backfill,
}
words!(Lane { Live => "live", Manual => "manual", Backfill => "backfill" });

impl Lane {
    /// The number that orders lanes in the ledger: 0 is served first.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Live => 0,
            Self::Manual => 1,
            Self::Backfill => 2,
        }
    }

    /// The lane of that rank.
    pub fn from_rank(rank: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|lane| lane.rank() == rank)
    }
}
