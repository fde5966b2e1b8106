//! Overview: where companies and a run stand, in sums for people who watch.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, RunId};

use crate::LedgerError;

/// Where one company stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSums {
    /// The company.
    pub connection: ConnectionId,
    /// When a window of it was last read to its end.
    pub last_read_at: Option<DateTime<Utc>>,
    /// Windows that were read and are not complete: they may have grown since.
    pub open: u64,
    /// Segments held by a worker.
    pub running: u64,
    /// Dead letters that nobody has hidden.
    pub dead: u64,
    /// Metered calls of this calendar month, UTC.
    pub calls: u64,
}

/// What of a run heals itself: attempts that failed and are made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Failed attempts of the segments that wait to be tried again.
    pub attempts: u64,
    /// Why the newest of them failed.
    pub reason: String,
    /// The HTTP status that it met.
    pub status: Option<u16>,
    /// How long until the first of them is tried again.
    pub due_in: Duration,
}

/// The metered calls of an entity of a company in a calendar month (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthCalls {
    /// The month: `2026-05`.
    pub month: String,
    /// The company.
    pub connection: ConnectionId,
    /// The product name of the entity, or what stands for it.
    pub entity: String,
    /// Calls.
    pub calls: u64,
}

/// Sums that are cheap enough to be asked for again and again.
#[async_trait]
pub trait Overview: Send + Sync {
    /// The companies that are not removed, by name.
    async fn connection_sums(&self) -> Result<Vec<ConnectionSums>, LedgerError>;

    /// What of a run heals itself; none if nothing of it has failed and waits.
    async fn trouble(&self, run: RunId) -> Result<Option<Trouble>, LedgerError>;

    /// The metered calls of these companies by month and entity, the newest month first; of this month alone (`2026-05`)
    /// where one is given.
    async fn calls_by_month(
        &self,
        connections: &[ConnectionId],
        month: Option<&str>,
    ) -> Result<Vec<MonthCalls>, LedgerError>;
}
