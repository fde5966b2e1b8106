//! Changes: what has changed of several entities since an instant, in one answer, and what to do where it is not all.
//!
//! ```text
//! too long ago                       every entity by a window of changes
//! refused, forbidden, or too large   the entities in halves; of one alone, by a window
//! cut, and nobody knows of whom      the entities in halves
//! cut, of one                        it alone by a window
//! without a word about some          those in halves; of one alone, by a window
//! not taken by the table of one      it alone by a window, which waits for the table
//! ```
//!
//! The question has no end, so a shorter time cannot be asked for: what is cut is completed by a query, which has one.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::{Changed, ChangedEntity, ChangesRequest, EntitySpec};
use ledgerfleet_ledger::{Batch, Checkpoint, FinishedWindow, LedgerError, NewSegment, NextStep, PageCommit};
use ledgerfleet_model::{Failure, FailureKind, Position};
use ledgerfleet_upstream::Answered;
use tracing::{info, warn};

use super::commit::try_to_store;
use super::windows::{DOUBTED, by_window};
use crate::attempt::progress::Progress;
use crate::attempt::stopped::Stopped;
use crate::attempt::under_way::UnderWay;
use crate::braking::not_stored;

/// One reading of changes.
pub(crate) struct Changing<'a> {
    attempt: &'a UnderWay<'a>,
    progress: &'a mut Progress,
    since: DateTime<Utc>,
    /// What is still to be asked, each together.
    groups: Vec<Vec<&'static EntitySpec>>,
    /// Entities of which all is known, up to an instant of the upstream's clock.
    complete: Vec<Checkpoint<'static>>,
    /// Entities that are read by windows.
    follow_ups: Vec<NewSegment>,
    /// Entities of which the upstream refuses to tell.
    refused: Vec<&'static EntitySpec>,
    /// Why one of them may not be asked for. Where none may, it is said of the company and not of its entities.
    forbidden: Option<Failure>,
    rows: u64,
}

impl<'a> Changing<'a> {
    /// Begins from nothing: who asks once more pays for one answer.
    pub(crate) fn begin(
        attempt: &'a UnderWay<'a>,
        progress: &'a mut Progress,
        entities: &[String],
        since: DateTime<Utc>,
    ) -> Result<Self, Failure> {
        let company = &attempt.subject.company;
        let entities: Result<Vec<_>, _> = entities.iter().map(|name| company.entity(name)).collect();
        Ok(Self {
            attempt,
            progress,
            since,
            groups: vec![entities?],
            complete: Vec::new(),
            follow_ups: Vec::new(),
            refused: Vec::new(),
            forbidden: None,
            rows: 0,
        })
    }

    /// Asks, stores and ends.
    pub(crate) async fn run(mut self) -> Result<(), Stopped> {
        if self.is_too_long_ago() {
            info!(since = %self.since, "the upstream does not remember; changes are read by windows");
            self.read_all_by_windows();
        }
        while let Some(group) = self.groups.pop() {
            match self.ask(&group).await? {
                Ok(answered) => {
                    if self.take(group, answered).await? {
                        return Ok(());
                    }
                }
                Err(failure) if is_about_the_question(&failure) => self.ask_otherwise(group, &failure),
                Err(failure) => return Err(failure.into()),
            }
        }
        if let Some(forbidden) = self.forbidden.take().filter(|_| self.complete.is_empty()) {
            return Err(forbidden.into());
        }
        let now = self.attempt.subject.ledger_now();
        self.note_refused().await;
        self.commit(&[], "", now, true).await
    }

    /// Whether the upstream remembers no more what was then. By the ledger's clock, which may differ from the upstream's
    /// by less than what is left of its memory.
    fn is_too_long_ago(&self) -> bool {
        self.is_forgotten_at(self.attempt.subject.claim.claimed_at)
    }

    /// Whether the upstream remembers no more at `now` what was when the changes begin.
    fn is_forgotten_at(&self, now: DateTime<Utc>) -> bool {
        let changes = self.attempt.subject.company.connector.changes();
        let memory = changes.map(|changes| TimeDelta::from_std(changes.memory()).unwrap_or(TimeDelta::MAX));
        memory.is_none_or(|memory| now - self.since > memory)
    }

    fn read_all_by_windows(&mut self) {
        for entity in self.groups.drain(..).flatten() {
            let follow_up = by_window(self.attempt, entity, self.since, None);
            self.follow_ups.push(follow_up);
        }
    }

