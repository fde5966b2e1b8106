//! Keeper: renews an attempt's lock from a task of its own, so that a slow page does not lose it.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_coordination::{Lock, Locks, keep_renewing};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// The lock of a window. Dropping it stops the renewal.
#[derive(Debug)]
pub(crate) struct Keeper {
    locks: Arc<dyn Locks>,
    lock: Arc<Lock>,
    lost: CancellationToken,
    renewal: JoinHandle<()>,
}

impl Keeper {
    /// Renews `lock` every `every`, each time for `ttl`.
    pub(crate) fn start(locks: Arc<dyn Locks>, lock: Lock, ttl: Duration, every: Duration) -> Self {
        let (lock, lost) = (Arc::new(lock), CancellationToken::new());
        let renewal = tokio::spawn(keep(locks.clone(), lock.clone(), ttl, every, lost.clone()));
        Self {
            locks,
            lock,
            lost,
            renewal,
        }
    }

    /// Ends when the lock is lost, or can no longer be known to be held.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Ends the renewal and releases the lock. What cannot be released ends by itself.
    pub(crate) async fn finish(self) {
        self.renewal.abort();
        if let Err(error) = self.locks.release(&self.lock).await {
            debug!(
                error = &error as &dyn std::error::Error,
                "not given back; it ends by itself"
            );
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

async fn keep(
    locks: Arc<dyn Locks>,
    lock: Arc<Lock>,
    ttl: Duration,
    every: Duration,
    lost: CancellationToken,
) {
    let renew = || async {
        let renewed = locks.renew(&lock, ttl).await;
        if let Err(error) = &renewed {
            debug!(
                error = error as &dyn std::error::Error,
                "the lock could not be renewed"
            );
        }
        renewed
    };
    keep_renewing(ttl, every, renew).await;
    lost.cancel();
}
