//! By id: records that are stored and were on no page, asked for by their ids.
//!
//! Many are asked for in one request where the source takes several ids. What does not come then is asked for once more,
//! and the last of it by itself: an answer that was cut lacks rows that are there, and so does an index that lags. A
//! request that is too large, or that holds a
//! record which cannot be served, is halved. A source that refuses several ids, or contradicts itself, is asked for each.

use std::collections::HashMap;

use ledgerfleet_connectors::{Dialect, Ending, EntitySpec, RecordRequest, RecordsRequest};
use ledgerfleet_ledger::Fact;
use ledgerfleet_model::{Failure, FailureKind, Served};
use tokio::time::Instant;

use crate::asking::{Answered, Asking};
use crate::known::Learner;
use crate::page::ids_of;
use crate::patience::stopped;
use crate::walk::Change;

/// Ids in one request.
const MOST_AT_ONCE: usize = 100;

/// Records that are asked for by their ids, a few at a time.
#[derive(Debug)]
pub struct LookUps {
    entity: &'static EntitySpec,
    /// What is left to be asked for, the next on top.
    batches: Vec<Vec<String>>,
}

/// What the source says of some ids.
#[derive(Debug)]
pub struct LookedUp {
    /// Each id, and what there is of it.
    pub found: Vec<(String, Found)>,
    /// What was asked, as text.
    pub request: String,
    /// The local instant just before it was asked.
    pub asked_at: Instant,
}

/// What the source has under an id.
#[derive(Debug)]
pub enum Found {
    /// This.
    Here(Served),
    /// Nothing: it says so itself.
    Gone,
    /// Something that it cannot serve.
    Unservable,
    /// It cannot be asked.
    Unanswered,
}

impl LookUps {
    /// Looks for records with these ids, those with small numbers first.
    pub fn new(
        asking: &Asking<'_>,
        learner: &Learner<'_>,
        entity: &'static EntitySpec,
        ids: impl IntoIterator<Item = String>,
    ) -> Self {
        let (look_up, dialect) = (asking.company().connector.look_up(), learner.lessons().dialect);
        let goes_with_others =
            |id: &String| look_up.is_some_and(|look_up| look_up.goes_with_others(entity, id, dialect));
        let (mut together, alone): (Vec<_>, Vec<_>) = ids.into_iter().partition(goes_with_others);
        // Ids are numbers as a rule: 9 comes before 10.
        together.sort_unstable_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        let alone = alone.into_iter().map(|id| vec![id]);
        let together = together.chunks(MOST_AT_ONCE).rev().map(<[String]>::to_vec);
        Self {
            entity,
            batches: alone.chain(together).collect(),
        }
    }

    /// The answer to the next of them; none when all were asked for.
    pub async fn next(
        &mut self,
        asking: &Asking<'_>,
        learner: &mut Learner<'_>,
    ) -> Result<Option<LookedUp>, Failure> {
        while let Some(batch) = self.batches.pop() {
            if asking.company().connector.look_up().is_none() {
                return Ok(Some(unanswered(batch)));
            }
            let dialect = learner.lessons().dialect;
            if let [id] = batch.as_slice() {
                return self.alone(asking, dialect, id.clone()).await.map(Some);
            }
            if !dialect.several_ids {
                self.one_by_one(batch);
                continue;
            }
            match self.together(asking, dialect, &batch).await {
                Ok(looked_up) => return Ok(Some(looked_up)),
                Err(NotTogether::Halve) => self.halve(batch),
                Err(NotTogether::Refused(failure)) => {
                    asking.observer().asks_otherwise(Change::OneId, &failure);
                    learner.heed(Fact::SeveralIdsRefused).await;
                    self.one_by_one(batch);
                }
                Err(NotTogether::Contradicted(failure)) => {
                    asking.observer().asks_otherwise(Change::OneId, &failure);
                    self.one_by_one(batch);
                }
                Err(NotTogether::Failed(failure)) => return Err(failure),
            }
            if asking.is_stopped() {
                return Err(stopped());
            }
        }
        Ok(None)
    }

    fn one_by_one(&mut self, batch: Vec<String>) {
        self.batches.extend(batch.into_iter().rev().map(|id| vec![id]));
    }

    fn halve(&mut self, mut batch: Vec<String>) {
        let rest = batch.split_off(batch.len() / 2);
        self.batches.extend([rest, batch]);
    }

