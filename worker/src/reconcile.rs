//! Reconcile: whether what was read of a window is what the source has.
//!
//! The source is asked how many rows it has. If it has more than were seen, they are looked for: behind the last row, for
//! a page may have been cut; then from the beginning once more, for as long as that brings rows, where the pages came in
//! no order that proves them whole.
//!
//! A pass whose pages came in such an order is believed if the source counts as many rows as were seen, and none of them
//! has changed since the pass began: a row that comes in may hide one that left, but it has changed since. Any other pass
//! is believed if the pass before saw the same ids. What then still differs from the source's count is told, and where
//! the source counts more, coverage says that it is unproven.
//!
//! What is stored of the window and was not seen is asked for by its id: absence alone is no deletion.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::EntityKind;
use ledgerfleet_ledger::{Fact, FinishedWindow, NextStep, NotSeen, Seen, SeenIds};
use ledgerfleet_model::segment::PASSES;
use ledgerfleet_model::{Failure, FailureKind, Position, Quarantined, Record, Served, Window};
use ledgerfleet_upstream::search::Place;
use tracing::{debug, warn};

use crate::attempt::{Stopped, ledger_failure};
use crate::reading::{Content, Reading, Sight};

/// How many records that were not seen are looked up at once.
const LOOKED_UP: u32 = 1_000;

