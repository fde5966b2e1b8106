//! Reading: one window, page by page, from the position after the last committed page.
//!
//! A window of one page is done with that page where nothing speaks against that: a larger page of this entity was not
//! cut, or the answer counts its own rows, and nothing is stored of the window that the page does not show. Every other
//! one is reconciled with the source after its last page (`reconcile`), and read on or again while they differ.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::Page;
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{Committed, Effects, Fact, FinishedWindow, LedgerError, NextStep, PageCommit, Seen};
use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{Failure, FailureKind, Position, Quarantined, Record};
use ledgerfleet_telemetry::metrics::{self, RowCounts};
use ledgerfleet_telemetry::traces;
use ledgerfleet_upstream::{Change, Lessons, Search, Walk};
use tokio::time::Instant;
use tracing::{Instrument, debug, info, warn};

use crate::attempt::{Interrupts, Progress, Stopped, ledger_failure};
use crate::braking;
use crate::claiming::held;
use crate::fetch::{Fetched, Fetcher, Keeping, stopping};

/// One reading of a window, from the position after the last committed page.
pub(crate) struct Reading<'a> {
    pub(crate) fetcher: &'a Fetcher<'a>,
    pub(crate) keeping: Keeping<'a>,
    pub(crate) interrupts: &'a Interrupts<'a>,
    pub(crate) progress: &'a mut Progress,
    pub(crate) walk: Walk<'a>,
    pub(crate) lessons: Lessons,
    pub(crate) sight: Sight,
}

/// What the pages of this pass have shown so far.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// Whether they came in an order in which none of their rows can have been missed.
    pub(crate) in_order: bool,
    /// Whether the last one was not full.
    pub(crate) shows_an_end: bool,
    /// The most rows of one page that was full, or was the last one.
    pub(crate) largest_page: u64,
    /// Whether the last page may be one that was cut.
    pub(crate) may_be_cut: bool,
    /// The first page whose rows did not show their order.
    pub(crate) order_lost_at: Option<Position>,
    /// How many pages came since the window was last begun again within this pass, if it was.
    pub(crate) pages_again: Option<u32>,
    /// How many rows the source has counted.
    pub(crate) counted: Option<u64>,
    /// Where rows were looked for that it counts.
    pub(crate) search: Search,
}

/// What a commit stores.
pub(crate) struct Content<'a> {
    pub(crate) page: u32,
    pub(crate) request: &'a str,
    pub(crate) observed_at: DateTime<Utc>,
    pub(crate) records: &'a [Record],
    pub(crate) quarantined: &'a [Quarantined],
}

impl<'a> Reading<'a> {
    /// Begins where the claim says.
    pub(crate) async fn begin(
        fetcher: &'a Fetcher<'a>,
        keeping: Keeping<'a>,
        interrupts: &'a Interrupts<'a>,
        progress: &'a mut Progress,
    ) -> Result<Self, Failure> {
        let (claim, fleet) = (fetcher.claim, fetcher.fleet);
        let ledger = &*fleet.parts.ledger;
        let lessons = fleet.lessons.get(ledger, claim.connection, &claim.entity).await;
        let lessons = lessons.map_err(ledger_failure)?;
        let (from, rows) = (claim.position.clone(), claim.page_size);
        let walk = Walk::new(fetcher.entity, &claim.window, from, rows, lessons.dialect);
        let sight = Sight {
            in_order: fetcher.connector.is_in_order(&claim.position),
            ..Sight::default()
        };
        Ok(Self {
            fetcher,
            keeping,
            interrupts,
            progress,
            walk,
            lessons,
            sight,
        })
    }
}

