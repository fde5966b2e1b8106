//! Reconcile: whether what was read of a window is what the source has.
//!
//! Pages are offsets over live data: a row that leaves while a window is read pulls the others towards the front, and
//! without overlap one of them over a page's edge, where nobody reads it, while the count agrees. Pages overlap by one row,
//! so that whatever leaves, more was seen than the source counts. A row that comes in may hide one that left; but it has
//! changed since. So a pass is believed if the source counts as many rows as were seen, and none of them has changed since
//! the pass began; or if the pass before saw the same ids.
//!
//! What is stored of the window and was not seen is asked for by its id: absence alone is no deletion.

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::EntityKind;
use ledgerfleet_ledger::{FinishedWindow, NextStep, NotSeen, Seen, SeenIds};
use ledgerfleet_model::segment::PASSES;
use ledgerfleet_model::{Failure, FailureKind, Record, Served, Window};
use tracing::{debug, warn};

use crate::attempt::{Stopped, ledger_failure};
use crate::reading::{Content, Reading, distinct_rows};

/// How many records that were not seen are looked up at once.
const LOOKED_UP: u32 = 1_000;

impl Reading<'_> {
    /// Ends the window if this pass can be believed, and answers true; otherwise begins the next pass.
    pub(crate) async fn reconcile(&mut self) -> Result<bool, Stopped> {
        let (ledger, claim) = (self.fetcher.fleet.parts.ledger.clone(), self.fetcher.claim);
        let has_all = self.settle_what_was_not_seen().await?;
        let seen = ledger.seen(claim.segment, self.progress.pass).await;
        let seen = seen.map_err(ledger_failure)?;
        let source_count = self.source_count(None).await?;
        let differs = source_count.filter(|count| *count != seen.ids);
        let believed = if !has_all {
            false
        } else if seen.same {
            differs.is_none() || !self.is_cut_short(seen.ids, differs).await?
        } else {
            differs.is_none() && self.is_steady().await?
        };
        if believed {
            self.finish(seen, source_count).await?;
            return Ok(true);
        }
        let (pass, rows) = (self.progress.pass, seen.ids);
        debug!(segment = %claim.segment, pass, rows, source_count, "the window moved");
        if pass >= PASSES {
            let counted = source_count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
            let message = format!("after {PASSES} passes the source counts {counted}, we saw {rows}");
            return Err(Failure::new(FailureKind::Unstable, message).into());
        }
        self.close(NextStep::Pass).await?;
        Ok(false)
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
            note: differs
                .map(|count| format!("two readings saw the same {rows} rows; the source counts {count}")),
        };
        self.close(NextStep::Done(finished)).await
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
        if self.fetcher.claim.page_size <= 1 {
            // Pages of one row do not overlap: only a second pass can tell.
            return Ok(false);
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

    /// Whether the source counts more rows than two passes saw, and has one to show for it: then its pages end early, and
    /// the window is not complete however often it looks the same.
    async fn is_cut_short(&mut self, rows: u64, source_count: Option<u64>) -> Result<bool, Stopped> {
        if source_count.is_none_or(|count| count < rows) {
            return Ok(false);
        }
        let asked = self.fetcher.row_after(rows, self.keeping);
        let row = self.interrupts.guard(asked).await?;
        Ok(distinct_rows(&row?.page) > 0)
    }

    async fn source_count(&mut self, changed_since: Option<DateTime<Utc>>) -> Result<Option<u64>, Stopped> {
        if !self.fetcher.entity.countable {
            return Ok(None);
        }
        let counting = self.fetcher.count(changed_since, self.keeping);
        let count = self.interrupts.guard(counting).await?;
        Ok(Some(count?))
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
        let asked = self.fetcher.record(id, self.keeping);
        let found = self.interrupts.guard(asked).await?;
        let (found, observed_at) = found?;
        let (record, quarantined) = match found {
            None => (Some(Record::tombstone(id)), None),
            Some(Served::Record(record)) if self.is_in_window(&record) => return Ok(false),
            Some(Served::Record(record)) => (Some(record), None),
            Some(Served::Quarantined(quarantined)) => (None, Some(quarantined)),
        };
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
