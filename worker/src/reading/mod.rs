//! Reading: one window, page by page, from the position after the last committed page.
//!
//! A window of one page is done with that page where nothing speaks against that: a larger page of this entity was not
//! cut, or the answer counts its own rows, and nothing is stored of the window that the page does not show. Every other
//! one is reconciled with the source after its last page (`reconcile`), and read on or again while they differ.

mod changes;
mod commit;
mod cutting;
mod pages;
mod reconcile;
mod records;
mod recount;
mod windows;

pub(crate) use changes::Changing;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::{Ending, Page};
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{FinishedWindow, NewSegment, NextStep, Seen};
use ledgerfleet_model::{Failure, FailureKind, Window, Work};
use ledgerfleet_upstream::{Fetched, Learner, Pass, counting, ids_of, stopped};

use crate::attempt::progress::Progress;
use crate::attempt::stopped::{Stopped, ledger_failure};
use crate::attempt::under_way::UnderWay;

/// One reading of a window, from the position after the last committed page.
pub(crate) struct Reading<'a> {
    attempt: &'a UnderWay<'a>,
    progress: &'a mut Progress,
    pass: Pass<'a>,
    /// What is read: the segment's window, or what of it the page shows whole.
    scope: Window,
    /// What is left of the segment's days, if they are cut.
    rest: Vec<NewSegment>,
    learner: Learner<'a>,
    /// Records of the window that its pages left out, and that were found by their ids.
    left_out: u64,
    /// How it was found that the first days of the window are not served in their order; none where it was not.
    unordered: Option<cutting::Unordered>,
}

impl<'a> Reading<'a> {
    /// Begins where the claim says.
    pub(crate) async fn begin(
        attempt: &'a UnderWay<'a>,
        progress: &'a mut Progress,
    ) -> Result<Self, Failure> {
        let subject = &attempt.subject;
        let (claim, fleet, entity) = (subject.claim, subject.fleet, subject.entity);
        let ledger = &*fleet.parts.ledger;
        let learner = fleet.lessons.learner(ledger, claim.connection, entity.name).await;
        let learner = learner.map_err(ledger_failure)?;
        let connector = &*subject.company.connector;
        let dialect = learner.lessons().dialect;
        let pass = Pass::new(connector, entity, &subject.window, claim.page_size, dialect);
        Ok(Self {
            attempt,
            progress,
            pass: pass.resumed(connector, claim.position.clone(), claim.page),
            scope: subject.window,
            rest: Vec::new(),
            learner,
            left_out: 0,
            unordered: None,
        })
    }
}

