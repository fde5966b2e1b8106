//! Reading: one window, page by page, from the page after the last committed one.
//!
//! A window of one page is done with that page. A longer one is reconciled with the source's own count after its last
//! page, and read again while they differ.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::Page;
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{Committed, Effects, FinishedWindow, LedgerError, NextStep, PageCommit, SeenIds};
use ledgerfleet_model::segment::{Event, PASSES};
use ledgerfleet_model::{Failure, FailureKind, Quarantined, Record};
use ledgerfleet_telemetry::metrics::{self, RowCounts};
use ledgerfleet_telemetry::traces;
use tokio::time::Instant;
use tracing::{Instrument, debug};

use crate::attempt::{Interrupts, Progress, Stopped, ledger_failure};
use crate::claiming::held;
use crate::fetch::{Fetched, Fetcher, Keeping, stopping};

/// One reading of a window, from the page after the last committed one.
pub(crate) struct Reading<'a> {
    pub(crate) fetcher: &'a Fetcher<'a>,
    pub(crate) keeping: Keeping<'a>,
    pub(crate) interrupts: &'a Interrupts<'a>,
    pub(crate) progress: &'a mut Progress,
}

/// What a commit stores.
struct Content<'a> {
    page: u32,
    request: &'a str,
    observed_at: DateTime<Utc>,
    records: &'a [Record],
    quarantined: &'a [Quarantined],
}

