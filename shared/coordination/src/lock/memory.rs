//! The locks of one process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{Epoch, SegmentId};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Lock, LockKey, Locks, Taken};
use crate::Unreachable;

/// Locks in memory.
#[derive(Debug, Default)]
pub struct MemoryLocks {
    held: Mutex<HashMap<LockKey, (Lock, Instant)>>,
}

impl MemoryLocks {
    fn held(&self) -> MutexGuard<'_, HashMap<LockKey, (Lock, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Locks for MemoryLocks {
    async fn take(
        &self,
        key: &LockKey,
        segment: SegmentId,
        epoch: Epoch,
        ttl: Duration,
    ) -> Result<Taken, Unreachable> {
        let now = Instant::now();
        let mut held = self.held();
        if let Some((holder, until)) = held.get(key) {
            let is_successor = holder.segment == segment && holder.epoch < epoch;
            if *until > now && !is_successor {
                return Ok(Taken::Busy);
            }
        }
        let lock = Lock {
            key: key.clone(),
            segment,
            epoch,
            nonce: Uuid::now_v7(),
        };
        held.insert(key.clone(), (lock.clone(), now + ttl));
        Ok(Taken::Taken(lock))
    }

    async fn renew(&self, lock: &Lock, ttl: Duration) -> Result<bool, Unreachable> {
        let now = Instant::now();
        let mut held = self.held();
        match held.get_mut(&lock.key) {
            Some((holder, until)) if holder.nonce == lock.nonce && *until > now => {
                *until = now + ttl;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn release(&self, lock: &Lock) -> Result<(), Unreachable> {
        let mut held = self.held();
        if held
            .get(&lock.key)
            .is_some_and(|(holder, _)| holder.nonce == lock.nonce)
        {
            held.remove(&lock.key);
        }
        Ok(())
    }
}
