//! Commit: what was read, progress and outcome in one transaction, under the fence.

use chrono::{DateTime, Utc};
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{
    Batch, Checkpoint, Committed, Effects, LedgerError, NewSegment, NextStep, PageCommit,
};
use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{Quarantined, Record, SegmentId, Window, Work};
use ledgerfleet_telemetry::metrics::{self, RowCounts};
use ledgerfleet_telemetry::traces;
use ledgerfleet_upstream::Fetched;
use tokio::time::Instant;
use tracing::Instrument;

use super::Reading;
use super::windows::{DOUBTED, by_window};
use crate::attempt::progress::Progress;
use crate::attempt::stopped::{Stopped, failure_of};
use crate::attempt::under_way::UnderWay;
use crate::braking;
use crate::held::held;

/// What a commit stores.
pub(super) struct Content<'a> {
    pub(super) page: u32,
    pub(super) request: &'a str,
    pub(super) observed_at: DateTime<Utc>,
    pub(super) records: &'a [Record],
    pub(super) quarantined: &'a [Quarantined],
    /// The window it is told to be of, where it is another than the segment's.
    pub(super) window: Option<&'a Window>,
}

impl Reading<'_> {
    /// Stores a fetched page and what follows from it.
    pub(super) async fn commit_page(&mut self, fetched: &Fetched, next: NextStep) -> Result<(), Stopped> {
        let content = Content {
            page: self.progress.page + 1,
            request: &fetched.request,
            observed_at: self.attempt.subject.ledger_time(fetched.asked_at),
            records: &fetched.page.records,
            quarantined: &fetched.page.quarantined,
            window: None,
        };
        self.commit(content, next).await
    }

    /// Stores what follows after the last page, without another one.
    pub(super) async fn close(&mut self, next: NextStep) -> Result<(), Stopped> {
        let content = Content {
            page: self.progress.page,
            request: "",
            observed_at: self.attempt.subject.ledger_now(),
            records: &[],
            quarantined: &[],
            window: None,
        };
        self.commit(content, next).await
    }

    /// Rows, progress and outcome in one transaction, under the fence.
    pub(super) async fn commit(&mut self, content: Content<'_>, mut next: NextStep) -> Result<(), Stopped> {
        let (subject, progress) = (&self.attempt.subject, &*self.progress);
        let claim = subject.claim;
        let window = content.window.unwrap_or(&self.scope);
        if let (NextStep::Done(finished), Work::Auto { .. }) = (&mut next, &claim.work) {
            finished.narrowed = window.is_of_days();
        }
        let go_on = self.pass.position().clone();
        let (entity, table) = (subject.entity.name, subject.entity.table);
        let Content {
            records, quarantined, ..
        } = content;
        let batch = Batch {
            entity,
            table,
            records,
            quarantined,
        };
        let commit = PageCommit {
            segment: claim.segment,
            epoch: progress.standing.epoch,
            connection: claim.connection,
            entity: &claim.entity,
            window,
            pass: progress.pass,
            page: content.page,
            page_size: claim.page_size,
            request: content.request,
            observed_at: content.observed_at,
            answered_at: progress.answered_at,
            batches: vec![batch],
            checkpoints: self.checkpoints(&next),
            follow_ups: self.follow_ups(),
            lease: subject.fleet.parts.timings.lease,
            calls: progress.charges.calls(),
            go_on: &go_on,
            next,
        };
        store(self.attempt, self.progress, &commit).await
    }

    /// What moves with the end of a window that was read so that its entity is in sync: up to the first answer of it, for
    /// what has changed since may be on a page that was read before. It stays where the source counts more changes than it
    /// shows: they are asked for again.
    fn checkpoints(&self, next: &NextStep) -> Vec<Checkpoint<'static>> {
        let subject = &self.attempt.subject;
        let Work::Sync(window) = subject.claim.work else {
            return Vec::new();
        };
        let answered_at = self.progress.answered_at;
        let (read_since, until) = match window {
            Window::Instants { start, .. } if counts_more(next) || self.answered_before(start).is_some() => {
                (Some(start), None)
            }
            Window::Instants { start, end, .. } => (Some(start), answered_at.map(|at| at.min(end))),
            Window::Whole | Window::Dates { .. } => (None, answered_at),
        };
        vec![Checkpoint {
            entity: subject.entity.name,
            read_since,
            until,
        }]
    }

    /// The upstream's time, where the window of changes begins after it. It begins where another answer ended, whose clock
    /// was ahead: what has changed until now was not told, and this window has not asked for it.
    fn answered_before(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.progress.answered_at.filter(|at| *at < start)
    }

    /// What is left of days that are cut. What was deleted meanwhile is in no window of changes: it is counted afterwards, of
    /// entities whose deletions are told otherwise.
    fn follow_ups(&self) -> Vec<NewSegment> {
        if !self.rest.is_empty() {
            return self.rest.clone();
        }
        let subject = &self.attempt.subject;
        let changes = subject.company.connector.changes();
        let Work::Sync(Window::Instants { start, .. }) = subject.claim.work else {
            return Vec::new();
        };
        if let Some(time) = self.answered_before(start) {
            return vec![by_window(self.attempt, subject.entity, time - DOUBTED, None)];
        }
        if !changes.is_some_and(|changes| changes.tells(subject.entity)) {
            return Vec::new();
        }
        vec![NewSegment {
            id: SegmentId::new(),
            connection: subject.claim.connection,
            entity: subject.entity.name.to_owned(),
            work: Work::Recount,
        }]
    }
}

