//! Cutting: days that become windows while they are read, as they turn out to be filled (model: `division`).
//!
//! The rows of a page that come in the order of their days show every day before that of the last one whole: with that
//! page those days are a window that is done, and what is left is another segment, in the same transaction. What is cut
//! without being read ends its segment without coverage; its parts follow, likewise.

use std::collections::HashSet;

use chrono::NaiveDate;
use ledgerfleet_connectors::Page;
use ledgerfleet_ledger::{Fact, FinishedWindow, NewSegment, NextStep, Seen};
use ledgerfleet_model::division::{Filled, Outlook, PAGES_IN_A_ROW, Step, cut, length, parts};
use ledgerfleet_model::window::window_of;
use ledgerfleet_model::{Axis, Days, Failure, FailureKind, Record, SegmentId, Window, Work};
use ledgerfleet_upstream::{Fetched, counting, ids_of};
use tracing::debug;

use super::Reading;
use super::commit::Content;
use crate::attempt::stopped::Stopped;

/// What came of a try to read the first days.
enum Tried {
    /// The segment has ended.
    Ended,
    /// A page of the window is stored, and its reading goes on.
    Begun,
    /// Days do not come in order here: there is another way.
    Unordered,
}

/// How it was found that days are not served in their order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unordered {
    /// The upstream refused: once may be a bad moment.
    Refused,
    /// Its rows show it, or its count of them.
    Seen,
}

