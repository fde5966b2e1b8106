//! Reconcile: whether what was read of a window is what the source has.
//!
//! The source is asked how many rows it has. If it has more than were seen, they are looked for: behind the last row, for
//! a page may have been cut; then from the beginning once more, for as long as that brings rows, where the pages came in
//! no order that proves them whole.
//!
//! A pass whose pages came in such an order is believed if the source counts as many rows as were seen, and none of them
//! has changed since the pass began: a row that comes in may hide one that left, but it has changed since. Any other pass
//! is believed if the pass before saw the same ids, and either it came to an end or the source counts as many. What then
//! still differs from the source's count is told. Where the source counts more, or where neither its pages nor a count prove
//! that these are all, coverage says that it is unproven.
//!
//! Of an entity that is kept in sync, what changes while it is read is told by the next changes, for its checkpoint is the
//! first answer. A pass in order is believed there although the source has moved, if what it counts and was not seen is
//! not more than what it counts as changed since the pass began: in a busy company no pass is ever left alone.
//!
//! What is stored of the window and was not seen is asked for by its id: absence alone is no deletion.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::{EntityKind, Trust};
use ledgerfleet_ledger::{Fact, FinishedWindow, NextStep, NotSeen, Seen, SeenIds};
use ledgerfleet_model::segment::PASSES;
use ledgerfleet_model::{Failure, FailureKind, Quarantined, Record, Served, Window, Work};
use ledgerfleet_upstream::{Found, LookUps, LookedUp, counting};
use tracing::{debug, warn};

use super::Reading;
use super::commit::Content;
use crate::attempt::stopped::{Stopped, ledger_failure};
use crate::braking;

/// How many records that were not seen are looked up at once.
const LOOKED_UP: u32 = 1_000;

/// Why a pass is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// The source counts what was seen, and held still.
    Whole,
    /// The pass before saw the same.
    SeenTwice,
    /// What differs has changed since the pass began, and is told by the next changes.
    ButForChanges,
}

