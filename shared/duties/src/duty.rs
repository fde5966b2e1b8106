//! Duty: something that whoever leads does again and again.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_access::Access;
use ledgerfleet_connectors::Connectors;
use ledgerfleet_coordination::{Bell, Gate};
use ledgerfleet_ledger::{Budget, Leadership, Ledger};
use ledgerfleet_model::{Clock, SyncPace, Timings};

use crate::error::DutyError;
use crate::leading::Leading;

/// What the duties need.
#[derive(Debug, Clone)]
pub struct Context {
    /// Which process leads; none where there is only one.
    pub leadership: Option<Leadership>,
    /// Told whether this process does.
    pub leading: Leading,
    /// The truth.
    pub ledger: Arc<dyn Ledger>,
    /// What is ready now.
    pub bell: Arc<dyn Bell>,
    /// Rate and slots.
    pub gate: Arc<dyn Gate>,
    /// Access to companies.
    pub access: Arc<Access>,
    /// Gate slots of a connection, by connector name.
    pub slots: HashMap<String, u32>,
    /// The time of day, which goes on while the machine sleeps.
    pub clock: Arc<dyn Clock>,
    /// How often each duty is done.
    pub timings: Timings,
    /// How many calls there are this month.
    pub budget: Arc<Budget>,
    /// How the upstreams are asked.
    pub connectors: Arc<Connectors>,
    /// How often companies are kept in sync; none where nobody has asked this process for that.
    pub sync: Option<SyncPace>,
}

/// When a duty is done. The duties of a round follow each other in the order of the list; where they rest on each other,
/// one that fails ends its round. It is tried again at the next turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// At every tick, and whenever the bell rings.
    Dispatch,
    /// Every rescue interval, once workers had the time to renew their leases.
    Rescue,
    /// The same as [`Round::Second`], by itself: whoever waits for a change does not wait for other companies' syncs.
    Hints,
    /// The same as [`Round::Second`], by itself: what a trigger submits can take long, and nobody's sync waits for that.
    Triggers,
    /// At once, and then every second.
    Second,
    /// At once, and then every minute.
    Minute,
    /// At once, and then every hour.
    Hour,
}

impl Round {
    /// Whether a duty of it does nothing good once the one before has failed.
    pub(crate) fn is_a_chain(self) -> bool {
        matches!(self, Self::Dispatch | Self::Rescue)
    }

    /// How long the ledger has to answer: one that is silent for longer is away, and undoes what was begun. A lease; for what
    /// triggers submit, which may be millions of segments in one transaction, a hundred.
    pub(crate) fn patience(self, timings: &Timings) -> Duration {
        match self {
            Self::Triggers => timings.lease * 100,
            _ => timings.lease,
        }
    }
}

/// What follows a duty that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next duty of the round.
    GoOn,
    /// Nothing more in this round: what follows has nothing to do.
    Enough,
    /// Nothing more, and the round again after a tick: there is more to do.
    Again,
}

/// The work of a duty under way.
pub(crate) type Doing<'a> = Pin<Box<dyn Future<Output = Result<Next, DutyError>> + Send + 'a>>;

/// Something that whoever leads does again and again. Done twice, or in two processes, it does no harm.
#[derive(Debug, Clone, Copy)]
pub struct Duty {
    /// Its name, in logs.
    pub name: &'static str,
    /// The rounds that it belongs to.
    pub rounds: &'static [Round],
    pub(crate) work: for<'a> fn(&'a Context) -> Doing<'a>,
}
