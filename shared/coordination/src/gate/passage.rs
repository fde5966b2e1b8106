//! Passage: one caller's way through a gate, from booking an instant to a slot that is fresh enough to be used.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Distance, Gate, GateLimits, Reservation, Slot, Start};
use crate::Unreachable;
use ledgerfleet_model::ConnectionId;

/// Who wants to pass which gate, and how.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// The gate.
    pub gate: &'a dyn Gate,
    /// Whose.
    pub connection: ConnectionId,
    /// Its limits.
    pub limits: &'a GateLimits,
    /// A wait longer than this is told and not waited out.
    pub patience: Duration,
    /// A grant older than this, and than what the gate's distance explains, is given up and asked for anew.
    pub staleness: Duration,
    /// How far away the gate is from this process.
    pub distance: &'a Distance,
}

/// What came of trying to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// Send the request now, keep the slot while it is in flight, and give it back with [`Gate::finish`].
    Granted(Slot),
    /// The next free instant is this far away, which is more than the caller has patience for. Nothing is booked.
    TooLong(Duration),
}

impl Passage<'_> {
    /// Waits for the gate, at most for the caller's patience from one booking to its instant, and takes a slot. Dropped in
    /// the middle it leaves at most a booked instant unused, or a slot that ends by itself.
    pub async fn pass(&self) -> Result<Passed, Unreachable> {
        loop {
            if let Some(passed) = self.try_pass().await? {
                return Ok(passed);
            }
        }
    }

    /// One booking and its start; none if it has to be made anew, because the gate has closed meanwhile, every slot is
    /// taken, or the grant is too old. For callers who do not want to try for ever.
    pub async fn try_pass(&self) -> Result<Option<Passed>, Unreachable> {
        let Self { gate, limits, .. } = *self;
        let asked_at = Instant::now();
        let booked = gate.reserve(self.connection, limits, self.patience).await?;
        self.distance.measure(asked_at.elapsed());
        let wait = match booked {
            Reservation::Booked(wait) => wait,
            Reservation::TooLong(wait) => return Ok(Some(Passed::TooLong(wait))),
        };
        // It was booked some time between question and answer. Counted from the question, a request whose question was
        // long on its way would leave before its instant, beside another's.
        sleep(wait.saturating_sub(self.distance.one_way())).await;
        let started_at = Instant::now();
        let started = gate.start(self.connection, limits).await?;
        self.distance.measure(started_at.elapsed());
        let slot = match started {
            Start::Go(slot) => slot,
            Start::Closed(wait) if wait > self.patience => return Ok(Some(Passed::TooLong(wait))),
            Start::NoSlot | Start::Closed(_) => return Ok(None),
        };
        // Here the question counts: by then the instant may have come.
        if (asked_at + wait).elapsed() <= self.staleness + self.distance.two_answers() {
            return Ok(Some(Passed::Granted(slot)));
        }
        // Sent now, the request would arrive beside one that was granted later.
        gate.finish(slot).await?;
        Ok(None)
    }
}