impl Reading<'_> {
    /// Ends the window if this pass can be believed, and answers true; otherwise reads on, or begins the next pass.
    pub(crate) async fn reconcile(&mut self) -> Result<bool, Stopped> {
        let seen = self.seen().await?;
        if self.sight.counted.is_some_and(|count| count > seen.ids) && self.reads_on(seen) {
            // It has not been asked again: whatever has come or gone since shows in the end.
            return Ok(false);
        }
        let source_count = self.source_count(None).await?;
        self.sight.counted = source_count;
        if self.may_have_more(seen, source_count) && self.reads_on(seen) {
            return Ok(false);
        }
        let has_all = self.settle_what_was_not_seen().await?;
        let seen = self.seen().await?;
        if has_all && self.is_believed(seen, source_count).await? {
            self.finish(seen, source_count).await?;
            return Ok(true);
        }
        let (segment, pass, rows) = (self.fetcher.claim.segment, self.progress.pass, seen.ids);
        debug!(%segment, pass, rows, source_count, "the window moved");
        if pass >= PASSES {
            let counted = source_count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
            let message = format!("after {PASSES} passes the source counts {counted}, we saw {rows}");
            return Err(Failure::new(FailureKind::Unstable, message).into());
        }
        self.walk.go_to(Position::start());
        self.sight = Sight {
            largest_page: self.sight.largest_page,
            in_order: true,
            ..Sight::default()
        };
        self.close(NextStep::Pass).await?;
        Ok(false)
    }

    async fn seen(&self) -> Result<SeenIds, Stopped> {
        let (ledger, claim) = (&self.fetcher.fleet.parts.ledger, self.fetcher.claim);
        let seen = ledger.seen(claim.segment, self.progress.pass).await;
        Ok(seen.map_err(ledger_failure)?)
    }

    /// Whether the source has more rows than were seen, or cannot say it and may have some.
    fn may_have_more(&self, seen: SeenIds, source_count: Option<u64>) -> bool {
        let unknown = self.sight.may_be_cut || !self.came_in_order();
        source_count.map_or(unknown, |count| count > seen.ids)
    }

    /// Goes on where more rows may be, if there is such a place.
    fn reads_on(&mut self, seen: SeenIds) -> bool {
        let in_order = self.came_in_order();
        match self.sight.search.next(seen.ids, in_order) {
            None => return false,
            Some(Place::Behind) => {}
            Some(Place::Beginning) => {
                // What came in order before that is known.
                let from = self.sight.order_lost_at.clone().unwrap_or_default();
                self.sight.pages_again = Some(0);
                self.walk.go_to(from);
            }
        }
        true
    }

    /// Whether this pass can have missed no row between two pages.
    fn came_in_order(&self) -> bool {
        self.progress.page <= 1 || self.sight.in_order
    }

    async fn is_believed(&mut self, seen: SeenIds, source_count: Option<u64>) -> Result<bool, Stopped> {
        if self.progress.pass > 1 && seen.same && self.sight.shows_an_end {
            return Ok(true);
        }
        let agrees = source_count.is_none_or(|count| count == seen.ids);
        Ok(agrees && self.came_in_order() && self.is_steady().await?)
    }

    async fn finish(&mut self, seen: SeenIds, source_count: Option<u64>) -> Result<(), Stopped> {
        let SeenIds {
            ids: rows,
            quarantined,
            ..
        } = seen;
        self.tell_if_all_is_gone(seen);
        let differs = source_count.filter(|count| *count != rows);
        let finished = FinishedWindow {
            rows,
            quarantined,
            source_count,
            open: self.may_grow(),
            unproven: self.may_have_more(seen, source_count) && source_count.is_some(),
            note: differs
                .map(|count| format!("two readings saw the same {rows} rows; the source counts {count}")),
        };
        self.close(NextStep::Done(finished)).await?;
        if differs.is_none() {
            self.learn(Fact::LargestPage, self.sight.largest_page).await;
        }
        Ok(())
    }

    /// That every record of a window was deleted happens, and looks like an upstream that has lost them: a person
    /// should know.
    fn tell_if_all_is_gone(&self, seen: SeenIds) {
        if seen.ids > 0 || seen.deleted <= 1 {
            return;
        }
        let claim = self.fetcher.claim;
        warn!(
            segment = %claim.segment, run = %claim.run, connection = %claim.connection, entity = claim.entity,
            deleted = seen.deleted, "every record that was stored of a window is gone at the source"
        );
    }

    /// Whether no row has come in during this pass. One page is one look, where this attempt has taken it.
    async fn is_steady(&mut self) -> Result<bool, Stopped> {
        if self.progress.page <= 1 && self.progress.read_since.is_some() {
            return Ok(true);
        }
        let changed = self.source_count(Some(self.pass_began())).await?;
        Ok(changed == Some(0))
    }

    /// An instant that by the upstream's clock lies before the first request of this pass.
    fn pass_began(&self) -> DateTime<Utc> {
        let timings = &self.fetcher.fleet.parts.timings;
        let read_since = self.progress.read_since;
        read_since.unwrap_or_else(|| self.fetcher.claim.claimed_at - timings.waiting_cap)
            - timings.upper_margin
    }

    /// Whether the source counts this entity.
    pub(crate) fn is_counted(&self) -> bool {
        self.fetcher.entity.countable && self.lessons.dialect.count
    }

    /// The source's count of the window; none where it does not count.
    async fn source_count(&mut self, changed_since: Option<DateTime<Utc>>) -> Result<Option<u64>, Stopped> {
        if !self.is_counted() {
            return Ok(None);
        }
        let counting = self.fetcher.count(changed_since, self.keeping);
        match self.interrupts.guard(counting).await? {
            Ok(count) => Ok(Some(count)),
            Err(failure) if matches!(failure.kind, FailureKind::BadRequest | FailureKind::NotInPlan) => {
                self.heed(Fact::CountRefused).await;
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// What is stored of the window and was not brought by a reading that began then: the next of it after an id.
    pub(crate) async fn not_seen(
        &self,
        seen: Seen<'_>,
        since: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Vec<String>, Stopped> {
        if self.fetcher.entity.kind == EntityKind::Single {
            return Ok(Vec::new());
        }
        let query = NotSeen {
            connection: self.fetcher.claim.connection,
            table: self.fetcher.entity.table,
            entity: &self.fetcher.claim.entity,
            window: &self.fetcher.claim.window,
            seen,
            since,
        };
        let ledger = &self.fetcher.fleet.parts.ledger;
        let ids = ledger.not_seen(&query, after, LOOKED_UP).await;
        Ok(ids.map_err(ledger_failure)?)
    }

    /// Asks for every record that is stored of this window and that this pass did not see. What is gone becomes a
    /// tombstone, what has moved elsewhere is stored as it is now. False if one of them is where the pass should have
    /// seen it.
    async fn settle_what_was_not_seen(&mut self) -> Result<bool, Stopped> {
        let seen = Seen::Pass {
            segment: self.fetcher.claim.segment,
            pass: self.progress.pass,
        };
        let since = self
            .progress
            .read_since
            .unwrap_or_else(|| self.fetcher.ledger_now());
        let mut last: Option<String> = None;
        loop {
            let ids = self.not_seen(seen, since, last.as_deref()).await?;
            if ids.is_empty() {
                return Ok(true);
            }
            for id in ids {
                if !self.settle_one(&id).await? {
                    return Ok(false);
                }
                last = Some(id);
            }
        }
    }

    /// False if the record is in the window.
    async fn settle_one(&mut self, id: &str) -> Result<bool, Stopped> {
        if Quarantined::is_unserved(id) {
            // It stood for a row of an earlier reading, and this one was served all of them.
            let now = self.fetcher.ledger_now();
            return self
                .store_beside(id, Some(Record::tombstone(id)), None, now)
                .await;
        }
        let asked = self.fetcher.record(id, self.keeping);
        let (found, observed_at) = match self.interrupts.guard(asked).await? {
            // It is there, in whatever state; it stays as it is stored.
            Err(failure) if failure.kind == FailureKind::Unservable => return Ok(true),
            found => found?,
        };
        let (record, quarantined) = match found {
            None => (Some(Record::tombstone(id)), None),
            Some(Served::Record(record)) if self.is_in_window(&record) => return Ok(false),
            Some(Served::Record(record)) => (Some(record), None),
            Some(Served::Quarantined(quarantined)) => (None, Some(quarantined)),
        };
        self.store_beside(id, record, quarantined, observed_at).await
    }

    /// Stores what a record was found to be; answers true.
    async fn store_beside(
        &mut self,
        id: &str,
        record: Option<Record>,
        quarantined: Option<Quarantined>,
        observed_at: DateTime<Utc>,
    ) -> Result<bool, Stopped> {
        let request = format!("GET {} {id}", self.fetcher.entity.upstream);
        let content = Content {
            page: self.progress.page,
            request: &request,
            observed_at,
            records: record.as_slice(),
            quarantined: quarantined.as_slice(),
        };
        self.commit(content, NextStep::Beside).await?;
        Ok(true)
    }

    fn is_in_window(&self, record: &Record) -> bool {
        match self.fetcher.claim.window {
            Window::Dates { days } => record
                .document_date
                .is_some_and(|date| days.from <= date && date < days.to),
            Window::Whole | Window::Instants { .. } => true,
        }
    }
}