impl Reading<'_> {
    /// Reads, stores and reconciles, until the window is done or something ends it.
    pub(crate) async fn run(mut self) -> Result<(), Stopped> {
        if self.is_resumed() && self.reconcile().await? {
            return Ok(());
        }
        self.run_on().await
    }

    /// Reads on, from where it is.
    async fn run_on(&mut self) -> Result<(), Stopped> {
        loop {
            let fetched = match self.fetch().await? {
                Ok(fetched) => fetched,
                Err(failure) if failure.kind == FailureKind::NotInPlan => {
                    return self.finish_without_rows(failure).await;
                }
                Err(failure) => return Err(failure.into()),
            };
            if self.take(fetched).await? {
                return Ok(());
            }
            if self.is_too_much() {
                return self.cut_in_halves().await;
            }
            if self.attempt.subject.fleet.shutdown.is_cancelled() {
                return Err(stopped().into());
            }
        }
    }

    /// Stores a page and what follows from it; true if that ended the window.
    async fn take(&mut self, fetched: Fetched) -> Result<bool, Stopped> {
        let brings_news = self.brings_news(&fetched.page).await?;
        let is_last = self.pass.is_last(&fetched.page, brings_news);
        if is_last && self.is_whole_window(&fetched).await? {
            self.finish_with(&fetched).await?;
            return Ok(true);
        }
        // A commit forgives the failures so far. Who resumes after the last page meets one without news in every
        // attempt, and would go on for ever if what follows it always failed.
        if brings_news {
            self.commit_page(&fetched, NextStep::Page).await?;
        } else if self.pass.reads_again() {
            self.attempt.watchdog.progressed();
        }
        drop(fetched);
        Ok(is_last && self.reconcile().await?)
    }

    /// Whether an earlier attempt has read some of the window, and perhaps all of it. The source's count tells; asking for
    /// another page would cost as much.
    fn is_resumed(&self) -> bool {
        let UnderWay { subject, asking, .. } = self.attempt;
        self.progress.page > 0 && counting::is_counted(asking, subject.entity, &self.learner)
    }

    /// Fetches the next page.
    async fn fetch(&mut self) -> Result<Result<Fetched, Failure>, Stopped> {
        let fetching = self.pass.next(&self.attempt.asking, &mut self.learner);
        let fetched = self.attempt.guard(fetching).await?;
        self.note_answer(&fetched).await;
        Ok(fetched)
    }

    async fn note_answer(&mut self, fetched: &Result<Fetched, Failure>) {
        let subject = &self.attempt.subject;
        reach(Point::AfterResponse, subject.entity.name).await;
        if let Ok(fetched) = fetched {
            let asked_at = subject.ledger_time(fetched.asked_at);
            if self.progress.page == 0 {
                self.progress.read_since = Some(asked_at);
            }
            self.progress.note_time(asked_at, fetched.page.time);
        }
    }

    /// The window was one page: its rows, its coverage and its outcome are one commit.
    async fn finish_with(&mut self, fetched: &Fetched) -> Result<(), Stopped> {
        let quarantined = fetched
            .page
            .quarantined
            .iter()
            .map(|quarantined| quarantined.id.as_str());
        let finished = FinishedWindow {
            rows: distinct(ids_of(&fetched.page)),
            quarantined: distinct(quarantined),
            open: self.may_grow(),
            note: self.pass.remark().map(str::to_owned),
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
        let (subject, pass) = (&self.attempt.subject, self.progress.pass);
        let ledger = &subject.fleet.parts.ledger;
        let brings_new = ledger.brings_new(subject.claim.segment, pass, &ids);
        let brings_new = self.attempt.guard(brings_new).await?;
        Ok(brings_new.map_err(ledger_failure)?)
    }

    /// The upstream says that this company has no such entity: done, with a note. It is believed as its first word on a
    /// window of which nothing is stored; of an entity that is there, it is an error like others.
    async fn finish_without_rows(&mut self, refusal: Failure) -> Result<(), Stopped> {
        let is_first_word = self.progress.pass == 1 && self.progress.page == 0;
        let now = self.attempt.subject.ledger_now();
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
        let since = self.attempt.subject.ledger_time(fetched.asked_at);
        let not_seen = self.not_seen(Seen::Ids(&ids), since, None).await?;
        Ok(not_seen.is_empty())
    }

    /// Whether a page is believed to be the last one, by what this or another worker has learned.
    async fn trusts(&mut self, page: &Page) -> Result<bool, Stopped> {
        if self.pass.trusts(page, self.learner.lessons()) {
            return Ok(true);
        }
        // Another attempt may be finding it out: what it pays for is waited for, and not paid for again.
        if page.ending == Ending::Unsaid {
            let patience = self.attempt.subject.fleet.parts.timings.gate_patience();
            let turn = self.attempt.guard(self.learner.take_turn(patience));
            // Who is to stop stores the page, and whoever has the segment next finds out.
            tokio::select! {
                biased;
                () = self.attempt.subject.fleet.shutdown.cancelled() => return Ok(false),
                turn = turn => turn?,
            }
        }
        self.learner.refresh().await.map_err(ledger_failure)?;
        let is_as_large = self.learner.lessons().is_as_large(page);
        // A list that is followed and was counted within a day is not counted at every reading: what a limit of just as many
        // rows hides is found by the next count.
        if is_as_large && self.attempt.subject.claim.work == Work::Sync(Window::Whole) {
            self.pass.believe_whole();
            self.learner.give_up_turn();
            return Ok(true);
        }
        if is_as_large {
            let rows = (page.records.len() + page.quarantined.len()) as u64;
            let larger = self
                .pass
                .learn_larger_than(rows, &self.attempt.asking, &mut self.learner);
            self.attempt.guard(larger).await?;
        }
        let trusts = self.pass.trusts(page, self.learner.lessons());
        if trusts {
            self.learner.give_up_turn();
        }
        Ok(trusts)
    }

    /// Whether rows may still have appeared in the window after its first page was read, because it ends too close to
    /// that time.
    fn may_grow(&self) -> bool {
        let subject = &self.attempt.subject;
        let end = self.scope.end(subject.company.connection.time_zone);
        end.is_some_and(|end| end > self.pass_began())
    }

    /// An instant that by the upstream's clock lies before the first request of this pass. Where an earlier attempt made
    /// it, however long ago that was, nothing was asked before the segment's first claim. The ledger's clock may be ahead of
    /// the upstream's: what the upstream has told of its own counts.
    fn pass_began(&self) -> DateTime<Utc> {
        let subject = &self.attempt.subject;
        let read_since = self.progress.read_since.unwrap_or(subject.claim.first_claimed_at);
        let began = read_since - self.progress.upstream_behind;
        let first_answer = self.progress.answered_at.filter(|_| self.progress.pass == 1);
        first_answer.map_or(began, |answer| answer.min(began)) - subject.fleet.parts.timings.upper_margin
    }
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> u64 {
    ids.collect::<HashSet<_>>().len() as u64
}
