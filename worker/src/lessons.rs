//! Lessons as the worker knows them: read from the ledger once, and again before a request is paid for that another
//! worker may have made.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use ledgerfleet_ledger::{Fact, Ledger, LedgerError};
use ledgerfleet_model::ConnectionId;
use ledgerfleet_upstream::Lessons;

/// What is known of each entity of each company.
#[derive(Debug, Default)]
pub(crate) struct KnownLessons {
    known: Mutex<HashMap<(ConnectionId, String), Lessons>>,
    /// Refusals that were met once: an upstream in trouble refuses much, for a moment.
    suspected: Mutex<HashSet<(ConnectionId, String, Fact)>>,
}

impl KnownLessons {
    /// What is known, read from the ledger where nothing is.
    pub(crate) async fn get(
        &self,
        ledger: &dyn Ledger,
        connection: ConnectionId,
        entity: &str,
    ) -> Result<Lessons, LedgerError> {
        let known = self.lock().get(&(connection, entity.to_owned())).copied();
        match known {
            Some(lessons) => Ok(lessons),
            None => self.read(ledger, connection, entity).await,
        }
    }

    /// What the ledger knows by now.
    pub(crate) async fn read(
        &self,
        ledger: &dyn Ledger,
        connection: ConnectionId,
        entity: &str,
    ) -> Result<Lessons, LedgerError> {
        let lessons = Lessons::of(ledger.learned(connection, entity).await?);
        self.lock().insert((connection, entity.to_owned()), lessons);
        Ok(lessons)
    }

    /// Whether a refusal was met before. It is kept in mind.
    pub(crate) fn suspect(&self, connection: ConnectionId, entity: &str, fact: Fact) -> bool {
        let mut suspected = self.suspected.lock().unwrap_or_else(PoisonError::into_inner);
        !suspected.insert((connection, entity.to_owned(), fact))
    }

    /// Keeps a fact. Answers whether the ledger did not know it.
    pub(crate) async fn learn(
        &self,
        ledger: &dyn Ledger,
        connection: ConnectionId,
        entity: &str,
        fact: Fact,
        value: u64,
    ) -> Result<bool, LedgerError> {
        {
            let mut known = self.lock();
            let lessons = known.entry((connection, entity.to_owned())).or_default();
            *lessons = lessons.with(fact, value);
        }
        ledger.learn(connection, entity, fact, value).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(ConnectionId, String), Lessons>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