impl Reading<'_> {
    /// Reads, stores and reconciles, until the window is done or something ends it.
    pub(crate) async fn run(mut self) -> Result<(), Stopped> {
        if self.is_resumed() && self.reconcile().await? {
            return Ok(());
        }
        loop {
            let from = self.walk.position().clone();
            let fetched = match self.fetch().await? {
                Ok(fetched) => fetched,
                Err(failure) if failure.kind == FailureKind::NotInPlan => {
                    return self.finish_without_rows(failure).await;
                }
                Err(failure) => return Err(failure.into()),
            };
            let brings_news = self.brings_news(&fetched.page).await?;
            let is_last = self.is_last(&fetched.page, brings_news);
            if is_last && self.is_whole_window(&fetched).await? {
                return self.finish_with(&fetched).await;
            }
            // A commit forgives the failures so far. Who resumes after the last page meets one without news in every
            // attempt, and would go on for ever if what follows it always failed.
            if brings_news {
                self.note_order(&fetched.page, from);
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

    /// Notes whether a page that was asked for from there shows its order. One without news has none to show.
    fn note_order(&mut self, page: &Page, from: Position) {
        if self.sight.in_order && !page.in_order {
            self.sight.order_lost_at = Some(from);
        }
        self.sight.in_order = page.in_order;
    }

    /// Whether no other page is to be asked for now. Full pages without news may have no end; where the window was begun
    /// again, they are to be expected.
    fn is_last(&self, page: &Page, brings_news: bool) -> bool {
        let is_endless = match self.sight.pages_again {
            None => !brings_news,
            Some(pages) => {
                let rows = self.sight.counted.unwrap_or(self.sight.largest_page);
                u64::from(pages)
                    > 10 + 2 * rows.div_ceil(u64::from(self.walk.rows().saturating_sub(1).max(1)))
            }
        };
        !page.more || is_endless
    }

    /// Whether an earlier attempt has read some of the window, and perhaps all of it. The source's count tells; asking for
    /// another page would cost as much.
    fn is_resumed(&self) -> bool {
        self.progress.page > 0 && self.is_counted()
    }

    /// Fetches the next page, by the request that the upstream serves.
    async fn fetch(&mut self) -> Result<Result<Fetched, Failure>, Stopped> {
        let first_of_pass = self.progress.page == 0;
        loop {
            let number = self.progress.page + 1;
            let fetching = self.fetcher.page(self.walk.request(), number, self.keeping);
            let fetched = self.interrupts.guard(fetching).await?;
            reach(Point::AfterResponse, self.fetcher.entity.name).await;
            let failure = match fetched {
                Ok(fetched) => {
                    if first_of_pass {
                        self.progress.read_since = Some(fetched.observed_at);
                    }
                    return Ok(Ok(self.arrived(fetched).await));
                }
                Err(failure) => failure,
            };
            match self.walk.failed(&*self.fetcher.connector, failure.clone()) {
                Ok(change) => self.tell_change(change, &failure),
                Err(failure) => return Ok(Err(failure)),
            }
            if self.fetcher.fleet.shutdown.is_cancelled() {
                return Err(stopping().into());
            }
        }
    }

    /// Notes what a page shows.
    async fn arrived(&mut self, fetched: Fetched) -> Fetched {
        let page = self.walk.arrived(fetched.page);
        if self.lessons.dialect.order && self.walk.has_learned_that_order_is_refused() {
            self.heed(Fact::OrderRefused).await;
        }
        self.sight.pages_again = self.sight.pages_again.map(|pages| pages + 1);
        self.sight.shows_an_end = !page.more;
        self.sight.may_be_cut = !page.more && !self.lessons.trust(self.fetcher.entity, &page);
        let rows = (page.records.len() + page.quarantined.len()) as u64;
        self.sight.largest_page = self.sight.largest_page.max(rows);
        Fetched { page, ..fetched }
    }

    fn tell_change(&self, change: Change, failure: &Failure) {
        let claim = self.fetcher.claim;
        info!(
            segment = %claim.segment, entity = claim.entity, reason = %failure.kind, message = failure.message,
            status = failure.status, transaction_id = failure.transaction_id, %change, "a page is asked for otherwise"
        );
    }

    /// Heeds a refusal for this attempt, and keeps it for the fleet once it was met twice.
    pub(crate) async fn heed(&mut self, refusal: Fact) {
        let (claim, fleet) = (self.fetcher.claim, self.fetcher.fleet);
        if fleet.lessons.suspect(claim.connection, &claim.entity, refusal) {
            self.learn(refusal, 1).await;
        } else {
            self.lessons = self.lessons.with(refusal, 1);
        }
    }

    /// Keeps a fact about the upstream, where it is news. What cannot be kept is learned again.
    pub(crate) async fn learn(&mut self, fact: Fact, value: u64) {
        let known = self.lessons;
        self.lessons = known.with(fact, value);
        if self.lessons == known {
            return;
        }
        let (claim, fleet) = (self.fetcher.claim, self.fetcher.fleet);
        let ledger = &*fleet.parts.ledger;
        let learning = fleet
            .lessons
            .learn(ledger, claim.connection, &claim.entity, fact, value);
        match learning.await {
            Ok(true) if fact != Fact::LargestPage => warn!(
                connection = self.fetcher.connection.name, entity = claim.entity, fact = %fact,
                "the upstream refuses what it is documented to take; it is read without from now on"
            ),
            Ok(_) => {}
            Err(error) => debug!(error = &error as &dyn std::error::Error, "a lesson was not kept"),
        }
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

    /// Whether one of a page's rows was not seen in this pass. Pages that bring no news may have no end: rows that came in
    /// before them have moved theirs, or the upstream does not heed where they were to begin.
    async fn brings_news(&self, page: &Page) -> Result<bool, Stopped> {
        if self.progress.page == 0 {
            return Ok(true);
        }
        let ids: Vec<&str> = ids_of(page).collect();
        let (claim, pass) = (self.fetcher.claim, self.progress.pass);
        let ledger = &self.fetcher.fleet.parts.ledger;
        let brings_new = ledger.brings_new(claim.segment, pass, &ids).await;
        Ok(brings_new.map_err(ledger_failure)?)
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
    async fn is_whole_window(&mut self, fetched: &Fetched) -> Result<bool, Stopped> {
        let is_only = self.progress.pass == 1 && self.progress.page == 0;
        if !is_only || !self.trusts(&fetched.page).await? {
            return Ok(false);
        }
        let ids: Vec<&str> = ids_of(&fetched.page).collect();
        let not_seen = self.not_seen(Seen::Ids(&ids), fetched.observed_at, None).await?;
        Ok(not_seen.is_empty())
    }

    /// Whether a page is believed to be the last one, by what this or another worker has learned.
    async fn trusts(&mut self, page: &Page) -> Result<bool, Stopped> {
        let entity = self.fetcher.entity;
        if !self.lessons.trust(entity, page) {
            let (claim, fleet) = (self.fetcher.claim, self.fetcher.fleet);
            let read = fleet
                .lessons
                .read(&*fleet.parts.ledger, claim.connection, &claim.entity);
            self.lessons = read.await.map_err(ledger_failure)?;
        }
        self.sight.may_be_cut = !self.lessons.trust(entity, page);
        Ok(!self.sight.may_be_cut)
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
        let go_on = self.walk.position().clone();
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
            go_on: &go_on,
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
