//! Attempt: carries one claim as far as it gets.
//!
//! Lock the window; then, page by page: pass the gate, fetch, check, commit. A window of one page is done with that
//! page. A longer one is reconciled with the source's own count after its last page, and read again while they
//! differ. Whatever ends an attempt before its last page becomes a `Failure`, and `settle` decides what that means.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_coordination::{GateLimits, LockKey, Taken};
use ledgerfleet_ledger::{Claim, Committed, Effects, FinishedWindow, LedgerError, NextStep, PageCommit};
use ledgerfleet_model::segment::{Event, PASSES};
use ledgerfleet_model::{Failure, FailureKind, Record, Standing};
use ledgerfleet_telemetry::metrics::{self, AttemptOutcome, RowCounts};
use tokio::time::Instant;
use tracing::{debug, error};

use crate::claiming::held;
use crate::fetch::{Fetched, Fetcher, Keeping, stopping, unreachable};
use crate::keeper::Keeper;
use crate::run::Fleet;
use crate::settle::settle;
use crate::source::Work;
use crate::watchdog::Watchdog;

/// How an attempt ended otherwise than done.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The segment is not ours any more; nothing may be written.
    Fenced,
    /// It did not finish.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Carries a claim to its outcome. Never fails: what goes wrong is settled here.
pub(crate) async fn attempt(work: Work, fleet: &Fleet) {
    let began = Instant::now();
    let mut progress = Progress::of(&work.claim);
    let outcome = match carry(&work, fleet, &mut progress).await {
        Ok(()) => AttemptOutcome::Done,
        Err(Stopped::Fenced) => AttemptOutcome::Fenced,
        Err(Stopped::Failed(failure)) => settle(fleet, &work.claim, &progress, failure).await,
    };
    debug!(segment = %work.claim.segment, %outcome, "attempt ended");
    metrics::attempt_ended(progress.connector, outcome, began.elapsed());
    fleet.held.leave(held(&work.claim));
    fleet.ring().await;
}

/// How far an attempt has got; it outlives the attempt's end, however that comes.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The segment's state and counters, as the ledger has them now.
    pub(crate) standing: Standing,
    /// Metered calls since the last commit.
    pub(crate) calls: u32,
    /// The connector's name, once it is known.
    pub(crate) connector: &'static str,
    /// The gate's limits, once they are known.
    pub(crate) limits: Option<GateLimits>,
    pass: u32,
    /// Pages of this pass that are committed.
    page: u32,
}

impl Progress {
    fn of(claim: &Claim) -> Self {
        Self {
            standing: claim.standing,
            calls: 0,
            connector: "unknown",
            limits: None,
            pass: claim.pass,
            page: claim.page,
        }
    }
}

/// Prepares, locks, and reads the window, until it is done or something ends it.
async fn carry(work: &Work, fleet: &Fleet, progress: &mut Progress) -> Result<(), Stopped> {
    let lost = fleet.held.lost_signal(held(&work.claim));
    let fetcher = prepare(work, fleet).await?;
    progress.connector = fetcher.entry.name;
    progress.limits = Some(fetcher.limits);
    let keeper = lock(&fetcher).await?;
    let watchdog = Watchdog::new(fleet.timings.progress);
    let reading = Reading {
        fetcher: &fetcher,
        keeping: Keeping {
            keeper: &keeper,
            watchdog: &watchdog,
        },
        progress,
    };
    let ended = tokio::select! {
        ended = AssertUnwindSafe(reading.to_the_end()).catch_unwind() => {
            ended.unwrap_or_else(|panic| Err(panicked(&*panic).into()))
        }
        () = lost.cancelled() => Err(Stopped::Fenced),
        () = keeper.lost() => Err(lost_lock().into()),
        () = watchdog.stalled() => Err(stalled(fleet).into()),
        () = fleet.drained.cancelled() => Err(stopping().into()),
    };
    keeper.finish().await;
    ended
}