    /// What the source has under one id.
    async fn alone(&self, asking: &Asking<'_>, dialect: Dialect, id: String) -> Result<LookedUp, Failure> {
        let entity = self.entity;
        let asked_at = Instant::now();
        let question = RecordRequest {
            entity,
            id: &id,
            dialect,
        };
        let (found, asked_at) = match asking.ask_unless(&question, is_about_a_record).await {
            Ok(Answered { answer, asked_at }) => (answer.map_or(Found::Gone, Found::Here), asked_at),
            Err(failure) if failure.kind == FailureKind::Unservable => (Found::Unservable, asked_at),
            Err(failure) => return Err(failure),
        };
        Ok(LookedUp {
            request: format!("GET {} {id}", entity.upstream),
            found: vec![(id, found)],
            asked_at,
        })
    }

    /// What the source has under several ids.
    async fn together(
        &self,
        asking: &Asking<'_>,
        dialect: Dialect,
        ids: &[String],
    ) -> Result<LookedUp, NotTogether> {
        let request = RecordsRequest {
            entity: self.entity,
            ids,
            dialect,
        };
        let Answered { answer, asked_at } = asking.ask_unless(&request, NotTogether::is).await?;
        let is_doubted = answer.ending == Ending::Doubted;
        let records = answer.records.into_iter().map(Served::Record);
        let quarantined = answer.quarantined.into_iter().map(Served::Quarantined);
        let mut served: HashMap<String, Served> = records
            .chain(quarantined)
            .map(|served| (served.id().to_owned(), served))
            .collect();
        drop(answer.held);
        let absent: Vec<String> = ids
            .iter()
            .filter(|id| !served.contains_key(*id))
            .cloned()
            .collect();
        if is_doubted && !absent.is_empty() {
            return Err(contradicted(
                "the source says that it has more of some ids than it shows".to_owned(),
            ));
        }
        if absent.len() < ids.len() {
            self.confirm_absence_together(asking, dialect, &absent).await?;
        } else if let [first, _, ..] = absent.as_slice() {
            // The same question once more would be no other look.
            self.confirm_absence(asking, dialect, first).await?;
        }
        if let Some(last) = absent.last() {
            self.confirm_absence(asking, dialect, last).await?;
        }
        let found = ids.iter().map(|id| {
            let served = served.remove(id);
            (id.clone(), served.map_or(Found::Gone, Found::Here))
        });
        Ok(LookedUp {
            found: found.collect(),
            request: format!("{} {} by id", ids.len(), self.entity.upstream),
            asked_at,
        })
    }

    /// Asks once more for several that did not come among others.
    async fn confirm_absence_together(
        &self,
        asking: &Asking<'_>,
        dialect: Dialect,
        absent: &[String],
    ) -> Result<(), NotTogether> {
        let [_, _, ..] = absent else { return Ok(()) };
        let request = RecordsRequest {
            entity: self.entity,
            ids: absent,
            dialect,
        };
        let page = asking.ask_unless(&request, NotTogether::is).await?.answer;
        match ids_of(&page).next() {
            None => Ok(()),
            Some(id) => Err(contradicted(format!("the source shows {id} once and once not"))),
        }
    }

    /// Asks for one that did not come by itself.
    async fn confirm_absence(
        &self,
        asking: &Asking<'_>,
        dialect: Dialect,
        absent: &str,
    ) -> Result<(), NotTogether> {
        let confirmed = self.alone(asking, dialect, absent.to_owned()).await;
        let confirmed = confirmed.map_err(NotTogether::Failed)?;
        match confirmed.found.as_slice() {
            [(_, Found::Gone)] => Ok(()),
            _ => Err(contradicted(format!(
                "the source shows {absent} by itself and not among others"
            ))),
        }
    }
}

fn contradicted(message: String) -> NotTogether {
    NotTogether::Contradicted(Failure::new(FailureKind::Unstable, message))
}

/// Why several records are not had together.
enum NotTogether {
    /// They are too large, or one of them cannot be served.
    Halve,
    /// The source does not take several ids.
    Refused(Failure),
    /// It has one of them and does not show it among the others.
    Contradicted(Failure),
    Failed(Failure),
}

impl NotTogether {
    /// Whether a failure says that fewer ids may be served.
    fn is(failure: &Failure) -> bool {
        !matches!(Self::from(failure.clone()), Self::Failed(_))
    }
}

impl From<Failure> for NotTogether {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::TooLarge | FailureKind::Unservable => Self::Halve,
            FailureKind::BadRequest | FailureKind::NotInPlan => Self::Refused(failure),
            _ => Self::Failed(failure),
        }
    }
}

fn is_about_a_record(failure: &Failure) -> bool {
    failure.kind == FailureKind::Unservable
}

/// Nothing but its pages tells what such a source has.
fn unanswered(ids: Vec<String>) -> LookedUp {
    LookedUp {
        found: ids.into_iter().map(|id| (id, Found::Unanswered)).collect(),
        request: String::new(),
        asked_at: Instant::now(),
    }
}
