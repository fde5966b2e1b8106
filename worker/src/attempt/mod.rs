//! Attempt: carries one claim as far as it gets.
//!
//! Find out whom it concerns; pass the brake; lock the window; then, page by page (`reading`): pass the gate, fetch, check,
//! commit. Whatever ends an attempt before its last page becomes a `Failure`, and `settle` decides what that means.

mod keeper;
pub(crate) mod progress;
pub(crate) mod stopped;
pub(crate) mod subject;
pub(crate) mod under_way;
mod watchdog;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::Claim;
use ledgerfleet_model::Work;
use ledgerfleet_telemetry::metrics::{self, AttemptOutcome};
use ledgerfleet_telemetry::traces::{self, AttemptLabels};
use tracing::{Instrument, Span, debug, warn};

use crate::braking;
use crate::fleet::Fleet;
use crate::held::held;
use crate::reading::{Changing, Reading};
use crate::settle::settle;
use crate::source::Work as Claimed;
use progress::Progress;
use stopped::{Stopped, panicked};
use subject::Subject;
use under_way::UnderWay;

/// Carries a claim to its outcome, in a trace of its own. Never fails: what goes wrong, a panic too, is settled here.
pub(crate) async fn attempt(work: Claimed, fleet: &Fleet) {
    let span = traces::attempt(&labels(&work));
    traces::link(&span, work.claim.trace_context.as_deref());
    carry_to_outcome(work, fleet, &span)
        .instrument(span.clone())
        .await;
}

async fn carry_to_outcome(work: Claimed, fleet: &Fleet, span: &Span) {
    let _leaving = fleet.held.leaving(held(&work.claim));
    let mut progress = Progress::of(&work.claim);
    let ended = caught(carry(&work, fleet, &mut progress)).await;
    let reason = match &ended {
        Err(Stopped::Failed(failure)) => Some(failure.kind),
        _ => None,
    };
    let outcome = conclude(fleet, &work.claim, &progress, ended).await;
    owe(fleet, &work.claim, outcome);
    charge_rest(fleet, &work.claim, &progress, outcome).await;
    reach(Point::BeforeMetrics, &work.claim.entity).await;
    debug!(segment = %work.claim.segment, %outcome, "attempt ended");
    metrics::attempt_ended(progress.connector, outcome, progress.began.elapsed());
    if matches!(work.claim.work, Work::Sync(_) | Work::Changes { .. }) {
        metrics::sync_ended(progress.connector, outcome);
    }
    traces::attempt_ended(span, progress.connector, outcome, reason);
    fleet.ring().await;
}

/// Finds out whom it concerns, passes the brake, locks, and reads the window, until it is done or something ends it.
async fn carry(work: &Claimed, fleet: &Fleet, progress: &mut Progress) -> Result<(), Stopped> {
    reach(Point::AfterClaim, &work.claim.entity).await;
    let subject = Subject::of(work, fleet).await?;
    progress.connector = subject.company.entry.name;
    progress.probing = braking::pass(&subject).await?;
    let attempt = traces::within(traces::lock(), UnderWay::begin(subject)).await?;
    progress.follow(&attempt.asking);
    let ended = caught(read(&attempt, progress)).await;
    progress.blameless_wait = braking::blameless_wait(&attempt, progress, &ended).await;
    attempt.end().await;
    ended
}

async fn read(attempt: &UnderWay<'_>, progress: &mut Progress) -> Result<(), Stopped> {
    match &attempt.subject.claim.work {
        Work::Window(_) | Work::Sync(_) => Reading::begin(attempt, progress).await?.run().await,
        Work::Auto { filled, .. } => Reading::begin(attempt, progress).await?.cut(*filled).await,
        Work::Recount => Reading::begin(attempt, progress).await?.recount().await,
        Work::Changes { entities, since } => {
            Changing::begin(attempt, progress, entities, *since)?.run().await
        }
        Work::Records { ids, gone } => Reading::begin(attempt, progress).await?.records(ids, gone).await,
    }
}

/// Takes a panic as an end like others. Boxed: what an attempt keeps in memory while it waits is some 20 KiB, which would
/// be copied from one stack to the next.
fn caught<'a>(
    work: impl Future<Output = Result<(), Stopped>> + Send + 'a,
) -> BoxFuture<'a, Result<(), Stopped>> {
    let caught = AssertUnwindSafe(work.boxed()).catch_unwind();
    caught
        .map(|ended| ended.unwrap_or_else(|panic| Err(panicked(&*panic))))
        .boxed()
}

/// Settles what did not finish.
async fn conclude(
    fleet: &Fleet,
    claim: &Claim,
    progress: &Progress,
    ended: Result<(), Stopped>,
) -> AttemptOutcome {
    match ended {
        Ok(()) => AttemptOutcome::Done,
        Err(Stopped::Fenced) => AttemptOutcome::Fenced,
        Err(Stopped::Failed(failure)) => {
            let settling = settle(fleet, claim, progress, failure);
            settling.instrument(traces::settle()).await
        }
    }
}

/// A fenced claim was perhaps not taken over, and only the ledger could not be reached: then nobody else has it, and it has
/// not crashed. Giving back what another has by now does nothing.
fn owe(fleet: &Fleet, claim: &Claim, outcome: AttemptOutcome) {
    if outcome == AttemptOutcome::Fenced {
        fleet.held.owe(held(claim));
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

fn labels(work: &Claimed) -> AttemptLabels<'_> {
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
