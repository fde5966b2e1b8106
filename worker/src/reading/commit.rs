//! Commit: what was read, progress and outcome in one transaction, under the fence.

use chrono::{DateTime, Utc};
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{Committed, Effects, LedgerError, NextStep, PageCommit};
use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{Quarantined, Record};
use ledgerfleet_telemetry::metrics::{self, RowCounts};
use ledgerfleet_telemetry::traces;
use ledgerfleet_upstream::Fetched;
use tokio::time::Instant;
use tracing::Instrument;

use super::Reading;
use crate::attempt::stopped::Stopped;
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
        };
        self.commit(content, next).await
    }

    /// Rows, progress and outcome in one transaction, under the fence.
    pub(super) async fn commit(&mut self, content: Content<'_>, next: NextStep) -> Result<(), Stopped> {
        let (subject, progress) = (&self.attempt.subject, &*self.progress);
        let (claim, fleet) = (subject.claim, subject.fleet);
        let go_on = self.pass.position().clone();
        let commit = PageCommit {
            segment: claim.segment,
            epoch: progress.standing.epoch,
            connection: claim.connection,
            entity: &claim.entity,
            table: subject.entity.table,
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
            Err(error) => Err(braking::not_stored(subject, error).await),
        };
        traces::ended(&span, &committed);
        match committed? {
            Committed::Stored(effects) => {
                let rows = rows(effects, commit.quarantined);
                traces::committed(&span, rows);
                self.note_stored(rows, &commit, asked_at);
                braking::succeeded(subject).await;
                Ok(())
            }
            Committed::Fenced => {
                metrics::write_fenced();
                Err(Stopped::Fenced)
            }
        }
    }

    fn note_stored(&mut self, rows: RowCounts, commit: &PageCommit<'_>, asked_at: Instant) {
        let UnderWay {
            subject, watchdog, ..
        } = self.attempt;
        let fleet = subject.fleet;
        fleet.held.renewed(&[held(subject.claim)], asked_at, commit.lease);
        watchdog.progressed();
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
