//! Reading: one window, page by page, from the page after the last committed one.
//!
//! A window of one page is done with that page, unless something is stored of it that the page does not show. Every other
//! one is reconciled with the source after its last page (`reconcile`), and read again while they differ.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::Page;
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{Committed, Effects, FinishedWindow, LedgerError, NextStep, PageCommit, Seen};
use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{Failure, FailureKind, Quarantined, Record};
use ledgerfleet_telemetry::metrics::{self, RowCounts};
use ledgerfleet_telemetry::traces;
use tokio::time::Instant;
use tracing::Instrument;

use crate::attempt::{Interrupts, Progress, Stopped, ledger_failure};
use crate::braking;
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
pub(crate) struct Content<'a> {
    pub(crate) page: u32,
    pub(crate) request: &'a str,
    pub(crate) observed_at: DateTime<Utc>,
    pub(crate) records: &'a [Record],
    pub(crate) quarantined: &'a [Quarantined],
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
            self.refuse_what_brings_nothing(&fetched.page).await?;
            let is_last = !fetched.page.more;
            if is_last && self.is_whole_window(&fetched).await? {
                return self.finish_with(&fetched).await;
            }
            if self.is_progress(&fetched.page) {
                self.commit_page(&fetched, NextStep::Page).await?;
            }
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
        reach(Point::AfterResponse, self.fetcher.entity.name).await;
        if let (Ok(fetched), 0) = (&fetched, self.progress.page) {
            self.progress.read_since = Some(fetched.observed_at);
        }
        Ok(fetched)
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

    /// Whether a page is worth a commit, which forgives the failures so far. An empty one after the others is not: who
    /// resumes after the last page meets one in every attempt, and would go on for ever if what follows it always failed.
    fn is_progress(&self, page: &Page) -> bool {
        self.progress.page == 0 || ids_of(page).next().is_some()
    }

    /// A full page that brings nothing new is no progress: such pages have no end.
    async fn refuse_what_brings_nothing(&self, page: &Page) -> Result<(), Stopped> {
        if self.progress.page == 0 || !page.more || self.fetcher.claim.page_size <= 1 {
            return Ok(());
        }
        let ids: Vec<&str> = ids_of(page).collect();
        let (claim, pass) = (self.fetcher.claim, self.progress.pass);
        let ledger = &self.fetcher.fleet.parts.ledger;
        let brings_new = ledger.brings_new(claim.segment, pass, &ids).await;
        if brings_new.map_err(ledger_failure)? {
            return Ok(());
        }
        let message = format!(
            "page {} brings nothing that was not on the pages before",
            self.progress.page + 1
        );
        Err(Failure::new(FailureKind::UnexpectedContent, message).into())
    }

    /// The upstream says that this company has no such entity: done, with a note. It is believed as its first word on a
    /// window of which nothing is stored; of an entity that is there, it is an error like others.
    async fn finish_without_rows(&mut self, refusal: Failure) -> Result<(), Stopped> {
        let is_first_word = self.progress.pass == 1 && self.progress.page == 0;
        let now = self.fetcher.ledger_now();
        if !is_first_word || !self.not_seen(Seen::Ids(&[]), now, None).await?.is_empty() {
            return Err(refusal.into());
        }
        let finished = FinishedWindow {
            note: Some(refusal.message),
            ..FinishedWindow::default()
        };
        self.close(NextStep::Done(finished)).await
    }

    /// Whether a last page is the whole window, and nothing speaks against that: then it needs no second look.
    async fn is_whole_window(&self, fetched: &Fetched) -> Result<bool, Stopped> {
        let page = &fetched.page;
        let is_only = self.progress.pass == 1 && self.progress.page == 0;
        if !is_only || (page.doubtful && self.fetcher.entity.countable) {
            return Ok(false);
        }
        let ids: Vec<&str> = ids_of(page).collect();
        let not_seen = self.not_seen(Seen::Ids(&ids), fetched.observed_at, None).await?;
        Ok(not_seen.is_empty())
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
    pub(crate) async fn close(&mut self, next: NextStep) -> Result<(), Stopped> {
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
    pub(crate) async fn commit(&mut self, content: Content<'_>, next: NextStep) -> Result<(), Stopped> {
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
            calls: progress.charges.calls(),
            next,
        };
        let asked_at = Instant::now();
        let span = traces::commit(commit.pass, commit.page);
        let committing = fleet.parts.ledger.commit_page(&commit);
        let committed = committing.instrument(span.clone()).await;
        reach(Point::AfterCommit, commit.entity).await;
        self.progress.unknown = matches!(committed, Err(LedgerError::CommitUnknown(_)));
        let committed = match committed {
            Ok(committed) => Ok(committed),
            Err(error) => Err(braking::not_stored(fetcher, error).await),
        };
        traces::ended(&span, &committed);
        match committed? {
            Committed::Stored(effects) => {
                let rows = rows(effects, commit.quarantined);
                traces::committed(&span, rows);
                self.note_stored(rows, &commit, asked_at);
                braking::succeeded(fetcher).await;
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
        self.progress.charges.counted(commit.calls);
        self.progress.pages += u32::from(!commit.request.is_empty());
        let event = match commit.next {
            NextStep::Done(_) => Some(Event::Finish),
            NextStep::Page | NextStep::Pass => Some(Event::Page),
            NextStep::Beside => None,
        };
        // The ledger has done this already; a refusal here would be a defect that its conformance suite finds.
        let standing = self.progress.standing;
        let after = event.map(|event| standing.on(event, &fleet.parts.timings));
        self.progress.standing = after.and_then(Result::ok).unwrap_or(standing);
        (self.progress.pass, self.progress.page) = match commit.next {
            NextStep::Pass => (commit.pass + 1, 0),
            NextStep::Page | NextStep::Beside | NextStep::Done(_) => (commit.pass, commit.page),
        };
        metrics::page_committed(self.progress.connector, commit.entity, rows);
    }

    /// Whether rows may still have appeared in the window after its first page was read, because it ends too close to
    /// that time. Where an earlier attempt read it, that was within the last day.
    pub(crate) fn may_grow(&self) -> bool {
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

/// The ids of a page's rows; the upstream may serve one twice.
fn ids_of(page: &Page) -> impl Iterator<Item = &str> {
    let quarantined = page.quarantined.iter().map(|quarantined| &quarantined.id);
    let records = page.records.iter().map(|record| &record.id);
    records.chain(quarantined).map(String::as_str)
}

/// How many different records a page has.
pub(crate) fn distinct_rows(page: &Page) -> u64 {
    ids_of(page).collect::<HashSet<_>>().len() as u64
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> u64 {
    ids.collect::<HashSet<_>>().len() as u64
}
