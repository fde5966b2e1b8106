//! Attempt: carries one claim as far as it gets.
//!
//! Lock the window; then, page by page (`reading`): pass the gate, fetch, check, commit. Whatever ends an attempt before
//! its last page becomes a `Failure`, and `settle` decides what that means.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use ledgerfleet_connectors::{Charges, connector_entry, find_entity};
use ledgerfleet_coordination::{GateLimits, LockKey, Taken};
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::{Claim, Effort, LedgerError};
use ledgerfleet_model::{Failure, FailureKind, Standing};
use ledgerfleet_telemetry::metrics::{self, AttemptOutcome};
use ledgerfleet_telemetry::traces::{self, AttemptLabels};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug, error, warn};

use crate::braking;
use crate::claiming::held;
use crate::fetch::{Fetcher, Keeping, stopping};
use crate::gate_time::GateTime;
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
    /// That an entity is not in the company's plan is believed as the first word on a window, where the reading ends it
    /// (`Reading::finish_without_rows`). Whatever says so anywhere else, a count or a look-up, contradicts what was read.
    fn from(failure: Failure) -> Self {
        Self::Failed(match failure.kind {
            FailureKind::NotInPlan => Failure {
                kind: FailureKind::UnexpectedContent,
                message: format!("it is not in the company's plan, and was: {}", failure.message),
                ..failure
            },
            _ => failure,
        })
    }
}

/// Carries a claim to its outcome, in a trace of its own. Never fails: what goes wrong, a panic too, is settled here.
pub(crate) async fn attempt(work: Work, fleet: &Fleet) {
    let span = traces::attempt(&labels(&work));
    traces::link(&span, work.claim.trace_context.as_deref());
    carry_to_outcome(work, fleet, &span)
        .instrument(span.clone())
        .await;
}

async fn carry_to_outcome(work: Work, fleet: &Fleet, span: &Span) {
    let began = Instant::now();
    let _leaving = fleet.held.leaving(held(&work.claim));
    let mut progress = Progress::of(&work.claim);
    let carried = AssertUnwindSafe(carry(&work, fleet, &mut progress))
        .catch_unwind()
        .await;
    let carried = carried.unwrap_or_else(|panic| Err(panicked(&*panic).into()));
    let reason = match &carried {
        Err(Stopped::Failed(failure)) => Some(failure.kind),
        _ => None,
    };
    let outcome = match carried {
        Ok(()) => AttemptOutcome::Done,
        Err(Stopped::Fenced) => AttemptOutcome::Fenced,
        Err(Stopped::Failed(failure)) => {
            let settling = settle(fleet, &work.claim, &progress, failure);
            settling.instrument(traces::settle()).await
        }
    };
    if outcome == AttemptOutcome::Fenced {
        // Perhaps it was not taken over, and only the ledger could not be reached: then nobody else has it, and it has
        // not crashed. Giving back what another has by now does nothing.
        fleet.held.owe(held(&work.claim));
    }
    if outcome != AttemptOutcome::Done {
        charge_rest(fleet, &work.claim, &progress, outcome).await;
    }
    reach(Point::BeforeMetrics, &work.claim.entity).await;
    debug!(segment = %work.claim.segment, %outcome, "attempt ended");
    metrics::attempt_ended(progress.connector, outcome, began.elapsed());
    traces::attempt_ended(span, progress.connector, outcome, reason);
    fleet.ring().await;
}

fn labels(work: &Work) -> AttemptLabels<'_> {
    let claim = &work.claim;
    AttemptLabels {
        run: claim.run,
        segment: claim.segment,
        connection: claim.connection,
        entity: &claim.entity,
        lane: claim.lane.as_str(),
        number: claim.attempt,
        epoch: claim.standing.epoch.0,
        claimed_in: work.claimed_in,
        claimed_with: work.claimed_with,
    }
}

/// Counts the metered calls of an attempt whose last write counted none: they were made, whoever has the segment now.
async fn charge_rest(fleet: &Fleet, claim: &Claim, progress: &Progress, outcome: AttemptOutcome) {
    let uncounted = matches!(outcome, AttemptOutcome::Fenced | AttemptOutcome::HandedBack);
    let calls = progress.charges.calls();
    if !uncounted || calls == 0 {
        return;
    }
    let ledger = &fleet.parts.ledger;
    if let Err(error) = ledger.count_calls(claim.connection, &claim.entity, calls).await {
        warn!(
            error = &error as &dyn std::error::Error,
            calls, "metered calls were not counted"
        );
    }
}

