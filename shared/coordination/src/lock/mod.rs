//! Locks: one per (connection, entity, window), so that the same metered page is not bought twice at once.
//!
//! A lock saves money; it protects nothing. Correctness is the epoch's, which the ledger checks in the transaction
//! that writes.

mod memory;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{ConnectionId, Epoch, SegmentId, Window};
use uuid::Uuid;

use crate::Unreachable;
pub use memory::MemoryLocks;
pub use redis::RedisLocks;

/// What is locked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LockKey {
    /// The company.
    pub connection: ConnectionId,
    /// The entity's product name.
    pub entity: String,
    /// The part of it.
    pub window: Window,
}

/// A lock in the caller's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// What is locked.
    pub key: LockKey,
    /// For which segment.
    pub segment: SegmentId,
    /// Under which fence.
    pub epoch: Epoch,
    /// A random number of this taking: only who has it may renew or release.
    pub nonce: Uuid,
}

/// What came of trying to take a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is the caller's.
    Taken(Lock),
    /// Another attempt holds it.
    Busy,
}

/// The locks of a fleet.
#[async_trait]
pub trait Locks: Send + Sync + std::fmt::Debug {
    /// Takes a lock if it is free, or if it is held by the same segment under a lower epoch: the successor of a
    /// dead worker does not wait for a time to live.
    async fn take(
        &self,
        key: &LockKey,
        segment: SegmentId,
        epoch: Epoch,
        ttl: Duration,
    ) -> Result<Taken, Unreachable>;

    /// Keeps a lock for another time to live. False if it is lost.
    async fn renew(&self, lock: &Lock, ttl: Duration) -> Result<bool, Unreachable>;

    /// Gives a lock back. Giving back one that is lost does nothing.
    async fn release(&self, lock: &Lock) -> Result<(), Unreachable>;
}