/// Finds out whom and what the claim is about.
async fn prepare<'a>(work: &'a Work, fleet: &'a Fleet) -> Result<Fetcher<'a>, Failure> {
    let claim = &work.claim;
    let connection = fleet
        .connections
        .get(&*fleet.ledger, claim.connection)
        .await
        .map_err(ledger_failure)?;
    let unknown =
        |what: String| Failure::new(FailureKind::BadRequest, format!("this program knows no {what}"));
    let entry = connector_entry(&connection.connector)
        .ok_or_else(|| unknown(format!("connector `{}`", connection.connector)))?;
    let connector = fleet.connectors.get(entry.name).cloned();
    let connector = connector.ok_or_else(|| unknown(format!("connector `{}`", entry.name)))?;
    let entity = find_entity(entry, &claim.entity);
    let entity = entity.ok_or_else(|| unknown(format!("entity `{}` of {}", claim.entity, entry.name)))?;
    let limits = GateLimits {
        requests_per_second: connection
            .requests_per_second
            .unwrap_or(entry.gate.requests_per_second),
        slots: connection.slots.unwrap_or(entry.gate.slots),
        slot_ttl: fleet.timings.lock_ttl,
        quarantine: fleet.timings.request,
    };
    Ok(Fetcher {
        fleet,
        claim,
        answered_at: work.answered_at,
        entry,
        connection,
        connector,
        entity,
        limits,
    })
}

/// Takes the window's lock, so that no other attempt buys the same pages now.
async fn lock(fetcher: &Fetcher<'_>) -> Result<Keeper, Failure> {
    let (fleet, claim) = (fetcher.fleet, fetcher.claim);
    let key = LockKey {
        connection: claim.connection,
        entity: claim.entity.clone(),
        window: claim.window,
    };
    let ttl = fleet.timings.lock_ttl;
    let taken = fleet
        .locks
        .take(&key, claim.segment, claim.standing.epoch, ttl)
        .await
        .map_err(unreachable)?;
    let Taken::Taken(lock) = taken else {
        metrics::lock_contended();
        return Err(Failure::new(
            FailureKind::LockBusy,
            "another attempt reads the same window",
        ));
    };
    let (locks, gate) = (fleet.locks.clone(), fleet.gate.clone());
    Ok(Keeper::start(
        locks,
        gate,
        lock,
        fetcher.limits,
        fleet.timings.lock_renewal,
    ))
}

/// One reading of a window, from the page after the last committed one.
struct Reading<'a> {
    fetcher: &'a Fetcher<'a>,
    keeping: Keeping<'a>,
    progress: &'a mut Progress,
}

/// What a commit stores.
struct Content<'a> {
    page: u32,
    request: &'a str,
    observed_at: DateTime<Utc>,
    records: &'a [Record],
}