/// How far an attempt has got; it outlives the attempt's end, however that comes.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The segment's state and counters, as the ledger has them now.
    pub(crate) standing: Standing,
    /// Metered calls since the last commit.
    pub(crate) charges: Charges,
    /// The connector's name, once it is known.
    pub(crate) connector: &'static str,
    /// The gate's limits, once they are known.
    pub(crate) limits: Option<GateLimits>,
    /// Which reading of the window this is, from 1.
    pub(crate) pass: u32,
    /// Pages of this pass that are committed.
    pub(crate) page: u32,
    /// When the first page of this pass was asked for; unknown to an attempt that goes on with another's pass.
    pub(crate) read_since: Option<DateTime<Utc>>,
    /// Whether a commit was sent and its answer never came: the ledger may be ahead of what is known here.
    pub(crate) unknown: bool,
    /// Whether this attempt is the one that tries what others wait for.
    pub(crate) probing: bool,
    /// How long the segment waits because the upstream fails for everybody, and not for it.
    pub(crate) blameless_wait: Option<Duration>,
    /// Pages that this attempt has stored.
    pub(crate) pages: u32,
    /// When the attempt began.
    pub(crate) began: Instant,
    /// How long it has waited for the gate.
    pub(crate) at_gate: GateTime,
}

impl Progress {
    fn of(claim: &Claim) -> Self {
        Self {
            standing: claim.standing,
            charges: Charges::default(),
            connector: "unknown",
            limits: None,
            pass: claim.pass,
            page: claim.page,
            read_since: None,
            unknown: false,
            probing: false,
            blameless_wait: None,
            pages: 0,
            began: Instant::now(),
            at_gate: GateTime::default(),
        }
    }

    /// What the attempt has done so far.
    pub(crate) fn effort(&self) -> Effort {
        let at_gate = self.at_gate.sum();
        Effort {
            calls: self.charges.calls(),
            pages: self.pages,
            worked: self.began.elapsed().saturating_sub(at_gate),
            at_gate,
        }
    }
}

/// Prepares, locks, and reads the window, until it is done or something ends it.
async fn carry(work: &Work, fleet: &Fleet, progress: &mut Progress) -> Result<(), Stopped> {
    reach(Point::AfterClaim, &work.claim.entity).await;
    let fetcher = prepare(work, fleet, progress).await?;
    progress.connector = fetcher.entry.name;
    progress.limits = Some(fetcher.limits);
    progress.probing = braking::pass(&fetcher).await?;
    let keeper = traces::within(traces::lock(), lock(&fetcher)).await?;
    let watchdog = Watchdog::new(fleet.parts.timings.progress);
    let interrupts = Interrupts {
        lost: fleet.held.lost_signal(held(&work.claim)),
        keeper: &keeper,
        watchdog: &watchdog,
        fleet,
    };
    let keeping = Keeping {
        keeper: &keeper,
        watchdog: &watchdog,
    };
    let reading = async {
        let reading = Reading::begin(&fetcher, keeping, &interrupts, progress).await?;
        reading.run().await
    };
    let ended = AssertUnwindSafe(reading).catch_unwind().await;
    if let Ok(Err(Stopped::Failed(failure))) = &ended {
        let wait = braking::blameless_wait(&fetcher, keeping, &interrupts, progress, failure).await;
        progress.blameless_wait = wait;
    }
    keeper.finish().await;
    ended.unwrap_or_else(|panic| Err(panicked(&*panic).into()))
}

/// What may end an attempt from outside, while it waits. A commit that was sent is never interrupted: whether it took
/// effect could not be known.
#[derive(Debug)]
pub(crate) struct Interrupts<'a> {
    lost: CancellationToken,
    keeper: &'a Keeper,
    watchdog: &'a Watchdog,
    fleet: &'a Fleet,
}

impl Interrupts<'_> {
    /// Waits for `work`, or for what ends it first.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            done = work => Ok(done),
            () = self.lost.cancelled() => Err(Stopped::Fenced),
            () = self.keeper.lost() => Err(lost_lock().into()),
            () = self.watchdog.stalled() => Err(stalled(self.fleet).into()),
            () = self.fleet.drained.cancelled() => Err(stopping().into()),
        }
    }
}

/// Finds out whom and what the claim is about.
async fn prepare<'a>(work: &'a Work, fleet: &'a Fleet, progress: &Progress) -> Result<Fetcher<'a>, Failure> {
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
        at_gate: progress.at_gate.clone(),
        charges: progress.charges.clone(),
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
        .await?;
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
    let kind = if error.is_databases_fault() {
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
