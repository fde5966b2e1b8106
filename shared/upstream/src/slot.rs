//! Slot: a slot of the gate that is kept by a task of its own, so that a slow answer does not lose it.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_coordination::{Gate, GateLimits, Slot, Unreachable, keep_renewing};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long giving a slot back is waited for; one that is not given back ends by its time to live.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// A slot that is renewed as long as this lives, and then given back.
#[derive(Debug)]
pub(crate) struct KeptSlot {
    lost: CancellationToken,
    /// Dropped, it ends the renewal.
    _released: tokio_util::sync::DropGuard,
    keeping: JoinHandle<()>,
}

impl KeptSlot {
    /// Renews `slot` every `every`.
    pub(crate) fn start(gate: Arc<dyn Gate>, slot: Slot, limits: GateLimits, every: Duration) -> Self {
        let (lost, released) = (CancellationToken::new(), CancellationToken::new());
        let keeping = tokio::spawn(keep(gate, slot, limits, every, lost.clone(), released.clone()));
        Self {
            lost,
            _released: released.drop_guard(),
            keeping,
        }
    }

    /// Ends when the slot is lost, or can no longer be known to be held.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives it back.
    pub(crate) async fn give_back(self) {
        let Self {
            _released: released,
            keeping,
            ..
        } = self;
        drop(released);
        let _ = timeout(GIVING_BACK, keeping).await;
    }
}

async fn keep(
    gate: Arc<dyn Gate>,
    slot: Slot,
    limits: GateLimits,
    every: Duration,
    lost: CancellationToken,
    released: CancellationToken,
) {
    let renewing = keep_renewing(limits.slot_ttl, every, || gate.renew(slot, &limits));
    if released.run_until_cancelled(renewing).await.is_some() {
        lost.cancel();
        released.cancelled().await;
    }
    note(gate.finish(slot).await);
}

fn note(result: Result<(), Unreachable>) {
    if let Err(error) = result {
        debug!(
            error = &error as &dyn std::error::Error,
            "a slot was not given back; it ends by itself"
        );
    }
}

#[cfg(test)]
mod tests {
    use ledgerfleet_coordination::{MemoryGate, Start};
    use ledgerfleet_model::ConnectionId;

    use super::*;

    const LIMITS: GateLimits = GateLimits {
        requests_per_second: 1_000.0,
        slots: 1,
        slot_ttl: Duration::from_hours(1),
        quarantine: Duration::from_hours(2),
        calm: Duration::from_hours(1),
    };

    async fn slot_of(gate: &MemoryGate, connection: ConnectionId) -> Option<Slot> {
        match gate.start(connection, &LIMITS).await.unwrap() {
            Start::Go(slot) => Some(slot),
            Start::NoSlot | Start::Closed(_) => None,
        }
    }

    /// A gate whose only slot is kept.
    async fn kept(every: Duration) -> (Arc<MemoryGate>, Slot, KeptSlot) {
        let gate = Arc::new(MemoryGate::default());
        let slot = slot_of(&gate, ConnectionId::new()).await.unwrap();
        let kept = KeptSlot::start(gate.clone(), slot, LIMITS, every);
        (gate, slot, kept)
    }

    #[tokio::test]
    async fn whoever_keeps_a_slot_hears_that_it_is_lost() {
        let (gate, slot, kept) = kept(Duration::from_millis(1)).await;
        gate.finish(slot).await.unwrap();
        kept.lost().await;
        kept.give_back().await;
    }

    #[tokio::test]
    async fn a_slot_that_was_lost_and_is_given_back_takes_nobody_elses() {
        let (gate, slot, kept) = kept(Duration::from_millis(1)).await;
        gate.finish(slot).await.unwrap();
        kept.lost().await;
        let others = slot_of(&gate, slot.connection).await;
        assert!(others.is_some());
        kept.give_back().await;
        assert_eq!(
            slot_of(&gate, slot.connection).await,
            None,
            "the other one is in flight"
        );
    }

    #[tokio::test]
    async fn a_slot_is_free_when_it_is_given_back_and_when_its_request_is_dropped() {
        let (gate, slot, kept_one) = kept(Duration::from_hours(1)).await;
        assert_eq!(slot_of(&gate, slot.connection).await, None);
        kept_one.give_back().await;
        assert!(slot_of(&gate, slot.connection).await.is_some());

        let (gate, slot, dropped) = kept(Duration::from_hours(1)).await;
        drop(dropped);
        while slot_of(&gate, slot.connection).await.is_none() {
            tokio::task::yield_now().await;
        }
    }
}
