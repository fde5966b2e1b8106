//! Keeper: renews an attempt's lock and slot from a task of its own, so that a slow page loses neither.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledgerfleet_coordination::{Gate, GateLimits, Lock, Locks, Slot, Unreachable, keep_renewing};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// What an attempt holds outside the ledger. Dropping it stops the renewal.
#[derive(Debug)]
pub(crate) struct Keeper {
    kept: Arc<Kept>,
    renewal: JoinHandle<()>,
}

#[derive(Debug)]
struct Kept {
    locks: Arc<dyn Locks>,
    gate: Arc<dyn Gate>,
    lock: Lock,
    limits: GateLimits,
    ttl: Duration,
    every: Duration,
    slot: Mutex<Option<Slot>>,
    lost: CancellationToken,
}

impl Keeper {
    /// Starts renewing `lock`, and whatever slot is put beside it, every `every`.
    pub(crate) fn start(
        locks: Arc<dyn Locks>,
        gate: Arc<dyn Gate>,
        lock: Lock,
        limits: GateLimits,
        every: Duration,
    ) -> Self {
        let kept = Arc::new(Kept {
            locks,
            gate,
            lock,
            limits,
            ttl: limits.slot_ttl,
            every,
            slot: Mutex::new(None),
            lost: CancellationToken::new(),
        });
        let renewal = tokio::spawn(keep(kept.clone()));
        Self { kept, renewal }
    }

    /// Ends when the lock or the slot is lost, or can no longer be known to be held.
    pub(crate) async fn lost(&self) {
        self.kept.lost.cancelled().await;
    }

    /// Renews `slot` too, until it is taken back.
    pub(crate) fn put_slot(&self, slot: Slot) {
        *self.kept.slot() = Some(slot);
    }

    /// Takes the slot back.
    pub(crate) fn take_slot(&self) -> Option<Slot> {
        self.kept.slot().take()
    }

    /// Ends the renewal and gives back what is held. What cannot be given back ends by itself.
    pub(crate) async fn finish(self) {
        self.renewal.abort();
        if let Some(slot) = self.take_slot() {
            note(self.kept.gate.finish(slot).await);
        }
        note(self.kept.locks.release(&self.kept.lock).await);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Kept {
    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep(kept: Arc<Kept>) {
    keep_renewing(kept.ttl, kept.every, || renew(&kept)).await;
    kept.lost.cancel();
}

async fn renew(kept: &Kept) -> Result<bool, Unreachable> {
    let renewed = renew_both(kept).await;
    if let Err(error) = &renewed {
        debug!(
            error = error as &dyn std::error::Error,
            "lock and slot could not be renewed"
        );
    }
    renewed
}

async fn renew_both(kept: &Kept) -> Result<bool, Unreachable> {
    let slot = *kept.slot();
    let lock_kept = kept.locks.renew(&kept.lock, kept.ttl).await?;
    let slot_kept = match slot {
        // A slot that was given back while we asked is not lost.
        Some(slot) => kept.gate.renew(slot, &kept.limits).await? || *kept.slot() != Some(slot),
        None => true,
    };
    Ok(lock_kept && slot_kept)
}

fn note(result: Result<(), Unreachable>) {
    if let Err(error) = result {
        debug!(
            error = &error as &dyn std::error::Error,
            "not given back; it ends by itself"
        );
    }
}
