//! Attempt: carries one claim as far as it gets.
//!
//! Lock the window; then, page by page (`reading`): pass the gate, fetch, check, commit. Whatever ends an attempt before
//! its last page becomes a `Failure`, and `settle` decides what that means.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_coordination::{GateLimits, LockKey, Taken};
use ledgerfleet_ledger::{Claim, LedgerError};
use ledgerfleet_model::{Failure, FailureKind, Standing};
use ledgerfleet_telemetry::metrics::{self, AttemptOutcome};
use tokio::time::Instant;
use tracing::{debug, error};

use crate::claiming::held;
use crate::fetch::{Fetcher, Keeping, stopping, unreachable};
use crate::keeper::Keeper;
use crate::reading::Reading;
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
    /// Which reading of the window this is, from 1.
    pub(crate) pass: u32,
    /// Pages of this pass that are committed.
    pub(crate) page: u32,
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
    let watchdog = Watchdog::new(fleet.parts.timings.progress);
    let reading = Reading {
        fetcher: &fetcher,
        keeping: Keeping {
            keeper: &keeper,
            watchdog: &watchdog,
        },
        progress,
    };
    let ended = tokio::select! {
        ended = AssertUnwindSafe(reading.run()).catch_unwind() => {
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
        .get(&*fleet.parts.ledger, claim.connection)
        .await
        .map_err(ledger_failure)?;
    let unknown =
        |what: String| Failure::new(FailureKind::BadRequest, format!("this program knows no {what}"));
    let entry = connector_entry(&connection.connector)
        .ok_or_else(|| unknown(format!("connector `{}`", connection.connector)))?;
    let connector = fleet.parts.connectors.get(entry.name).cloned();
    let connector = connector.ok_or_else(|| unknown(format!("connector `{}`", entry.name)))?;
    let entity = find_entity(entry, &claim.entity);
    let entity = entity.ok_or_else(|| unknown(format!("entity `{}` of {}", claim.entity, entry.name)))?;
    let limits = fleet.parts.gate_limits(&connection, entry);
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
    let ttl = fleet.parts.timings.lock_ttl;
    let taken = fleet
        .parts
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
    let (locks, gate) = (fleet.parts.locks.clone(), fleet.parts.gate.clone());
    Ok(Keeper::start(
        locks,
        gate,
        lock,
        fetcher.limits,
        fleet.parts.timings.lock_renewal,
    ))
}

#[expect(clippy::needless_pass_by_value, reason = "its callers are `map_err`")]
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
    let patience = fleet.parts.timings.progress.as_secs_f64();
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
