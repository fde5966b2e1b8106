//! Budget: how many metered calls were made this month, as far as whoever is about to make one has to know.
//!
//! The truth is the ledger's counts by the hour. Each process knows them as of a moment ago, and adds what it has asked and
//! the ledger may not have counted yet: near the limit too much is assumed for a moment, and never too little of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ledgerfleet_model::budget::{Allowance, Exhausted, Month, Purpose, Used};
use ledgerfleet_model::{Connection, ConnectionId, Environment};

use crate::{CompanyCalls, Ledger, LedgerError};

/// Where fewer calls are left before the reserve, the ledger is asked twenty times as often.
const NEAR: u64 = 1_000;

/// The allowances of the upstreams that meter calls, by connector.
pub type Allowances = HashMap<String, Allowance>;

/// How many calls were used, and may be.
#[derive(Debug)]
pub struct Budget {
    ledger: Arc<dyn Ledger>,
    allowances: Allowances,
    /// How long what the ledger said is used.
    fresh: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// What the ledger said last.
    said: Option<Said>,
    /// Calls of this process whose askers have not ended: the ledger may have counted some.
    under_way: HashMap<ConnectionId, u64>,
    /// Those that the ledger has counted since this process began, and those of askers that have ended.
    ended: HashMap<ConnectionId, u64>,
}

#[derive(Debug)]
struct Said {
    at: Instant,
    /// The ledger's time then.
    now: DateTime<Utc>,
    used: HashMap<ConnectionId, (String, u64)>,
    /// Of the calls that had ended, those that are in what it said.
    ended: HashMap<ConnectionId, u64>,
}

impl Known {
    /// Calls of a company that the ledger may not have counted when it was last asked.
    fn pending(&self, connection: ConnectionId) -> u64 {
        let of = |calls: &HashMap<ConnectionId, u64>| calls.get(&connection).copied().unwrap_or(0);
        let told = self.said.as_ref().map_or(0, |said| of(&said.ended));
        of(&self.under_way) + of(&self.ended).saturating_sub(told)
    }
}

/// The calls of one asker that the ledger has not counted. It is to live until they are, or nobody will count them.
#[derive(Debug)]
pub struct Tally {
    budget: Arc<Budget>,
    connection: Arc<Connection>,
    taken: AtomicU64,
}

impl Tally {
    /// Of who asks a company.
    pub fn new(budget: Arc<Budget>, connection: Arc<Connection>) -> Self {
        Self {
            budget,
            connection,
            taken: AtomicU64::default(),
        }
    }

    /// Takes a call, or tells when there are calls again.
    ///
    /// # Errors
    /// Nothing is known of what was used.
    pub async fn take(&self, purpose: Purpose) -> Result<Result<(), Exhausted>, LedgerError> {
        let taken = self.budget.take(&self.connection, purpose).await?;
        if taken.is_ok() {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        Ok(taken)
    }

    /// Notes that the ledger has counted so many.
    pub fn counted(&self, calls: u32) {
        let calls = u64::from(calls).min(self.taken.load(Ordering::Relaxed));
        self.taken.fetch_sub(calls, Ordering::Relaxed);
        self.budget.end(self.connection.id, calls);
    }

    /// Gives back one that was not metered.
    pub fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
        self.budget.give_back(self.connection.id);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.budget
            .end(self.connection.id, self.taken.load(Ordering::Relaxed));
    }
}

impl Budget {
    /// For these allowances; what the ledger says is used for so long.
    pub fn new(ledger: Arc<dyn Ledger>, allowances: Allowances, fresh: Duration) -> Self {
        Self {
            ledger,
            allowances,
            fresh,
            known: Mutex::default(),
        }
    }

    /// Whether any upstream meters calls.
    pub fn is_any(&self) -> bool {
        !self.allowances.is_empty()
    }

    /// What a month's calls of a connector are, where it meters them.
    pub fn allowance(&self, connector: &str) -> Option<Allowance> {
        self.allowances.get(connector).copied()
    }

    /// Lets a call to a company be made, or tells when it can be. Where the ledger does not say what was used, what it
    /// said last goes on; a call is stored by the same ledger.
    ///
    /// # Errors
    /// Nothing is known of what was used.
    pub async fn admit(
        &self,
        connection: &Connection,
        purpose: Purpose,
    ) -> Result<Result<(), Exhausted>, LedgerError> {
        let Some(allowance) = self.metered(connection).filter(|_| purpose != Purpose::Live) else {
            return Ok(Ok(()));
        };
        self.look_closely(&allowance, connection).await?;
        Ok(admitted(&self.known(), connection, &allowance))
    }

