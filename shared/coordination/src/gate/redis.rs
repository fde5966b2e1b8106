//! The gate of a fleet. The scripts read the server's clock, so that no worker's clock matters.

use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{AsyncCommands, Script};
use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;
use uuid::Uuid;

use super::{
    Closing, Gate, GateLimits, LONGEST_CLOSING, LONGEST_GUESS, Reservation, SLOWED_TO, SLOWEST, Slot, Start,
};
use crate::Unreachable;
use crate::redis::keys::Keys;
use crate::redis::link::Link;
use crate::redis::reply::{micros, unreachable};

static RESERVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("lua/now.lua"),
        include_str!("lua/closed.lua"),
        include_str!("lua/slowness.lua"),
        include_str!("lua/reserve-2.lua")
    ))
});
static START: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("lua/now.lua"),
        include_str!("lua/closed.lua"),
        include_str!("lua/start-3.lua")
    ))
});
static CLOSE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("lua/now.lua"),
        include_str!("lua/closed.lua"),
        include_str!("lua/slowness.lua"),
        include_str!("lua/close-2.lua")
    ))
});
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/renew-1.lua")));
static IS_NEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/is_new-1.lua")));
static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/open-1.lua")));

/// Rate and slots in Redis.
#[derive(Clone)]
pub struct RedisGate {
    commands: Link,
    keys: Keys,
}

impl std::fmt::Debug for RedisGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisGate")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl RedisGate {
    pub(crate) fn new(commands: Link, keys: Keys) -> Self {
        Self { commands, keys }
    }
}

#[async_trait]
impl Gate for RedisGate {
    async fn reserve(
        &self,
        connection: ConnectionId,
        limits: &GateLimits,
        patience: Duration,
    ) -> Result<Reservation, Unreachable> {
        let (booked, wait): (u8, u64) = RESERVE
            .key(self.keys.sentinel())
            .key(self.keys.gate(connection))
            .arg(micros(limits.quarantine))
            .arg(micros(limits.interval()))
            .arg(micros(patience))
            .arg(micros(limits.calm))
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        let wait = Duration::from_micros(wait);
        Ok(if booked == 1 {
            Reservation::Booked(wait)
        } else {
            Reservation::TooLong(wait)
        })
    }

    async fn start(&self, connection: ConnectionId, limits: &GateLimits) -> Result<Start, Unreachable> {
        let slot = Slot {
            connection,
            id: Uuid::now_v7(),
        };
        let (refused, wait): (u8, u64) = START
            .key(self.keys.sentinel())
            .key(self.keys.gate(connection))
            .key(self.keys.slots(connection))
            .arg(micros(limits.quarantine))
            .arg(limits.slots)
            .arg(micros(limits.slot_ttl))
            .arg(slot.id.to_string())
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(match refused {
            0 => Start::Go(slot),
            1 => Start::NoSlot,
            _ => Start::Closed(Duration::from_micros(wait)),
        })
    }

    async fn renew(&self, slot: Slot, limits: &GateLimits) -> Result<bool, Unreachable> {
        RENEW
            .key(self.keys.slots(slot.connection))
            .arg(micros(limits.slot_ttl))
            .arg(slot.id.to_string())
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)
    }

    async fn finish(&self, slot: Slot) -> Result<(), Unreachable> {
        let slots = self.keys.slots(slot.connection);
        self.commands
            .clone()
            .zrem(slots, slot.id.to_string())
            .await
            .map_err(unreachable)
    }

    async fn close(
        &self,
        connection: ConnectionId,
        limits: &GateLimits,
        closing: Closing,
    ) -> Result<(), Unreachable> {
        let (told, guessed) = match closing {
            Closing::Told(duration) => (duration.min(LONGEST_CLOSING), Duration::ZERO),
            Closing::Guessed(first) => (Duration::ZERO, first),
        };
        let _: u64 = CLOSE
            .key(self.keys.sentinel())
            .key(self.keys.gate(connection))
            .arg(micros(limits.quarantine))
            .arg(micros(told))
            .arg(micros(guessed))
            .arg(micros(limits.calm))
            .arg(micros(LONGEST_GUESS))
            .arg(SLOWED_TO)
            .arg(SLOWEST.div_duration_f64(limits.interval()).max(1.0))
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(())
    }

    async fn is_new(&self) -> Result<bool, Unreachable> {
        IS_NEW
            .key(self.keys.sentinel())
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)
    }

    async fn open_unused(&self) -> Result<bool, Unreachable> {
        OPEN.key(self.keys.sentinel())
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)
    }
}