impl Reading<'_> {
    async fn to_the_end(mut self) -> Result<(), Stopped> {
        loop {
            let fetched = match self.fetch().await {
                Ok(fetched) => fetched,
                Err(failure) if failure.kind == FailureKind::NotInPlan => {
                    return self.finish_without_rows(failure).await;
                }
                Err(failure) => return Err(failure.into()),
            };
            let is_last = !fetched.page.more;
            if is_last && self.progress.pass == 1 && self.progress.page == 0 {
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

    async fn fetch(&mut self) -> Result<Fetched, Failure> {
        let fetched = self.fetcher.page(self.progress.page + 1, self.keeping).await?;
        self.progress.calls += 1;
        Ok(fetched)
    }

    /// The window was one page: its rows, its coverage and its outcome are one commit.
    async fn finish_with(&mut self, fetched: &Fetched) -> Result<(), Stopped> {
        let rows = distinct(&fetched.page.records);
        let finished = FinishedWindow {
            rows,
            open: self.may_grow(fetched.observed_at),
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
        let (ledger, claim) = (&self.fetcher.fleet.ledger, self.fetcher.claim);
        let (rows, repeats) = ledger
            .seen(claim.segment, self.progress.pass)
            .await
            .map_err(ledger_failure)?;
        if repeats || source_count.is_none_or(|count| count == rows) {
            let open = self.may_grow(self.fetcher.ledger_now());
            let finished = FinishedWindow {
                rows,
                source_count,
                open,
                note: None,
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

    async fn source_count(&mut self) -> Result<Option<u64>, Failure> {
        if !self.fetcher.entity.countable {
            return Ok(None);
        }
        let count = self.fetcher.count(self.keeping).await?;
        self.progress.calls += 1;
        Ok(Some(count))
    }

    /// Stores a fetched page and what follows from it.
    async fn commit_page(&mut self, fetched: &Fetched, next: NextStep) -> Result<(), Stopped> {
        let content = Content {
            page: self.progress.page + 1,
            request: &fetched.request,
            observed_at: fetched.observed_at,
            records: &fetched.page.records,
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
            lease: fleet.timings.lease,
            calls: progress.calls,
            next,
        };
        let asked_at = Instant::now();
        match fleet.ledger.commit_page(&commit).await.map_err(ledger_failure)? {
            Committed::Fenced => {
                metrics::write_fenced();
                return Err(Stopped::Fenced);
            }
            Committed::Stored(effects) => self.note_stored(effects, &commit, asked_at),
        }
        Ok(())
    }

    fn note_stored(&mut self, effects: Effects, commit: &PageCommit<'_>, asked_at: Instant) {
        let fleet = self.fetcher.fleet;
        fleet
            .held
            .renewed(&[held(self.fetcher.claim)], asked_at, commit.lease);
        self.keeping.watchdog.progressed();
        self.progress.calls = 0;
        let event = match commit.next {
            NextStep::Done(_) => Event::Finish,
            NextStep::Page | NextStep::Pass => Event::Page,
        };
        // The ledger has done this already; a refusal here would be a defect that its conformance suite finds.
        self.progress.standing = self
            .progress
            .standing
            .on(event, &fleet.timings)
            .unwrap_or(self.progress.standing);
        (self.progress.pass, self.progress.page) = match commit.next {
            NextStep::Pass => (commit.pass + 1, 0),
            NextStep::Page | NextStep::Done(_) => (commit.pass, commit.page),
        };
        let Effects {
            new,
            changed,
            same,
            deleted,
        } = effects;
        metrics::page_committed(
            self.progress.connector,
            commit.entity,
            RowCounts {
                new,
                changed,
                same,
                deleted,
            },
        );
    }

    /// Whether rows may still appear in the window, because it ends too close to the time it was read.
    fn may_grow(&self, read_at: DateTime<Utc>) -> bool {
        let margin = self.fetcher.fleet.timings.upper_margin;
        let end = self.fetcher.claim.window.end(self.fetcher.connection.time_zone);
        end.is_some_and(|end| end > read_at - margin)
    }
}

/// How many different records a page has: the upstream may serve one twice.
fn distinct(records: &[Record]) -> u64 {
    let ids: std::collections::HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    ids.len() as u64
}

pub(crate) fn ledger_failure(error: LedgerError) -> Failure {
    let kind = if error.is_passing() {
        FailureKind::LedgerUnavailable
    } else {
        FailureKind::LedgerRefused
    };
    let cause = std::error::Error::source(&error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Failure::new(kind, format!("{error}{cause}"))
}

fn lost_lock() -> Failure {
    Failure::new(
        FailureKind::CoordinationUnavailable,
        "the window's lock or the gate's slot was lost",
    )
}

fn stalled(fleet: &Fleet) -> Failure {
    let patience = fleet.timings.progress.as_secs_f64();
    Failure::new(
        FailureKind::Stalled,
        format!("no page was committed for {patience:.0} s"),
    )
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    error!(panic = text, "an attempt panicked");
    Failure::new(FailureKind::Panicked, format!("the attempt panicked: {text}"))
}