    async fn ask(
        &mut self,
        group: &[&'static EntitySpec],
    ) -> Result<Result<Answered<Changed>, Failure>, Stopped> {
        let request = ChangesRequest {
            entities: group,
            since: self.since,
        };
        let asking = &self.attempt.asking;
        let answered = asking.ask_unless(&request, is_about_the_question);
        self.attempt.guard(answered).await
    }

    /// Stores an answer; true if it ended the segment.
    async fn take(
        &mut self,
        group: Vec<&'static EntitySpec>,
        answered: Answered<Changed>,
    ) -> Result<bool, Stopped> {
        let Answered { answer, asked_at } = answered;
        let asked_at = self.attempt.subject.ledger_time(asked_at);
        let Changed { entities, time, held } = answer;
        let is_anybodys = group.len() > 1 && entities.iter().all(|entity| entity.may_lack_some);
        if is_anybodys {
            self.halve(group.clone());
        } else {
            let (untold, told): (Vec<_>, Vec<_>) = entities.iter().partition(|changed| changed.untold);
            for changed in told {
                self.note(changed, time);
            }
            self.ask_of_untold(untold.iter().map(|changed| changed.entity).collect());
        }
        let request = self.described(&group);
        let is_last = self.groups.is_empty();
        if is_last {
            self.note_refused().await;
        }
        self.commit(&entities, &request, asked_at, is_last).await?;
        drop(held);
        Ok(is_last)
    }

    fn note(&mut self, changed: &ChangedEntity, time: Option<DateTime<Utc>>) {
        if time.is_some_and(|time| self.is_forgotten_at(time)) {
            // The ledger's clock is behind: the answer is what the upstream still remembers, and not all.
            let follow_up = by_window(self.attempt, changed.entity, self.since, None);
            self.follow_ups.push(follow_up);
        } else if let Some(time) = time.filter(|time| *time < self.since) {
            // The instant from which it was asked came of a clock that was ahead: what has changed until now was not told.
            let follow_up = by_window(self.attempt, changed.entity, time - DOUBTED, None);
            self.follow_ups.push(follow_up);
        } else if changed.may_lack_some {
            let follow_up = by_window(self.attempt, changed.entity, self.since, time);
            self.follow_ups.push(follow_up);
        } else {
            self.complete.push(Checkpoint {
                entity: changed.entity.name,
                read_since: Some(self.since),
                until: time,
            });
        }
    }

    fn described(&self, group: &[&'static EntitySpec]) -> String {
        let request = ChangesRequest {
            entities: group,
            since: self.since,
        };
        let changes = self.attempt.subject.company.connector.changes();
        changes.map_or_else(String::new, |changes| changes.describe(&request))
    }

    /// Asks for the entities of a refused question in halves. One alone that is refused is read by a window.
    fn ask_otherwise(&mut self, group: Vec<&'static EntitySpec>, failure: &Failure) {
        let [entity] = group.as_slice() else {
            return self.halve(group);
        };
        self.follow_ups
            .push(by_window(self.attempt, entity, self.since, None));
        if is_refusal(failure) {
            self.refused.push(entity);
        }
        if failure.kind == FailureKind::Forbidden {
            self.forbidden = Some(failure.clone());
        }
    }

    /// Asks once more, in halves, for entities about which an answer has no word: only one of them may be what the upstream
    /// tells nothing of. That one is read by a window.
    fn ask_of_untold(&mut self, untold: Vec<&'static EntitySpec>) {
        match untold.as_slice() {
            [] => {}
            [entity] => {
                self.follow_ups
                    .push(by_window(self.attempt, entity, self.since, None));
                self.refused.push(entity);
            }
            _ => self.halve(untold),
        }
    }

    fn halve(&mut self, mut group: Vec<&'static EntitySpec>) {
        let rest = group.split_off(group.len() / 2);
        self.groups.extend([rest, group]);
    }

    /// Keeps for everybody whose changes are not told.
    async fn note_refused(&mut self) {
        // Where nothing is told at all, that is no word about entities: the instant is too old, by the upstream's clock.
        if self.complete.is_empty() {
            return;
        }
        let claim = self.attempt.subject.claim;
        for entity in self.refused.drain(..) {
            warn!(connection = %claim.connection, entity = entity.name, "its changes are not told; it is read by windows");
            let ledger = &self.attempt.subject.fleet.parts.ledger;
            if let Err(error) = ledger.note_untold(claim.connection, entity.name).await {
                warn!(error = &error as &dyn std::error::Error, "that was not kept");
            }
        }
    }

    async fn commit(
        &mut self,
        entities: &[ChangedEntity],
        request: &str,
        observed_at: DateTime<Utc>,
        is_last: bool,
    ) -> Result<(), Stopped> {
        let answer = Answer {
            request,
            observed_at,
            is_last,
        };
        let batches: Vec<Batch<'_>> = entities.iter().filter_map(batch).collect();
        let is_of_any = !batches.is_empty();
        match self.store(batches, answer).await? {
            Ok(()) => Ok(()),
            Err(error) if is_of_any && error.is_refusal_of_a_table() => {
                self.store_one_by_one(entities, answer).await
            }
            Err(error) => Err(not_stored(&self.attempt.subject, error).await.into()),
        }
    }

    /// Stores what has changed of each entity by itself, where the database does not write to the table of one of them: it
    /// alone is set aside, and the others are as if it had not been asked for.
    async fn store_one_by_one(
        &mut self,
        entities: &[ChangedEntity],
        answer: Answer<'_>,
    ) -> Result<(), Stopped> {
        let beside = Answer {
            is_last: false,
            ..answer
        };
        let mut stored = Ok(());
        for changed in entities {
            let Some(batch) = batch(changed) else { continue };
            stored = self.store(vec![batch], beside).await?;
            match &stored {
                Err(error) if error.is_refusal_of_a_table() => self.set_aside(changed.entity, error),
                Err(_) => break,
                Ok(()) => {}
            }
            stored = Ok(());
        }
        if stored.is_ok() && answer.is_last {
            stored = self.store(Vec::new(), answer).await?;
        }
        match stored {
            Ok(()) => Ok(()),
            Err(error) => Err(not_stored(&self.attempt.subject, error).await.into()),
        }
    }

    /// Has an entity that cannot be stored be read by a window, which closes the brake of its table and waits for it. One
    /// that is asked for again or read by a window anyhow needs no other.
    fn set_aside(&mut self, entity: &'static EntitySpec, error: &LedgerError) {
        let connection = self.attempt.subject.claim.connection;
        let cause: &dyn std::error::Error = error;
        warn!(%connection, entity = entity.name, error = cause, "its changes cannot be stored; it is read by a window");
        let before = self.complete.len();
        self.complete.retain(|complete| complete.entity != entity.name);
        if self.complete.len() < before {
            self.follow_ups
                .push(by_window(self.attempt, entity, self.since, None));
        }
    }

    async fn store(
        &mut self,
        batches: Vec<Batch<'_>>,
        answer: Answer<'_>,
    ) -> Result<Result<(), LedgerError>, Stopped> {
        let claim = self.attempt.subject.claim;
        let Answer {
            request,
            observed_at,
            is_last,
        } = answer;
        let rows = |batch: &Batch<'_>| (batch.records.len() + batch.quarantined.len()) as u64;
        let rows = self.rows + batches.iter().map(rows).sum::<u64>();
        let next = if is_last {
            NextStep::Done(FinishedWindow {
                rows,
                ..FinishedWindow::default()
            })
        } else {
            NextStep::Beside
        };
        let window = self.attempt.subject.window;
        let go_on = Position::start();
        let commit = PageCommit {
            segment: claim.segment,
            epoch: self.progress.standing.epoch,
            connection: claim.connection,
            entity: &claim.entity,
            window: &window,
            pass: self.progress.pass,
            page: self.progress.page + 1,
            page_size: claim.page_size,
            request,
            observed_at,
            answered_at: None,
            batches,
            checkpoints: self.complete.clone(),
            follow_ups: self.follow_ups.clone(),
            lease: self.attempt.subject.fleet.parts.timings.lease,
            calls: self.progress.charges.calls(),
            go_on: &go_on,
            next,
        };
        let stored = try_to_store(self.attempt, self.progress, &commit).await?;
        if stored.is_ok() {
            self.rows = rows;
        }
        Ok(stored)
    }
}

/// What an answer is stored as.
#[derive(Clone, Copy)]
struct Answer<'a> {
    request: &'a str,
    observed_at: DateTime<Utc>,
    /// Whether the segment ends with it.
    is_last: bool,
}

/// What has changed of one entity; none where nothing has.
fn batch(changed: &ChangedEntity) -> Option<Batch<'_>> {
    let ChangedEntity {
        entity,
        records,
        quarantined,
        ..
    } = changed;
    let is_empty = records.is_empty() && quarantined.is_empty();
    (!is_empty).then_some(Batch {
        entity: entity.name,
        table: entity.table,
        records,
        quarantined,
    })
}

/// Whether fewer entities in one question may help.
fn is_about_the_question(failure: &Failure) -> bool {
    is_refusal(failure) || {
        use FailureKind::{Forbidden, Malformed, TooLarge, Unservable};
        matches!(failure.kind, Forbidden | TooLarge | Unservable | Malformed)
    }
}

fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::BadRequest | FailureKind::NotInPlan)
}
