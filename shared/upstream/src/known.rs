//! Known: the lessons as this process knows them, read from the ledger once an hour, and again before a request is paid for
//! that another process may have made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledgerfleet_ledger::{Fact, Ledger, LedgerError};
use ledgerfleet_model::ConnectionId;
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::lessons::Lessons;

/// How long lessons are used before they are read again: what the ledger believes no more is to be found out anew.
const FRESH: Duration = Duration::from_hours(1);

/// How long a refusal that was met once is remembered.
const SUSPECTED: Duration = Duration::from_hours(1);

type Key = (ConnectionId, &'static str);

/// Lessons, and when they were read.
#[derive(Debug, Clone, Copy)]
struct Read {
    lessons: Lessons,
    at: Instant,
}

/// What is known of each entity of each company.
#[derive(Debug, Default)]
pub struct KnownLessons {
    known: Mutex<HashMap<Key, Read>>,
    /// When refusals were met once: an upstream in trouble refuses much, for a moment.
    suspected: Mutex<HashMap<(Key, Fact), Instant>>,
    /// Who is finding out how large a page of an entity may be. Finding out costs a call; what one has found spares the
    /// others theirs.
    turns: Mutex<HashMap<Key, Arc<Turns<()>>>>,
}

/// What whoever reads one entity of one company knows of it, and learns.
#[derive(Debug)]
pub struct Learner<'a> {
    known: &'a KnownLessons,
    ledger: &'a dyn Ledger,
    key: Key,
    lessons: Lessons,
    /// Held while it finds out what others wait for.
    turn: Option<OwnedMutexGuard<()>>,
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
        let mut learner = Learner {
            known: self,
            ledger,
            key,
            lessons: Lessons::default(),
            turn: None,
        };
        match self.fresh(key) {
            Some(lessons) => learner.lessons = lessons,
            None => learner.refresh().await?,
        }
        Ok(learner)
    }

    /// What is known of it, unless that is to be read again.
    fn fresh(&self, key: Key) -> Option<Lessons> {
        let known = self.known();
        let read = known.get(&key).filter(|read| read.at.elapsed() < FRESH)?;
        Some(read.lessons)
    }

    /// Takes note of a refusal; answers whether it was met not long ago.
    fn was_suspected(&self, key: Key, refusal: Fact) -> bool {
        let before = self.suspected().insert((key, refusal), Instant::now());
        before.is_some_and(|at| at.elapsed() < SUSPECTED)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Read>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turns_of(&self, key: Key) -> Arc<Turns<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(key).or_default().clone()
    }

    fn suspected(&self) -> MutexGuard<'_, HashMap<(Key, Fact), Instant>> {
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
        let read = Read {
            lessons: Lessons::of(self.ledger.learned(connection, entity).await?),
            at: Instant::now(),
        };
        self.lessons = read.lessons;
        self.known.known().insert(self.key, read);
        Ok(())
    }

    /// Waits until nobody else of this process finds out how large a page may be, but no longer than `patience`; takes the
    /// turn until it has learned that, or ends. What was learned meanwhile is read with [`Learner::refresh`].
    pub async fn take_turn(&mut self, patience: Duration) {
        if self.turn.is_none() {
            let turns = self.known.turns_of(self.key);
            self.turn = timeout(patience, turns.lock_owned()).await.ok();
        }
    }

    /// Lets the next one find out.
    pub fn give_up_turn(&mut self) {
        self.turn = None;
    }

    /// Heeds a refusal from now on, and keeps it for everybody once it was met twice.
    pub async fn heed(&mut self, refusal: Fact) {
        if self.known.was_suspected(self.key, refusal) {
            self.learn(refusal, 1).await;
        } else {
            self.lessons = self.lessons.with(refusal, 1);
        }
    }

    /// Keeps a fact about the upstream for everybody. What cannot be kept is learned again.
    pub async fn learn(&mut self, fact: Fact, value: u64) {
        self.lessons = self.lessons.with(fact, value);
        if self.is_news(fact, value) {
            self.tell(fact, value).await;
        }
        if fact == Fact::LargestPage {
            self.give_up_turn();
        }
    }

    async fn tell(&self, fact: Fact, value: u64) {
        let (connection, entity) = self.key;
        match self.ledger.learn(connection, entity, fact, value).await {
            Ok(true) if !matches!(fact, Fact::LargestPage | Fact::DaysInOrder) => warn!(
                %connection, entity, %fact,
                "the upstream refuses what it is documented to take; it is read without from now on"
            ),
            Ok(_) => {}
            Err(error) => debug!(error = &error as &dyn std::error::Error, "a lesson was not kept"),
        }
    }

    /// Adds a fact to what this process knows; answers whether it is news.
    fn is_news(&self, fact: Fact, value: u64) -> bool {
        let mut all = self.known.known();
        let read = all.entry(self.key).or_insert_with(|| Read {
            lessons: Lessons::default(),
            at: Instant::now(),
        });
        let more = read.lessons.with(fact, value);
        let is_news = more != read.lessons;
        read.lessons = more;
        is_news
    }
}
