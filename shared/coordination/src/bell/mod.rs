//! Bell: the segments that are ready now, and the ring that says that the ledger has changed.
//!
//! The bell holds hints. An id in it may be stale, missing or there twice; the claim in the ledger decides. The
//! leader replaces each lane's whole set at every dispatch, so that stale ids go by themselves and a lost bell is
//! rebuilt by the next tick.

mod memory;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{Lane, SegmentId};

use crate::Unreachable;
pub use memory::MemoryBell;
pub use redis::RedisBell;

/// The ready sets, one per lane, and the ring.
#[async_trait]
pub trait Bell: Send + Sync + std::fmt::Debug {
    /// Replaces a lane's set by `ready`, in this order.
    async fn replace(&self, lane: Lane, ready: &[SegmentId]) -> Result<(), Unreachable>;

    /// Takes up to `most` ids, first lane first, waiting up to `patience` for the first of them. Empty if none
    /// came in time.
    async fn pop(&self, most: usize, patience: Duration) -> Result<Vec<SegmentId>, Unreachable>;

    /// How many ids a lane holds.
    async fn ready(&self, lane: Lane) -> Result<u64, Unreachable>;

    /// Tells the leader that the ledger has changed: something was submitted, settled or handed back.
    async fn ring(&self) -> Result<(), Unreachable>;

    /// Waits for a ring, up to `patience`; rings since the last wait count. Answers whether there was one.
    async fn rung(&self, patience: Duration) -> Result<bool, Unreachable>;

    /// Tries what a worker does, a script that writes and a wait, beside everything that the bell holds.
    async fn probe(&self) -> Result<(), Unreachable>;
}