impl Reading<'_> {
    /// Reads, stores and reconciles, until the window is done or something ends it.
    pub(crate) async fn run(mut self) -> Result<(), Stopped> {
        loop {
            let fetched = match self.fetch().await? {
                Ok(fetched) => fetched,
                Err(failure) if failure.kind == FailureKind::NotInPlan => {
                    return self.finish_without_rows(failure).await;
                }
                Err(failure) => return Err(failure.into()),
            };
            let is_last = !fetched.page.more;
            // A page that may not be the last one is held against the source's count, as is a window of several pages.
            let is_only = is_last && self.progress.pass == 1 && self.progress.page == 0;
            if is_only && !(fetched.page.doubtful && self.fetcher.entity.countable) {
                return self.finish_with(&fetched).await;
            }
            self.commit_page(&fetched, NextStep::Page).await?;
            drop(fetched);
            if is_last && self.reconcile().await? {
                return Ok(());
            }
            if self.fetcher.fleet.shutdown.is_cancelled() {
                return Err(stopping().into());
            }
        }
    }

    async fn fetch(&mut self) -> Result<Result<Fetched, Failure>, Stopped> {
        let fetching = self.fetcher.page(self.progress.page + 1, self.keeping);
        let fetched = self.interrupts.guard(fetching).await?;
        self.charge(&fetched);
        reach(Point::AfterResponse, self.fetcher.entity.name).await;
        if let (Ok(fetched), 0) = (&fetched, self.progress.page) {
            self.progress.read_since = Some(fetched.observed_at);
        }
        Ok(fetched)
    }

    /// Counts a call that the upstream charges: one that it answered with success, whatever the body was worth.
    fn charge<T>(&mut self, answer: &Result<T, Failure>) {
        let status = answer
            .as_ref()
            .map_or_else(|failure| failure.status, |_| Some(200));
        self.progress.calls += u32::from(status.is_some_and(|status| (200..300).contains(&status)));
    }

    /// The window was one page: its rows, its coverage and its outcome are one commit.
    async fn finish_with(&mut self, fetched: &Fetched) -> Result<(), Stopped> {
        let finished = FinishedWindow {
            rows: distinct_rows(&fetched.page),
            quarantined: distinct(fetched.page.quarantined.iter().map(|quarantined| &quarantined.id)),
            open: self.may_grow(),
            ..FinishedWindow::default()
        };
        self.commit_page(fetched, NextStep::Done(finished)).await
    }

    /// The upstream says that this company has no such entity: done, with a note.
    async fn finish_without_rows(&mut self, refusal: Failure) -> Result<(), Stopped> {
        let finished = FinishedWindow {
            note: Some(refusal.message),
            ..FinishedWindow::default()
        };
        self.close(NextStep::Done(finished)).await
    }

    /// Rows shift between the pages of a live book. Compares what this pass saw with the source's own count;
    /// true if they agree, or if two passes saw the same, and the window is done. Otherwise it is read again.
    async fn reconcile(&mut self) -> Result<bool, Stopped> {
        let source_count = self.source_count().await?;
        let (ledger, claim) = (&self.fetcher.fleet.parts.ledger, self.fetcher.claim);
        let seen = ledger.seen(claim.segment, self.progress.pass).await;
        let SeenIds {
            ids: rows,
            quarantined,
            same: repeats,
        } = seen.map_err(ledger_failure)?;
        let differs = source_count.filter(|count| *count != rows);
        if differs.is_none() || (repeats && !self.is_cut_short(rows, differs).await?) {
            let finished = FinishedWindow {
                rows,
                quarantined,
                source_count,
                open: self.may_grow(),
                note: differs
                    .map(|count| format!("two readings saw the same {rows} rows; the source counts {count}")),
            };
            self.close(NextStep::Done(finished)).await?;
            return Ok(true);
        }
        debug!(segment = %claim.segment, pass = self.progress.pass, rows, source_count, "the window moved");
        if self.progress.pass >= PASSES {
            let message = format!("after {PASSES} passes the source counts {source_count:?}, we saw {rows}");
            return Err(Failure::new(FailureKind::Unstable, message).into());
        }
        self.close(NextStep::Pass).await?;
        Ok(false)
    }

    /// Whether the source counts more rows than two passes saw, and has one to show for it: then its pages end early, and
    /// the window is not complete however often it looks the same.
    async fn is_cut_short(&mut self, rows: u64, source_count: Option<u64>) -> Result<bool, Stopped> {
        if source_count.is_none_or(|count| count < rows) {
            return Ok(false);
        }
        let asked = self.fetcher.row_after(rows, self.keeping);
        let row = self.interrupts.guard(asked).await?;
        self.charge(&row);
        Ok(distinct_rows(&row?.page) > 0)
    }

    async fn source_count(&mut self) -> Result<Option<u64>, Stopped> {
        if !self.fetcher.entity.countable {
            return Ok(None);
        }
        let count = self.interrupts.guard(self.fetcher.count(self.keeping)).await?;
        self.charge(&count);
        Ok(Some(count?))
    }

    /// Stores a fetched page and what follows from it.
    async fn commit_page(&mut self, fetched: &Fetched, next: NextStep) -> Result<(), Stopped> {
        let content = Content {
            page: self.progress.page + 1,
            request: &fetched.request,
            observed_at: fetched.observed_at,
            records: &fetched.page.records,
            quarantined: &fetched.page.quarantined,
        };
        self.commit(content, next).await
    }

    /// Stores what follows after the last page, without another one.
    async fn close(&mut self, next: NextStep) -> Result<(), Stopped> {
        let observed_at = self.fetcher.ledger_now();
        let content = Content {
            page: self.progress.page,
            request: "",
            observed_at,
            records: &[],
            quarantined: &[],
        };
        self.commit(content, next).await
    }

    /// Rows, progress and outcome in one transaction, under the fence.
    async fn commit(&mut self, content: Content<'_>, next: NextStep) -> Result<(), Stopped> {
        let (fetcher, progress) = (self.fetcher, &*self.progress);
        let (claim, fleet) = (fetcher.claim, fetcher.fleet);
        let commit = PageCommit {
            segment: claim.segment,
            epoch: progress.standing.epoch,
            connection: claim.connection,
            entity: &claim.entity,
            table: fetcher.entity.table,
            window: &claim.window,
            pass: progress.pass,
            page: content.page,
            page_size: claim.page_size,
            request: content.request,
            observed_at: content.observed_at,
            records: content.records,
            quarantined: content.quarantined,
            lease: fleet.parts.timings.lease,
            calls: progress.calls,
            next,
        };
        let asked_at = Instant::now();
        let span = traces::commit(commit.pass, commit.page);
        let committing = fleet.parts.ledger.commit_page(&commit);
        let committed = committing.instrument(span.clone()).await;
        reach(Point::AfterCommit, commit.entity).await;
        self.progress.unknown = matches!(committed, Err(LedgerError::Unavailable(..)));
        let committed = committed.map_err(ledger_failure);
        traces::ended(&span, &committed);
        match committed? {
            Committed::Stored(effects) => {
                let rows = rows(effects, commit.quarantined);
                traces::committed(&span, rows);
                self.note_stored(rows, &commit, asked_at);
            }
            Committed::Fenced => {
                metrics::write_fenced();
                return Err(Stopped::Fenced);
            }
        }
        Ok(())
    }

    fn note_stored(&mut self, rows: RowCounts, commit: &PageCommit<'_>, asked_at: Instant) {
        let fleet = self.fetcher.fleet;
        fleet
            .held
            .renewed(&[held(self.fetcher.claim)], asked_at, commit.lease);
        self.keeping.watchdog.progressed();
        self.progress.calls = 0;
        self.progress.pages += u32::from(!commit.request.is_empty());
        let event = match commit.next {
            NextStep::Done(_) => Event::Finish,
            NextStep::Page | NextStep::Pass => Event::Page,
        };
        // The ledger has done this already; a refusal here would be a defect that its conformance suite finds.
        self.progress.standing = self
            .progress
            .standing
            .on(event, &fleet.parts.timings)
            .unwrap_or(self.progress.standing);
        (self.progress.pass, self.progress.page) = match commit.next {
            NextStep::Pass => (commit.pass + 1, 0),
            NextStep::Page | NextStep::Done(_) => (commit.pass, commit.page),
        };
        metrics::page_committed(self.progress.connector, commit.entity, rows);
    }

    /// Whether rows may still have appeared in the window after its first page was read, because it ends too close to
    /// that time. Where an earlier attempt read it, that was within the last day.
    fn may_grow(&self) -> bool {
        let timings = &self.fetcher.fleet.parts.timings;
        let read_since = self
            .progress
            .read_since
            .unwrap_or_else(|| self.fetcher.claim.claimed_at - timings.waiting_cap);
        let end = self.fetcher.claim.window.end(self.fetcher.connection.time_zone);
        end.is_some_and(|end| end > read_since - timings.upper_margin)
    }
}

fn rows(effects: Effects, quarantined: &[Quarantined]) -> RowCounts {
    let Effects {
        new,
        changed,
        same,
        deleted,
    } = effects;
    RowCounts {
        new,
        changed,
        same,
        deleted,
        quarantined: quarantined.len() as u64,
    }
}

/// How many different records a page has: the upstream may serve one twice.
fn distinct_rows(page: &Page) -> u64 {
    let quarantined = page.quarantined.iter().map(|quarantined| &quarantined.id);
    distinct(page.records.iter().map(|record| &record.id).chain(quarantined))
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> u64 {
    ids.collect::<HashSet<_>>().len() as u64
}