impl Reading<'_> {
    /// Ends the window if this pass can be believed, and answers true; otherwise reads on, or begins the next pass.
    pub(super) async fn reconcile(&mut self) -> Result<bool, Stopped> {
        match self.attempt.subject.entity.trust {
            Trust::CountAndOverlap => self.reconcile_with_count().await,
            Trust::SamePassTwice | Trust::UniqueIdsEqualCount | Trust::OnePage => {
                self.reconcile_by_pages().await
            }
        }
    }

    async fn reconcile_with_count(&mut self) -> Result<bool, Stopped> {
        let connector = &*self.attempt.subject.company.connector;
        let seen = self.seen().await?;
        if self.pass.counted.is_some_and(|count| count > seen.ids)
            && self.pass.looks_further(connector, seen.ids)
        {
            // It has not been asked again: whatever has come or gone since shows in the end.
            return Ok(false);
        }
        let source_count = self.source_count(None).await?;
        self.pass.counted = source_count;
        if self.pass.may_lack(seen.ids, source_count) && self.pass.looks_further(connector, seen.ids) {
            return Ok(false);
        }
        let has_all = self.settle_what_was_not_seen().await?;
        let seen = self.seen().await?;
        let belief = if has_all {
            self.belief(seen, source_count).await?
        } else {
            None
        };
        if let Some(belief) = belief {
            self.finish(seen, source_count, belief).await?;
            return Ok(true);
        }
        self.read_again(seen, source_count).await?;
        Ok(false)
    }

    /// Begins the next pass, unless there were too many.
    pub(super) async fn read_again(
        &mut self,
        seen: SeenIds,
        source_count: Option<u64>,
    ) -> Result<(), Stopped> {
        let (segment, pass, rows) = (self.attempt.subject.claim.segment, self.progress.pass, seen.ids);
        debug!(%segment, pass, rows, source_count, "the window moved");
        if pass >= PASSES {
            let counted = source_count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
            let message = format!("after {PASSES} passes the source counts {counted}, we saw {rows}");
            return Err(Failure::new(FailureKind::Unstable, message).into());
        }
        self.pass.begin_again();
        self.close(NextStep::Pass).await
    }

    pub(super) async fn seen(&self) -> Result<SeenIds, Stopped> {
        let subject = &self.attempt.subject;
        let ledger = &subject.fleet.parts.ledger;
        let seen = ledger.seen(subject.claim.segment, self.progress.pass);
        let seen = self.attempt.guard(seen).await?;
        Ok(seen.map_err(ledger_failure)?)
    }

    /// Why this pass is believed; none if it is not.
    async fn belief(&mut self, seen: SeenIds, source_count: Option<u64>) -> Result<Option<Belief>, Stopped> {
        // Who goes on after the last page has not seen the end of this pass; the source's count shows it, too.
        let is_whole = self.pass.shows_an_end() || source_count == Some(seen.ids);
        if self.progress.pass > 1 && seen.same && is_whole {
            return Ok(Some(Belief::SeenTwice));
        }
        // Where nothing is counted, a page that may have been cut is the last one if nothing follows it. Nobody has looked
        // there where its pages say to go on at the beginning.
        let agrees = source_count.map_or_else(|| self.pass.shows_all(), |count| count == seen.ids);
        if !self.pass.came_in_order() || !(agrees || self.is_told_what_changes()) {
            return Ok(None);
        }
        if agrees && self.is_one_look() {
            return Ok(Some(Belief::Whole));
        }
        let Some(changed) = self.source_count(Some(self.pass_began())).await? else {
            return Ok(None);
        };
        if agrees && changed == 0 {
            return Ok(Some(Belief::Whole));
        }
        let is_explained = source_count.is_some_and(|count| count <= seen.ids.saturating_add(changed));
        Ok((is_explained && self.is_told_what_changes()).then_some(Belief::ButForChanges))
    }

    /// Whether what changes while this window is read is told by the changes after it: its end moves the checkpoint of its
    /// entity to the first answer, or stands beside one that moves by itself. What is deleted is told there, too.
    fn is_told_what_changes(&self) -> bool {
        let subject = &self.attempt.subject;
        let has_checkpoint = match subject.claim.work {
            Work::Sync(_) => self.progress.answered_at.is_some(),
            Work::Recount => true,
            Work::Window(_) | Work::Auto { .. } | Work::Changes { .. } | Work::Records { .. } => false,
        };
        let changes = subject.company.connector.changes();
        has_checkpoint && changes.is_some_and(|changes| changes.tells(subject.entity))
    }

    async fn finish(
        &mut self,
        seen: SeenIds,
        source_count: Option<u64>,
        belief: Belief,
    ) -> Result<(), Stopped> {
        let SeenIds {
            ids: rows,
            quarantined,
            ..
        } = seen;
        self.tell_if_all_is_gone(seen);
        let differs = source_count.filter(|count| *count != rows);
        let is_explained = belief == Belief::ButForChanges;
        let is_proven = !self.pass.may_lack(rows, source_count);
        let unproven = !is_explained && !is_proven;
        if unproven {
            self.tell_that_it_is_unproven(rows, source_count);
        }
        let note = |count| match belief {
            Belief::ButForChanges => {
                format!(
                    "{rows} rows were seen and the source counts {count}: the next changes tell the others"
                )
            }
            Belief::Whole | Belief::SeenTwice => {
                format!("two readings saw the same {rows} rows; the source counts {count}")
            }
        };
        let finished = FinishedWindow {
            rows,
            quarantined,
            source_count,
            open: self.may_grow(),
            unproven,
            note: differs.map(note),
            ..FinishedWindow::default()
        };
        self.close(NextStep::Done(finished)).await?;
        if is_proven {
            self.learner
                .learn(Fact::LargestPage, self.pass.largest_page())
                .await;
        }
        Ok(())
    }

    /// Rows that the source does not show may exist: who keeps these books should know.
    fn tell_that_it_is_unproven(&self, rows: u64, source_count: Option<u64>) {
        let claim = self.attempt.subject.claim;
        let why = match source_count {
            Some(count) if count > rows => "the source counts more rows of a window than it shows",
            Some(_) | None => "pages of a window came in no order, and no count tells whether they are all",
        };
        warn!(
            segment = %claim.segment, run = %claim.run, connection = %claim.connection, entity = claim.entity, rows,
            source_count, "{why}: its coverage is unproven"
        );
    }

    /// That every record of a window was deleted happens, and looks like an upstream that has lost them: a person
    /// should know.
    pub(super) fn tell_if_all_is_gone(&self, seen: SeenIds) {
        if seen.ids > 0 || seen.deleted <= 1 {
            return;
        }
        let claim = self.attempt.subject.claim;
        warn!(
            segment = %claim.segment, run = %claim.run, connection = %claim.connection, entity = claim.entity,
            deleted = seen.deleted, "every record that was stored of a window is gone at the source"
        );
    }

    /// Whether this attempt has taken the whole pass in one page: one look, in which nothing can have moved.
    fn is_one_look(&self) -> bool {
        self.progress.page <= 1 && self.progress.read_since.is_some()
    }

    /// The source's count of the window; none where it does not count.
    pub(super) async fn source_count(
        &mut self,
        changed_since: Option<DateTime<Utc>>,
    ) -> Result<Option<u64>, Stopped> {
        let window = self.scope;
        self.count_of(&window, changed_since).await
    }

    /// The source's count of a window; none where it does not count.
    pub(super) async fn count_of(
        &mut self,
        window: &Window,
        changed_since: Option<DateTime<Utc>>,
    ) -> Result<Option<u64>, Stopped> {
        let attempt = self.attempt;
        let entity = attempt.subject.entity;
        let counting = counting::count(&attempt.asking, &mut self.learner, entity, window, changed_since);
        Ok(attempt.guard(counting).await??)
    }

    /// What is stored of the window and was not brought by a reading that began then: the next of it after an id.
    pub(super) async fn not_seen(
        &self,
        seen: Seen<'_>,
        since: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Vec<String>, Stopped> {
        if self.attempt.subject.entity.kind == EntityKind::Single {
            return Ok(Vec::new());
        }
        let query = NotSeen {
            connection: self.attempt.subject.claim.connection,
            table: self.attempt.subject.entity.table,
            entity: &self.attempt.subject.claim.entity,
            window: &self.scope,
            seen,
            since,
        };
        let ledger = &self.attempt.subject.fleet.parts.ledger;
        let not_seen = ledger.not_seen(&query, after, LOOKED_UP);
        match self.attempt.guard(not_seen).await? {
            Ok(ids) => Ok(ids),
            // A table that cannot be read cannot be written to either.
            Err(error) => Err(braking::not_stored(&self.attempt.subject, error).await.into()),
        }
    }

    /// Asks for every record that is stored of this window and that this pass did not see. What is gone becomes a
    /// tombstone, what has moved elsewhere is stored as it is now. False if one of them is where the pass should have
    /// seen it.
    pub(super) async fn settle_what_was_not_seen(&mut self) -> Result<bool, Stopped> {
        let subject = &self.attempt.subject;
        let seen = Seen::Pass {
            segment: subject.claim.segment,
            pass: self.progress.pass,
        };
        let since = self.progress.read_since;
        let since = since.unwrap_or_else(|| subject.ledger_now());
        let mut last: Option<String> = None;
        loop {
            let ids = self.not_seen(seen, since, last.as_deref()).await?;
            let Some(id) = ids.last() else { return Ok(true) };
            last = Some(id.clone());
            if !self.settle_all(ids).await? {
                return Ok(false);
            }
        }
    }

    /// False if one of these records is in the window.
    async fn settle_all(&mut self, ids: Vec<String>) -> Result<bool, Stopped> {
        let attempt = self.attempt;
        let (unserved, ids): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| Quarantined::is_unserved(id));
        self.forget_unserved(&unserved).await?;
        let mut look_ups = LookUps::new(&attempt.asking, &self.learner, attempt.subject.entity, ids);
        loop {
            let looking = look_ups.next(&attempt.asking, &mut self.learner);
            let Some(looked_up) = attempt.guard(looking).await?? else {
                return Ok(true);
            };
            if !self.settle_looked_up(looked_up).await? {
                return Ok(false);
            }
        }
    }

    /// They stood for rows of an earlier reading, and this one was served all of them.
    async fn forget_unserved(&mut self, ids: &[String]) -> Result<(), Stopped> {
        let tombstones: Vec<Record> = ids.iter().map(|id| Record::tombstone(id)).collect();
        let content = Content {
            page: self.progress.page,
            request: "rows that were set aside",
            observed_at: self.attempt.subject.ledger_now(),
            records: &tombstones,
            quarantined: &[],
            window: None,
        };
        self.store_beside(content).await
    }

    /// Stores what records were found to be. False if one of them is in the window.
    async fn settle_looked_up(&mut self, looked_up: LookedUp) -> Result<bool, Stopped> {
        let (mut records, mut quarantined, mut is_elsewhere) = (Vec::new(), Vec::new(), true);
        for (id, found) in looked_up.found {
            match found {
                // It is there, in whatever state, or nobody can tell; it stays as it is stored.
                Found::Unservable | Found::Unanswered => {}
                Found::Gone => records.push(Record::tombstone(&id)),
                Found::Here(Served::Record(record)) if self.is_in_window(&record) => {
                    if self.may_be_left_out() {
                        records.push(record);
                    } else {
                        is_elsewhere = false;
                    }
                }
                Found::Here(Served::Record(record)) => records.push(record),
                Found::Here(Served::Quarantined(one)) => quarantined.push(one),
            }
        }
        let content = Content {
            page: self.progress.page,
            request: &looked_up.request,
            observed_at: self.attempt.subject.ledger_time(looked_up.asked_at),
            records: &records,
            quarantined: &quarantined,
            window: None,
        };
        self.store_beside(content).await?;
        Ok(is_elsewhere)
    }

    /// Stores records that are no rows of the window's pages.
    pub(super) async fn store_beside(&mut self, content: Content<'_>) -> Result<(), Stopped> {
        if content.records.is_empty() && content.quarantined.is_empty() {
            return Ok(());
        }
        self.commit(content, NextStep::Beside).await
    }

    fn is_in_window(&self, record: &Record) -> bool {
        match self.scope {
            Window::Dates { days } => record
                .document_date
                .is_some_and(|date| days.from <= date && date < days.to),
            Window::Whole | Window::Instants { .. } => true,
        }
    }
}