impl Reading<'_> {
    /// Reads days that are cut where that is of use, to the end of this segment.
    pub(crate) async fn cut(mut self, filled: Filled) -> Result<(), Stopped> {
        let is_begun = self.progress.page > 0 || self.progress.pass > 1;
        let Some(days) = self.scope.days().filter(|_| !is_begun) else {
            return self.run().await;
        };
        let is_served = self.cut_days(days, filled).await?;
        // Who serves nothing at all refuses an order, too.
        match self.unordered.filter(|_| is_served) {
            Some(Unordered::Refused) => self.learner.heed(Fact::DaysUnordered).await,
            Some(Unordered::Seen) => self.learner.learn(Fact::DaysUnordered, 1).await,
            None => {}
        }
        Ok(())
    }

    /// Reads or cuts some days; answers whether they were read or counted otherwise than in their order.
    async fn cut_days(&mut self, days: Days, mut filled: Filled) -> Result<bool, Stopped> {
        let mut is_served = false;
        loop {
            match self.outlook(days, filled).step() {
                Step::Whole => {
                    self.run_on().await?;
                    return Ok(true);
                }
                Step::FirstDays => match self.first_days(days).await? {
                    Tried::Ended => return Ok(false),
                    Tried::Begun => {
                        self.run_on().await?;
                        return Ok(false);
                    }
                    Tried::Unordered => {}
                },
                Step::Count => {
                    let scope = self.scope;
                    let counted = self.count_of(&scope, None).await?;
                    is_served = counted.is_some();
                    filled = counted.map_or(Filled::Unknown, Filled::Rows);
                }
                Step::Halves(rows) => {
                    self.cut_by_count(days, rows).await?;
                    return Ok(is_served);
                }
                Step::Parts { count, rows } => {
                    let parts = parts(days, count).into_iter();
                    self.leave(parts.map(|part| (part, rows)).collect()).await?;
                    return Ok(is_served);
                }
            }
        }
    }

    fn outlook(&self, days: Days, filled: Filled) -> Outlook {
        let subject = &self.attempt.subject;
        let first_days = subject.company.connector.first_days();
        let dialect = self.learner.lessons().dialect;
        Outlook {
            days: length(days),
            filled,
            page: subject.claim.page_size.into(),
            ordered: self.may_come_in_order()
                && first_days.is_some_and(|first_days| first_days.are_served(subject.entity, dialect)),
            counted: counting::is_counted(&self.attempt.asking, subject.entity, &self.learner),
        }
    }

    fn may_come_in_order(&self) -> bool {
        self.unordered.is_none() && self.learner.lessons().days_in_order.unwrap_or(true)
    }

    /// Reads one page in the order of days.
    async fn first_days(&mut self, days: Days) -> Result<Tried, Stopped> {
        let reading = self.pass.first_days(&self.attempt.asking, &mut self.learner);
        let fetched = self.attempt.guard(reading).await?;
        self.note_answer(&fetched).await;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(failure) => return self.after_failure(days, failure).await,
        };
        if !fetched.page.more {
            let is_done = self.take(fetched).await?;
            return Ok(if is_done { Tried::Ended } else { Tried::Begun });
        }
        if !fetched.page.quarantined.is_empty() {
            // Nobody can tell of which days these are.
            drop(fetched);
            self.leave_halves(days, Filled::Unknown).await?;
            return Ok(Tried::Ended);
        }
        let Some(last) = self.last_day(&fetched.page, days) else {
            self.unordered = Some(Unordered::Seen);
            return Ok(Tried::Unordered);
        };
        self.keep_days_before(days, last, fetched).await
    }

    /// What else to do where the first days were not served.
    async fn after_failure(&mut self, days: Days, failure: Failure) -> Result<Tried, Stopped> {
        let connector = &self.attempt.subject.company.connector;
        let fails_again = self.attempt.subject.claim.standing.failures > 0;
        match failure.kind {
            FailureKind::BadRequest => {
                self.unordered = Some(Unordered::Refused);
                return Ok(Tried::Unordered);
            }
            // One window of all days finds out whether it is so.
            FailureKind::NotInPlan => return Ok(Tried::Begun),
            FailureKind::TooLarge => {}
            // It may be an outage: a moment later all of them may be served.
            FailureKind::Unservable if fails_again || failure.status.is_none_or(|status| status < 500) => {}
            FailureKind::Malformed if fails_again => {}
            _ if fails_again && connector.may_serve_fewer(&failure) => {}
            _ => return Err(failure.into()),
        }
        debug!(reason = %failure.kind, message = failure.message, "days are cut, for they are not served together");
        self.leave_halves(days, Filled::Unknown).await?;
        Ok(Tried::Ended)
    }

    /// The day of a page's last row, if its rows come in the order of their days and are of these days.
    fn last_day(&self, page: &Page, days: Days) -> Option<NaiveDate> {
        let mut last = days.from;
        for record in &page.records {
            let day = self.day_of(record)?;
            if day < last || day >= days.to {
                return None;
            }
            last = day;
        }
        Some(last)
    }

    fn day_of(&self, record: &Record) -> Option<NaiveDate> {
        let zone = self.attempt.subject.company.connection.time_zone;
        match self.scope.axis() {
            Axis::Created => Some(record.source_created_at?.with_timezone(&zone).date_naive()),
            _ => record.document_date,
        }
    }

    /// Stores what a full page shows of the days before that of its last row: they are done, and the others follow.
    async fn keep_days_before(
        &mut self,
        days: Days,
        last: NaiveDate,
        fetched: Fetched,
    ) -> Result<Tried, Stopped> {
        let zone = self.attempt.subject.company.connection.time_zone;
        let Some((before, _)) = cut(&self.scope, last, zone) else {
            drop(fetched);
            self.leave_first_day(days).await?;
            return Ok(Tried::Ended);
        };
        let kept = fetched
            .page
            .records
            .partition_point(|record| self.day_of(record).is_some_and(|day| day < last));
        let records = &fetched.page.records[..kept];
        let ids: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let first = fetched
            .page
            .records
            .first()
            .and_then(|record| self.day_of(record));
        let is_later = |day| day >= last && Some(day) > first;
        if !self.came_in_order(&before, ids.len() as u64, is_later).await? {
            self.unordered = Some(Unordered::Seen);
            return Ok(Tried::Unordered);
        }
        let observed_at = self.attempt.subject.ledger_time(fetched.asked_at);
        let (shown, after) = (Days { to: last, ..days }, Days { from: last, ..days });
        let whole = std::mem::replace(&mut self.scope, before);
        let seen: Vec<&str> = ids.iter().copied().collect();
        if !self
            .not_seen(Seen::Ids(&seen), observed_at, None)
            .await?
            .is_empty()
        {
            // What has become of those is found out by a reading of the days that are left then.
            drop(fetched);
            self.scope = whole;
            self.leave(vec![(shown, Filled::Unknown), (after, Filled::Unknown)])
                .await?;
            return Ok(Tried::Ended);
        }
        let left = self.left_of(days, shown, after, kept as u64);
        self.rest = vec![self.follow_up(after, left)];
        let finished = FinishedWindow {
            rows: ids.len() as u64,
            open: self.may_grow(),
            ..FinishedWindow::default()
        };
        let content = Content {
            page: self.progress.page + 1,
            request: &fetched.request,
            observed_at,
            records,
            quarantined: &[],
            window: None,
        };
        let rows = ids_of(&fetched.page).count() as u64;
        self.commit(content, NextStep::Done(finished)).await?;
        // Who serves a full page has not cut it.
        self.learner.learn(Fact::LargestPage, rows).await;
        Ok(Tried::Ended)
    }

    /// Whether the days before a page's last one are all on it. Who ignores the order may serve days that do not decrease
    /// by chance, and the rest of them later: so the source counts those days. It counts every page's until the order is
    /// known to be heeded, for rows that lie in the order of their days but for a few agree with most counts.
    async fn came_in_order(
        &mut self,
        before: &Window,
        rows: u64,
        is_later: impl Fn(NaiveDate) -> bool,
    ) -> Result<bool, Stopped> {
        // What is known of one order says nothing of another.
        let is_usual = before.axis() == self.attempt.subject.entity.default_axis();
        if is_usual && self.learner.lessons().days_in_order == Some(true) {
            return Ok(true);
        }
        let agrees = self.count_of(before, None).await? == Some(rows);
        if agrees && is_usual && self.is_order_heeded(is_later).await? {
            self.learner.learn(Fact::DaysInOrder, 1).await;
        }
        Ok(agrees)
    }

    /// Whether the order backwards shows a later day first: whoever ignores orders shows the same row as before.
    async fn is_order_heeded(&self, is_later: impl Fn(NaiveDate) -> bool) -> Result<bool, Stopped> {
        let page = self
            .attempt
            .guard(self.pass.last_day(&self.attempt.asking))
            .await?;
        match page {
            Ok(page) => Ok(page
                .records
                .first()
                .and_then(|record| self.day_of(record))
                .is_some_and(is_later)),
            Err(failure) if failure.kind == FailureKind::BadRequest => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// How many rows are left after a page: by what they were said to be, or by the days that it has shown.
    fn left_of(&self, days: Days, shown: Days, after: Days, kept: u64) -> Filled {
        let claim = self.attempt.subject.claim;
        let said = match claim.work {
            Work::Auto { filled, .. } => filled,
            _ => Filled::Unknown,
        };
        match said {
            Filled::Rows(rows) if rows > kept => Filled::Rows(rows - kept),
            _ if self.outlook(days, said).is_many(length(shown), length(after)) => Filled::Many,
            _ => Filled::Unknown,
        }
    }

    /// The first day alone fills a page: it is a window of its own, and the others are counted.
    async fn leave_first_day(&mut self, days: Days) -> Result<(), Stopped> {
        let next = days.from.succ_opt().unwrap_or(days.to);
        let first = Days { to: next, ..days };
        let others = Days { from: next, ..days };
        self.leave(vec![(first, Filled::Unknown), (others, Filled::Many)])
            .await
    }

    /// Cuts where the count of the earlier half says how many rows each has.
    async fn cut_by_count(&mut self, days: Days, rows: u64) -> Result<(), Stopped> {
        let halves = parts(days, 2);
        let zone = self.attempt.subject.company.connection.time_zone;
        let earlier = window_of(halves[0], self.scope.axis(), zone);
        let counted = self.count_of(&earlier, None).await?;
        let later = counted.map_or(Filled::Many, |counted| {
            rows.checked_sub(counted).map_or(Filled::Many, Filled::Rows)
        });
        let earlier = counted.map_or(Filled::Many, Filled::Rows);
        self.leave(halves.into_iter().zip([earlier, later]).collect())
            .await
    }

    /// Whether a window of days has turned out to be much more than one is to be.
    pub(super) fn is_too_much(&self) -> bool {
        let is_cut = matches!(self.attempt.subject.claim.work, Work::Auto { .. });
        let days = self.scope.days().map_or(0, length);
        is_cut && self.progress.page >= PAGES_IN_A_ROW && days > 1
    }

    /// Cuts what has turned out to be too much. What was read of it is stored, and is read again.
    pub(super) async fn cut_in_halves(&mut self) -> Result<(), Stopped> {
        let Some(days) = self.scope.days() else {
            return Ok(());
        };
        let half = u64::from(self.attempt.subject.claim.page_size) * u64::from(PAGES_IN_A_ROW / 2);
        self.leave_halves(days, Filled::Rows(half)).await
    }

    async fn leave_halves(&mut self, days: Days, filled: Filled) -> Result<(), Stopped> {
        let halves = parts(days, 2).into_iter();
        self.leave(halves.map(|half| (half, filled)).collect()).await
    }

    /// Ends the segment: nothing of its days is covered, and these parts of them follow.
    async fn leave(&mut self, parts: Vec<(Days, Filled)>) -> Result<(), Stopped> {
        let note = format!("cut into {} parts", parts.len());
        self.rest = parts
            .into_iter()
            .map(|(days, filled)| self.follow_up(days, filled))
            .collect();
        let now = self.attempt.subject.ledger_now();
        let nothing = Window::changed(now, Some(now));
        let content = Content {
            page: self.progress.page,
            request: "",
            observed_at: now,
            records: &[],
            quarantined: &[],
            window: Some(&nothing),
        };
        let finished = FinishedWindow {
            note: Some(note),
            ..FinishedWindow::default()
        };
        self.commit(content, NextStep::Done(finished)).await
    }

    fn follow_up(&self, days: Days, filled: Filled) -> NewSegment {
        let subject = &self.attempt.subject;
        let zone = subject.company.connection.time_zone;
        NewSegment {
            id: SegmentId::new(),
            connection: subject.claim.connection,
            entity: subject.entity.name.to_owned(),
            work: Work::Auto {
                window: window_of(days, self.scope.axis(), zone),
                filled,
            },
        }
    }
}
