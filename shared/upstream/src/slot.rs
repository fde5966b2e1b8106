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
