//! Clocks: what a clock that was ahead has left behind.
//!
//! The order of what a ledger holds rests on its clock. One that was ahead (a laptop with a wrong date, a database server
//! before its failover) leaves instants that later ones cannot beat: a deletion seen now would be older than the row, a
//! segment would be due in two days. No such instant can have been written by a clock that is right, so each is
//! taken as now: where records are compared at once, and for good by what is here.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_model::ConnectionId;

use crate::LedgerError;

/// An instant that is further ahead of the ledger's clock than this was written by another clock. Servers that take over
/// from each other differ by less.
pub const PLAUSIBLE: TimeDelta = TimeDelta::minutes(5);

/// A segment that is due later than this was given its time by another clock: a company that asks for patience is not
/// waited for any longer. 25 h.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::hours(25);

/// What the ledger knows of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerClock {
    /// Its time now.
    pub now: DateTime<Utc>,
    /// The last instant at which anything was submitted, read or done by a person, as it was written.
    pub last_written: Option<DateTime<Utc>>,
}

impl LedgerClock {
    /// How far ahead the clock was that wrote last; none if it can have been this one.
    pub fn was_ahead(&self) -> Option<TimeDelta> {
        let ahead = self.last_written? - self.now;
        (ahead > PLAUSIBLE).then_some(ahead)
    }
}

/// What a clock that was ahead has left behind.
#[async_trait]
pub trait Clocks: Send + Sync {
    /// The ledger's clock.
    async fn clock(&self) -> Result<LedgerClock, LedgerError>;

    /// Makes due what a clock that was ahead has put off, ends the leases and intents that it has given, has the attempts and
    /// the upkeep of syncs that it has noted happen now, and answers how many of these there were.
    async fn bring_back(&self) -> Result<u64, LedgerError>;

    /// How many records of a table were observed ahead of the clock.
    async fn records_ahead(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError>;

    /// Has these records observed now, and answers how many they were.
    async fn bring_back_records(&self, connection: ConnectionId, table: &str) -> Result<u64, LedgerError>;
}
