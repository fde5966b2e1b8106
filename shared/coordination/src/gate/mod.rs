//! Gate: how fast and how many at once the whole fleet may ask one company's upstream.
//!
//! Every request takes three steps. `reserve` books an instant, first come first served: grants are evenly spaced
//! (GCRA with burst 1), so no window of any length sees more than its share, and the answer says exactly how long
//! to wait. `start`, at that instant, takes one of the slots, unless the gate has closed since or no slot is free;
//! then the caller reserves anew. `finish` frees the slot. A slot is a lease: who cannot renew it must abort its
//! request before the lease ends, and who died frees it by dying. [`Passage`] takes the first two for a caller, and gives
//! up a grant that has become too old to be used.
//!
//! A closing also makes the gate slower: to seven tenths of its pace, down to one request a second. Once it has been
//! calm for a while it gets faster again, little by little. So a company that allows less than we think is not run
//! into the same wall at every opening.
//!
//! Why burst 1: a bucket that allows ten at once admits eighteen in a second at its seam. Evenly spaced grants keep
//! both a per-second and a per-minute limit even when the network delays some requests more than others.

mod distance;
mod memory;
mod passage;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;
use uuid::Uuid;

use crate::Unreachable;
pub use distance::Distance;
pub use memory::MemoryGate;
pub use passage::{NoPassage, Passage};
pub use redis::RedisGate;

/// The limits of one connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateLimits {
    /// Grants per second, evenly spaced; at least 0.001.
    pub requests_per_second: f64,
    /// Requests in flight.
    pub slots: u32,
    /// A slot that is not renewed for this long is free again.
    pub slot_ttl: Duration,
    /// A gate whose memory was lost stays closed for this long, after which nothing that was granted before can be in
    /// flight: longer than [`GateLimits::slot_ttl`], because who cannot renew a slot aborts its request before that ends.
    pub quarantine: Duration,
    /// A gate that was closed keeps its lower pace for this long, and regains a quarter of the full one in each
    /// such time after it.
    pub calm: Duration,
}

/// For how long a gate closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The upstream has said so. More than an hour is taken as an hour, after which it is asked again.
    Told(Duration),
    /// The upstream has not said: this long for a gate at full pace, about twice as long for each closing that it
    /// has not recovered from, and never longer than a minute.
    Guessed(Duration),
}

/// What a closing leaves of a gate's pace.
const SLOWED_TO: f64 = 0.7;

/// A gate is never slowed beyond this time between two grants.
const SLOWEST: Duration = Duration::from_secs(1);

/// The longest closing that nobody has asked for.
const LONGEST_GUESS: Duration = Duration::from_mins(1);

/// The longest closing of all. The scripts know it too.
const LONGEST_CLOSING: Duration = Duration::from_hours(1);

/// The lowest rate that a gate can have: anything below it, or no number at all, is this one.
const LOWEST_RATE: f64 = 0.001;

impl GateLimits {
    /// The time between two grants.
    pub fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.requests_per_second.max(LOWEST_RATE))
    }
}

/// What came of trying to book an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// The instant this far from now is the caller's.
    Booked(Duration),
    /// The next free instant is this far from now, which is more than the caller has patience for. Nothing is
    /// booked.
    TooLong(Duration),
}

/// A request in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The connection whose gate it belongs to.
    pub connection: ConnectionId,
    /// Which of its slots.
    pub id: Uuid,
}

/// What came of trying to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Send the request now; the slot is taken.
    Go(Slot),
    /// Every slot is taken: reserve anew.
    NoSlot,
    /// The gate is closed, for this long: wait, then reserve anew.
    Closed(Duration),
}

/// Rate and slots of every connection.
#[async_trait]
pub trait Gate: Send + Sync + std::fmt::Debug {
    /// Books the next instant of a connection, if it is no further away than `patience`.
    async fn reserve(
        &self,
        connection: ConnectionId,
        limits: &GateLimits,
        patience: Duration,
    ) -> Result<Reservation, Unreachable>;

    /// Takes a slot at the booked instant.
    async fn start(&self, connection: ConnectionId, limits: &GateLimits) -> Result<Start, Unreachable>;

    /// Keeps a slot for another time to live. False if it is lost: its request must end.
    async fn renew(&self, slot: Slot, limits: &GateLimits) -> Result<bool, Unreachable>;

    /// Frees a slot. Freeing one that is gone does nothing.
    async fn finish(&self, slot: Slot) -> Result<(), Unreachable>;

    /// Closes a connection's gate for everyone: nothing starts while it is closed, and what is booked within that
    /// time is booked anew. A shorter closing never shortens a longer one. A gate that was open also becomes slower;
    /// one that was closed does not, because several requests in flight are throttled for one cause.
    async fn close(
        &self,
        connection: ConnectionId,
        limits: &GateLimits,
        closing: Closing,
    ) -> Result<(), Unreachable>;

    /// Whether the gates' memory is new: nothing has been granted on it, or what was is forgotten.
    async fn is_new(&self) -> Result<bool, Unreachable>;

    /// Opens gates that are in quarantine only because their memory is new, so that a first run does not wait. For
    /// who knows that nothing is in flight; answers whether that was so.
    async fn open_unused(&self) -> Result<bool, Unreachable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_none_is_the_lowest() {
        let limits = |requests_per_second| GateLimits {
            requests_per_second,
            slots: 1,
            slot_ttl: Duration::from_secs(1),
            quarantine: Duration::from_secs(1),
            calm: Duration::from_secs(1),
        };
        for rate in [1e-300, 0.0, -1.0, f64::NAN] {
            assert_eq!(limits(rate).interval(), Duration::from_secs(1_000), "{rate}");
        }
        assert_eq!(limits(8.0).interval(), Duration::from_millis(125));
    }
}
