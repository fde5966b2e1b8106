//! The locks of a fleet.

use std::sync::LazyLock;
use std::time::Duration;

use ::redis::Script;
use async_trait::async_trait;
use ledgerfleet_model::{Epoch, SegmentId};
use uuid::Uuid;

use super::{Lock, LockKey, Locks, Taken};
use crate::Unreachable;
use crate::redis::keys::Keys;
use crate::redis::link::Link;
use crate::redis::reply::unreachable;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/take-1.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/renew-1.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/release-1.lua")));

/// Locks in Redis.
#[derive(Clone)]
pub struct RedisLocks {
    commands: Link,
    keys: Keys,
}

impl std::fmt::Debug for RedisLocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisLocks")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl RedisLocks {
    pub(crate) fn new(commands: Link, keys: Keys) -> Self {
        Self { commands, keys }
    }
}

#[async_trait]
impl Locks for RedisLocks {
    async fn take(
        &self,
        key: &LockKey,
        segment: SegmentId,
        epoch: Epoch,
        ttl: Duration,
    ) -> Result<Taken, Unreachable> {
        let lock = Lock {
            key: key.clone(),
            segment,
            epoch,
            nonce: Uuid::now_v7(),
        };
        let taken: bool = TAKE
            .key(self.keys.lock(key))
            .arg(millis(ttl))
            .arg(segment.to_string())
            .arg(epoch.0)
            .arg(lock.nonce.to_string())
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(if taken { Taken::Taken(lock) } else { Taken::Busy })
    }

    async fn renew(&self, lock: &Lock, ttl: Duration) -> Result<bool, Unreachable> {
        RENEW
            .key(self.keys.lock(&lock.key))
            .arg(millis(ttl))
            .arg(value(lock))
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)
    }

    async fn release(&self, lock: &Lock) -> Result<(), Unreachable> {
        let _: bool = RELEASE
            .key(self.keys.lock(&lock.key))
            .arg(value(lock))
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(())
    }
}

/// What the take script wrote.
fn value(lock: &Lock) -> String {
    format!("{} {} {}", lock.segment, lock.epoch, lock.nonce)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
