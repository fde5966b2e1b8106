#![doc = include_str!("../README.md")]

pub mod bell;
#[cfg(feature = "conformance")]
#[expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test panics when a promise is broken"
)]
pub mod conformance;
pub mod gate;
pub mod lock;
mod redis;
mod renewal;

pub use bell::{Bell, MemoryBell, RedisBell};
pub use gate::{
    Closing, Distance, Gate, GateLimits, MemoryGate, NoPassage, Passage, RedisGate, Reservation, Slot, Start,
};
pub use lock::{Lock, LockKey, Locks, MemoryLocks, RedisLocks, Taken};
pub use redis::{ClientTls, Examination, RedisParts, RedisServer, RedisTls};
pub use renewal::keep_renewing;

use ledgerfleet_model::{Failure, FailureKind};

/// The shared state cannot be reached now. Nothing is lost by it; the caller waits and tries again.
#[derive(Debug, thiserror::Error)]
#[error("bell, gate and locks cannot be reached: {0}")]
pub struct Unreachable(pub String);

impl From<Unreachable> for Failure {
    fn from(error: Unreachable) -> Self {
        Self::new(FailureKind::CoordinationUnavailable, error.to_string())
    }
}