/// Sends a commit, and notes what it did.
pub(super) async fn store(
    attempt: &UnderWay<'_>,
    progress: &mut Progress,
    commit: &PageCommit<'_>,
) -> Result<(), Stopped> {
    match try_to_store(attempt, progress, commit).await? {
        Ok(()) => Ok(()),
        Err(error) => Err(braking::not_stored(&attempt.subject, error).await.into()),
    }
}

/// The same, for who has another way where the ledger does not store it.
pub(super) async fn try_to_store(
    attempt: &UnderWay<'_>,
    progress: &mut Progress,
    commit: &PageCommit<'_>,
) -> Result<Result<(), LedgerError>, Stopped> {
    let subject = &attempt.subject;
    let asked_at = Instant::now();
    let span = traces::commit(commit.pass, commit.page);
    let committing = subject.fleet.parts.ledger.commit_page(commit);
    let committed = committing.instrument(span.clone()).await;
    reach(Point::AfterCommit, commit.entity).await;
    progress.unknown = matches!(committed, Err(LedgerError::CommitUnknown(_)));
    traces::ended(&span, &committed.as_ref().map_err(failure_of));
    match committed {
        Err(error) => Ok(Err(error)),
        Ok(Committed::Stored(effects)) => {
            let rows = rows(effects, &commit.batches);
            traces::committed(&span, rows);
            note_stored(attempt, progress, rows, commit, asked_at);
            braking::succeeded(subject).await;
            Ok(Ok(()))
        }
        Ok(Committed::Fenced) => {
            metrics::write_fenced();
            Err(Stopped::Fenced)
        }
    }
}

fn note_stored(
    attempt: &UnderWay<'_>,
    progress: &mut Progress,
    rows: RowCounts,
    commit: &PageCommit<'_>,
    asked_at: Instant,
) {
    let UnderWay {
        subject, watchdog, ..
    } = attempt;
    let fleet = subject.fleet;
    fleet.held.renewed(&[held(subject.claim)], asked_at, commit.lease);
    watchdog.progressed();
    progress.counted(commit.calls);
    progress.pages += u32::from(!commit.request.is_empty());
    let event = match commit.next {
        NextStep::Done(_) => Some(Event::Finish),
        NextStep::Page | NextStep::Pass => Some(Event::Page),
        NextStep::Beside => None,
    };
    // The ledger has done this already; a refusal here would be a defect that its conformance suite finds.
    let standing = progress.standing;
    let after = event.map(|event| standing.on(event, &fleet.parts.timings));
    progress.standing = after.and_then(Result::ok).unwrap_or(standing);
    (progress.pass, progress.page) = match commit.next {
        NextStep::Pass => (commit.pass + 1, 0),
        NextStep::Page | NextStep::Beside | NextStep::Done(_) => (commit.pass, commit.page),
    };
    metrics::page_committed(progress.connector, commit.entity, rows);
}

fn rows(effects: Effects, batches: &[Batch<'_>]) -> RowCounts {
    let Effects {
        new,
        changed,
        same,
        deleted,
    } = effects;
    let quarantined: usize = batches.iter().map(|batch| batch.quarantined.len()).sum();
    RowCounts {
        new,
        changed,
        same,
        deleted,
        quarantined: quarantined as u64,
    }
}

/// Whether the source counts more rows of a window than it has shown.
fn counts_more(next: &NextStep) -> bool {
    let NextStep::Done(finished) = next else {
        return false;
    };
    finished.unproven && finished.source_count.is_some_and(|count| count > finished.rows)
}
