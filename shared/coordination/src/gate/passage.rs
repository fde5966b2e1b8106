//! Passage: one caller's way through a gate, from booking an instant to a slot that is fresh enough to be used.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use ledgerfleet_model::{ConnectionId, Failure, FailureKind};

use super::{Distance, Gate, GateLimits, Reservation, Slot, Start};
use crate::Unreachable;

/// Who wants to pass which gate, and how.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// The gate.
    pub gate: &'a dyn Gate,
    /// Whose.
    pub connection: ConnectionId,
    /// Its limits.
    pub limits: &'a GateLimits,
    /// Who has tried for so long is told why he may not pass, and a longer wait is not waited out.
    pub patience: Duration,
    /// A grant older than this, and than what the gate's distance explains, is given up and asked for anew.
    pub staleness: Duration,
    /// How far away the gate is from this process.
    pub distance: &'a Distance,
}

/// Why somebody may not pass now. Nothing is booked and no slot is taken.
#[derive(Debug, thiserror::Error)]
pub enum NoPassage {
    /// The next free instant is this far away, which is more than the caller has patience for.
    #[error("the gate's next free instant is {:.1} s away", .0.as_secs_f64())]
    TooFar(Duration),
    /// Whenever it was the caller's turn, every slot was taken or the gate had closed.
    #[error("whenever the gate was free, all its slots were taken")]
    NoSlot,
    /// Every grant was too old by the time it came: the gate's answers take this long at least.
    #[error("every grant of the gate comes too late: its answers take {} ms at least", .0.as_millis())]
    TooLate(Duration),
    /// The gate does not answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
}

impl From<NoPassage> for Failure {
    fn from(error: NoPassage) -> Self {
        let retry_after = match error {
            NoPassage::Unreachable(error) => return error.into(),
            NoPassage::TooFar(wait) => Some(wait),
            NoPassage::NoSlot | NoPassage::TooLate(_) => None,
        };
        Self {
            retry_after,
            ..Self::new(FailureKind::GateBusy, error.to_string())
        }
    }
}

impl Passage<'_> {
    /// Waits for the gate and takes a slot: send the request now, keep the slot while it is in flight, and give it back
    /// with [`Gate::finish`]. Dropped in the middle it leaves at most a booked instant unused, or a slot that ends by
    /// itself.
    pub async fn pass(&self) -> Result<Slot, NoPassage> {
        let began = Instant::now();
        loop {
            match self.try_pass().await {
                Err(NoPassage::NoSlot | NoPassage::TooLate(_)) if began.elapsed() < self.patience => {}
                ended => return ended,
            }
        }
    }

    /// One booking and its start.
    async fn try_pass(&self) -> Result<Slot, NoPassage> {
        let Self { gate, limits, .. } = *self;
        let asked_at = Instant::now();
        let booked = gate.reserve(self.connection, limits, self.patience).await?;
        self.distance.measure(asked_at.elapsed());
        let wait = match booked {
            Reservation::Booked(wait) => wait,
            Reservation::TooLong(wait) => return Err(NoPassage::TooFar(wait)),
        };
        // It was booked some time between question and answer. Counted from the question, a request whose question was
        // long on its way would leave before its instant, beside another's.
        sleep(wait.saturating_sub(self.distance.one_way())).await;
        let started_at = Instant::now();
        let started = gate.start(self.connection, limits).await?;
        self.distance.measure(started_at.elapsed());
        let slot = match started {
            Start::Go(slot) => slot,
            Start::Closed(wait) if wait > self.patience => return Err(NoPassage::TooFar(wait)),
            Start::NoSlot | Start::Closed(_) => return Err(NoPassage::NoSlot),
        };
        // Here the question counts: by then the instant may have come.
        if (asked_at + wait).elapsed() <= self.staleness + self.distance.two_answers() {
            return Ok(slot);
        }
        // Sent now, the request would arrive beside one that was granted later.
        gate.finish(slot).await?;
        Err(NoPassage::TooLate(self.distance.quickest()))
    }
}