    /// The same, and counts the call as one that is under way.
    async fn take(
        &self,
        connection: &Connection,
        purpose: Purpose,
    ) -> Result<Result<(), Exhausted>, LedgerError> {
        let Some(allowance) = self.metered(connection) else {
            return Ok(Ok(()));
        };
        if purpose != Purpose::Live {
            self.look_closely(&allowance, connection).await?;
        }
        let mut known = self.known();
        if purpose != Purpose::Live
            && let Err(exhausted) = admitted(&known, connection, &allowance)
        {
            return Ok(Err(exhausted));
        }
        *known.under_way.entry(connection.id).or_default() += 1;
        Ok(Ok(()))
    }

    fn give_back(&self, connection: ConnectionId) {
        if let Some(calls) = self.known().under_way.get_mut(&connection) {
            *calls = calls.saturating_sub(1);
        }
    }

    fn end(&self, connection: ConnectionId, taken: u64) {
        let mut known = self.known();
        if let Some(calls) = known.under_way.get_mut(&connection) {
            *calls = calls.saturating_sub(taken);
            *known.ended.entry(connection).or_default() += taken;
        }
    }

    /// The companies whose work that can wait has to, and until when.
    pub async fn exhausted(
        &self,
        connections: &[Connection],
    ) -> Result<Vec<(ConnectionId, Exhausted)>, LedgerError> {
        let mut exhausted = Vec::new();
        for connection in connections {
            if let Err(why) = self.admit(connection, Purpose::Background).await? {
                exhausted.push((connection.id, why));
            }
        }
        Ok(exhausted)
    }

    /// What the companies of each connector have used in a month, by the ledger alone.
    pub async fn spent(&self, month: Month) -> Result<Vec<CompanyCalls>, LedgerError> {
        let calls = self.ledger.calls_between(month.start, month.end).await?;
        Ok(calls.into_iter().filter(counts).collect())
    }

    /// Companies for tests and trials are not metered.
    fn metered(&self, connection: &Connection) -> Option<Allowance> {
        let is_metered = connection.environment == Environment::Production;
        self.allowance(&connection.connector).filter(|_| is_metered)
    }

    /// Looks again more often where little is left: other processes ask, too.
    async fn look_closely(&self, allowance: &Allowance, connection: &Connection) -> Result<(), LedgerError> {
        self.look(self.fresh).await?;
        if allowance.left(used(&self.known(), connection).app) < NEAR {
            self.look(self.fresh / 20).await?;
        }
        Ok(())
    }

    async fn look(&self, fresh: Duration) -> Result<(), LedgerError> {
        let is_fresh = |said: &Said| said.at.elapsed() < fresh;
        if self.known().said.as_ref().is_some_and(is_fresh) {
            return Ok(());
        }
        let at = Instant::now();
        // Counted before the ledger is asked, and in what it says.
        let ended = self.known().ended.clone();
        let read = self.read().await;
        let mut known = self.known();
        let is_newest = known.said.as_ref().is_none_or(|said| said.at <= at);
        match read {
            Ok((now, used)) if is_newest => {
                known.said = Some(Said { at, now, used, ended });
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => known.said.as_ref().map(drop).ok_or(error),
        }
    }

    async fn read(&self) -> Result<(DateTime<Utc>, HashMap<ConnectionId, (String, u64)>), LedgerError> {
        let now = self.ledger.clock().await?.now;
        let mut used = HashMap::new();
        for (connector, allowance) in &self.allowances {
            let month = allowance.month_of(now);
            let calls = self.ledger.calls_between(month.start, month.end).await?;
            for company in calls.into_iter().filter(counts) {
                if company.connector == *connector {
                    used.insert(company.connection, (company.connector, company.calls));
                }
            }
        }
        Ok((now, used))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn admitted(known: &Known, connection: &Connection, allowance: &Allowance) -> Result<(), Exhausted> {
    // The ledger's time: that of the last look, and what has passed since.
    let now = known
        .said
        .as_ref()
        .map_or(DateTime::UNIX_EPOCH, |said| said.now + said.at.elapsed());
    let month = allowance.month_of(now);
    allowance.admit(used(known, connection), Purpose::Background, month)
}

fn used(known: &Known, connection: &Connection) -> Used {
    let said = known.said.iter().flat_map(|said| &said.used);
    let counted: u64 = said
        .filter(|(_, (connector, _))| *connector == connection.connector)
        .map(|(_, (_, calls))| calls)
        .sum();
    let pending: u64 = known
        .under_way
        .keys()
        .chain(
            known
                .ended
                .keys()
                .filter(|company| !known.under_way.contains_key(company)),
        )
        .map(|company| known.pending(*company))
        .sum();
    let own = known
        .said
        .as_ref()
        .and_then(|said| said.used.get(&connection.id))
        .map_or(0, |(_, calls)| *calls);
    Used {
        app: counted + pending,
        company: own + known.pending(connection.id),
    }
}

/// Companies for tests and trials are not metered.
fn counts(company: &CompanyCalls) -> bool {
    company.environment == Environment::Production
}
