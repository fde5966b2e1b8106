//! The gate of one process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    Closing, Gate, GateLimits, LONGEST_CLOSING, LONGEST_GUESS, Reservation, SLOWED_TO, SLOWEST, Slot, Start,
};
use crate::Unreachable;

/// Rate and slots in memory.
#[derive(Debug, Default)]
pub struct MemoryGate {
    gates: Mutex<HashMap<ConnectionId, ConnectionGate>>,
}

#[derive(Debug)]
struct ConnectionGate {
    /// The first instant that is not booked (GCRA's theoretical arrival time).
    next_free: Instant,
    closed_until: Instant,
    /// How many times longer than allowed the time between two grants was at the last closing.
    slowness: f64,
    slowed_at: Instant,
    /// Each slot with the end of its lease.
    slots: HashMap<Uuid, Instant>,
}

impl ConnectionGate {
    fn new(now: Instant) -> Self {
        Self {
            next_free: now,
            closed_until: now,
            slowness: 1.0,
            slowed_at: now,
            slots: HashMap::new(),
        }
    }

    /// How many times longer than allowed the time between two grants is now.
    fn slowness(&self, limits: &GateLimits, now: Instant) -> f64 {
        let calm = now.duration_since(self.slowed_at).saturating_sub(limits.calm);
        let regained = 0.25 * calm.div_duration_f64(limits.calm);
        (1.0 / (1.0 / self.slowness + regained)).max(1.0)
    }

    fn slow_down(&mut self, limits: &GateLimits, now: Instant) {
        let slowest = SLOWEST.div_duration_f64(limits.interval()).max(1.0);
        self.slowness = (self.slowness(limits, now) / SLOWED_TO).min(slowest);
        self.slowed_at = now;
    }

    fn drop_expired(&mut self, now: Instant) {
        self.slots.retain(|_, lease_end| *lease_end > now);
    }
}

impl MemoryGate {
    fn gates(&self) -> MutexGuard<'_, HashMap<ConnectionId, ConnectionGate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Gate for MemoryGate {
    async fn reserve(
        &self,
        connection: ConnectionId,
        limits: &GateLimits,
        patience: Duration,
    ) -> Result<Reservation, Unreachable> {
        let now = Instant::now();
        let mut gates = self.gates();
        let gate = gates
            .entry(connection)
            .or_insert_with(|| ConnectionGate::new(now));
        let booked = gate.next_free.max(gate.closed_until).max(now);
        let wait = booked - now;
        if wait > patience {
            return Ok(Reservation::TooLong(wait));
        }
        gate.next_free = booked + limits.interval().mul_f64(gate.slowness(limits, now));
        Ok(Reservation::Booked(wait))
    }

    async fn start(&self, connection: ConnectionId, limits: &GateLimits) -> Result<Start, Unreachable> {
        let now = Instant::now();
        let mut gates = self.gates();
        let gate = gates
            .entry(connection)
            .or_insert_with(|| ConnectionGate::new(now));
        if gate.closed_until > now {
            return Ok(Start::Closed(gate.closed_until - now));
        }
        gate.drop_expired(now);
        if gate.slots.len() >= limits.slots as usize {
            return Ok(Start::NoSlot);
        }
        let slot = Slot {
            connection,
            id: Uuid::now_v7(),
        };
        gate.slots.insert(slot.id, now + limits.slot_ttl);
        Ok(Start::Go(slot))
    }

    async fn renew(&self, slot: Slot, limits: &GateLimits) -> Result<bool, Unreachable> {
        let now = Instant::now();
        let mut gates = self.gates();
        let Some(gate) = gates.get_mut(&slot.connection) else {
            return Ok(false);
        };
        gate.drop_expired(now);
        let Some(lease_end) = gate.slots.get_mut(&slot.id) else {
            return Ok(false);
        };
        *lease_end = now + limits.slot_ttl;
        Ok(true)
    }

    async fn finish(&self, slot: Slot) -> Result<(), Unreachable> {
        if let Some(gate) = self.gates().get_mut(&slot.connection) {
            gate.slots.remove(&slot.id);
        }
        Ok(())
    }

    async fn close(
        &self,
        connection: ConnectionId,
        limits: &GateLimits,
        closing: Closing,
    ) -> Result<(), Unreachable> {
        let now = Instant::now();
        let mut gates = self.gates();
        let gate = gates
            .entry(connection)
            .or_insert_with(|| ConnectionGate::new(now));
        let duration = match closing {
            Closing::Told(duration) => duration.min(LONGEST_CLOSING),
            Closing::Guessed(first) => first
                .mul_f64(gate.slowness(limits, now).powi(2))
                .min(LONGEST_GUESS),
        };
        if gate.closed_until <= now {
            gate.slow_down(limits, now);
        }
        gate.closed_until = gate.closed_until.max(now + duration);
        // What is booked before the opening will be refused by `start` and booked again; what is booked after it
        // still holds, so bookings go on behind the later of the two.
        gate.next_free = gate.next_free.max(gate.closed_until);
        Ok(())
    }

    /// The memory of a process dies with its requests, so there is never a quarantine.
    async fn is_new(&self) -> Result<bool, Unreachable> {
        Ok(false)
    }

    async fn open_unused(&self) -> Result<bool, Unreachable> {
        Ok(false)
    }
}
