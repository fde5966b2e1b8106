//! Known: the lessons as this process knows them, read from the ledger once, and again before a request is paid for that
//! another process may have made.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ledgerfleet_ledger::{Fact, Ledger, LedgerError};
use ledgerfleet_model::ConnectionId;
use tracing::{debug, warn};

use crate::lessons::Lessons;

type Key = (ConnectionId, &'static str);

/// What is known of each entity of each company.
#[derive(Debug, Default)]
pub struct KnownLessons {
    known: Mutex<HashMap<Key, Lessons>>,
    /// Refusals that were met once: an upstream in trouble refuses much, for a moment.
    suspected: Mutex<HashSet<(Key, Fact)>>,
}

/// What whoever reads one entity of one company knows of it, and learns.
#[derive(Debug)]
pub struct Learner<'a> {
    known: &'a KnownLessons,
    ledger: &'a dyn Ledger,
    key: Key,
    lessons: Lessons,
}

impl KnownLessons {
    /// For one entity of one company; reads from the ledger what is not known here.
    pub async fn learner<'a>(
        &'a self,
        ledger: &'a dyn Ledger,
        connection: ConnectionId,
        entity: &'static str,
    ) -> Result<Learner<'a>, LedgerError> {
        let key = (connection, entity);
        let known = self.known().get(&key).copied();
        let mut learner = Learner {
            known: self,
            ledger,
            key,
            lessons: known.unwrap_or_default(),
        };
        if known.is_none() {
            learner.refresh().await?;
        }
        Ok(learner)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Lessons>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn suspected(&self) -> MutexGuard<'_, HashSet<(Key, Fact)>> {
        self.suspected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learner<'_> {
    /// What is known.
    pub fn lessons(&self) -> Lessons {
        self.lessons
    }

    /// Reads what the ledger knows by now.
    pub async fn refresh(&mut self) -> Result<(), LedgerError> {
        let (connection, entity) = self.key;
        self.lessons = Lessons::of(self.ledger.learned(connection, entity).await?);
        self.known.known().insert(self.key, self.lessons);
        Ok(())
    }

    /// Heeds a refusal from now on, and keeps it for everybody once it was met twice.
    pub async fn heed(&mut self, refusal: Fact) {
        let is_new = self.known.suspected().insert((self.key, refusal));
        if is_new {
            self.lessons = self.lessons.with(refusal, 1);
        } else {
            self.learn(refusal, 1).await;
        }
    }

    /// Keeps a fact about the upstream for everybody. What cannot be kept is learned again.
    pub async fn learn(&mut self, fact: Fact, value: u64) {
        self.lessons = self.lessons.with(fact, value);
        let known = self.known.known().get(&self.key).copied().unwrap_or_default();
        let more = known.with(fact, value);
        if more == known {
            return;
        }
        self.known.known().insert(self.key, more);
        let (connection, entity) = self.key;
        match self.ledger.learn(connection, entity, fact, value).await {
            Ok(true) if fact != Fact::LargestPage => warn!(
                %connection, entity, %fact,
                "the upstream refuses what it is documented to take; it is read without from now on"
            ),
            Ok(_) => {}
            Err(error) => debug!(error = &error as &dyn std::error::Error, "a lesson was not kept"),
        }
    }
}
