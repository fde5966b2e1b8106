//! Timings: every duration that the parts of a fleet must agree on, with one scale for tests.

use std::time::Duration;

/// How long things may take. [`Timings::scaled`] shortens all of them together, so that their proportions,
/// which the safety of leases and locks rests on, stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// A claim is the claimer's for this long after its last heartbeat or page. 20 s.
    pub lease: Duration,
    /// How often a worker renews its leases. 5 s.
    pub heartbeat: Duration,
    /// How often the leader looks for leases that are over. 5 s.
    pub rescue: Duration,
    /// How often the leader reads what is due, if nothing rings before. 500 ms.
    pub tick: Duration,
    /// A lock or a gate slot is lost this long after its last renewal. 20 s.
    pub lock_ttl: Duration,
    /// How often locks and slots are renewed. 5 s.
    pub lock_renewal: Duration,
    /// Time to connect to an upstream. 5 s.
    pub connect: Duration,
    /// Time from a request to the first byte of its answer. 120 s, which is QuickBooks' own limit.
    pub first_byte: Duration,
    /// Time without a byte from an upstream that has begun to answer. 20 s.
    pub idle: Duration,
    /// Time for one whole request, body included. 150 s.
    pub request: Duration,
    /// The first retry waits at random up to this. 10 s.
    pub backoff_base: Duration,
    /// No retry waits longer than this. 15 min.
    pub backoff_cap: Duration,
    /// A segment that has waited this long in all (quota, locks, outages) is dead. 24 h.
    pub waiting_cap: Duration,
    /// An attempt that commits no page for this long, and does not wait for the gate, is stopped. 10 min.
    pub progress: Duration,
    /// A process that is told to stop has ended after this long: what it could not finish is handed back. 25 s.
    pub drain: Duration,
    /// A window that ends later than this before now is fetched, but its coverage stays open. 5 min.
    pub upper_margin: Duration,
    /// A gate that was closed by throttling keeps its lower pace for this long before it gets faster again. 5 min.
    pub calm: Duration,
    /// A gate's grant older than this is given up and asked for anew. 100 ms; never scaled, because networks
    /// do not get faster in tests.
    pub grant_staleness: Duration,
}

/// How often companies are kept in sync. Intervals are those of the upstreams' days and calls, and are never scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPace {
    /// What has changed, of entities whose changes are told. 5 min; zero is never.
    pub every: Duration,
    /// All other entities. 1 h.
    pub lists_every: Duration,
    /// Whether the source has as many records as are stored. 7 days; zero is never.
    pub recount_every: Duration,
    /// Documents of the recent past, whatever their times of change say. 7 days; zero is never.
    pub reread_every: Duration,
    /// How many days that is. 35.
    pub reread_days: u32,
}

impl Default for SyncPace {
    fn default() -> Self {
        Self {
            every: Duration::from_mins(5),
            lists_every: Duration::from_hours(1),
            recount_every: Duration::from_hours(7 * 24),
            reread_every: Duration::from_hours(7 * 24),
            reread_days: 35,
        }
    }
}

impl Default for Timings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            lease: seconds(20),
            heartbeat: seconds(5),
            rescue: seconds(5),
            tick: Duration::from_millis(500),
            lock_ttl: seconds(20),
            lock_renewal: seconds(5),
            connect: seconds(5),
            first_byte: seconds(120),
            idle: seconds(20),
            request: seconds(150),
            backoff_base: seconds(10),
            backoff_cap: seconds(15 * 60),
            waiting_cap: seconds(24 * 60 * 60),
            progress: seconds(10 * 60),
            drain: seconds(25),
            upper_margin: seconds(5 * 60),
            calm: seconds(5 * 60),
            grant_staleness: Duration::from_millis(100),
        }
    }
}

impl Timings {
    /// A leader that is not heard of for this long is replaced: three tenths of a lease, 6 s.
    pub fn leadership(&self) -> Duration {
        self.lease * 3 / 10
    }

    /// Who stops finishes pages in progress for this long, and hands back the rest in what is left: seven tenths of the
    /// drain, 17.5 s.
    pub fn finishing(&self) -> Duration {
        self.drain * 7 / 10
    }

    /// After this long a process that stops ends whatever does not answer: nine tenths of the drain, 22.5 s. The rest is
    /// for closing what it has opened.
    pub fn end(&self) -> Duration {
        self.drain * 9 / 10
    }

    /// A leader that has not dispatched for this long leaves the duties to another: half a lease, 10 s. At least 5 s,
    /// because networks do not get faster in tests.
    pub fn dispatch_patience(&self) -> Duration {
        (self.lease / 2).max(Duration::from_secs(5))
    }

    /// A worker waits this long for the ledger to say what it may have: a lease, 20 s, after which what it claims would be
    /// another's again. At least 5 s, because networks do not get faster in tests.
    pub fn claim_patience(&self) -> Duration {
        self.lease.max(Duration::from_secs(5))
    }

    /// Time for one exchange of a credential, which no upstream needs long for: two idle times, 40 s, of which the first
    /// byte may take one.
    pub fn exchange(&self) -> Duration {
        self.idle * 2
    }

    /// Who intends to exchange a credential has this long: two exchanges, because one whose answer is lost is sent once
    /// more, and half of one to store what they brought. 100 s.
    pub fn refresh_intent(&self) -> Duration {
        self.exchange() * 5 / 2
    }

    /// A gate whose memory was lost stays closed for this long: as long as a slot that nobody can renew any more, because
    /// by then its holder has given up its request, and one renewal more for what is on its way. 25 s.
    pub fn forgotten_gate(&self) -> Duration {
        self.lock_ttl + self.lock_renewal
    }

    /// An attempt that would wait longer than this for the gate gives its place to another: half a lock's time to
    /// live, 10 s.
    pub fn gate_patience(&self) -> Duration {
        self.lock_ttl / 2
    }

    /// All timings multiplied by `scale` (0.05 makes a lease last one second).
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        let shorten = |duration: Duration| duration.mul_f64(scale);
        Self {
            lease: shorten(self.lease),
            heartbeat: shorten(self.heartbeat),
            rescue: shorten(self.rescue),
            tick: shorten(self.tick),
            lock_ttl: shorten(self.lock_ttl),
            lock_renewal: shorten(self.lock_renewal),
            connect: shorten(self.connect),
            first_byte: shorten(self.first_byte),
            idle: shorten(self.idle),
            request: shorten(self.request),
            backoff_base: shorten(self.backoff_base),
            backoff_cap: shorten(self.backoff_cap),
            waiting_cap: shorten(self.waiting_cap),
            progress: shorten(self.progress),
            drain: shorten(self.drain),
            upper_margin: self.upper_margin,
            calm: shorten(self.calm),
            grant_staleness: self.grant_staleness,
        }
    }
}
