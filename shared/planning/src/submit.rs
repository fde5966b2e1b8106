//! Submit: the one door through which work enters the ledger.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{Ledger, LedgerError, NewRun, NewSegment, Submitted};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_telemetry::traces;
use tracing::Instrument;

/// Stores a run with its segments, or finds the unfinished one of an equal request; then asks for dispatch. The trace of
/// it begins here, and goes on in attempts elsewhere: the run keeps its context.
///
/// # Errors
/// The ledger did not store it: then nothing of it is stored, unless the commit's outcome is unknown.
pub async fn submit(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    run: NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    let span = traces::submit();
    let run = NewRun {
        trace_context: traces::context_of(&span).or(run.trace_context),
        ..run
    };
    let submitted = store(ledger, bell, &run, segments)
        .instrument(span.clone())
        .await?;
    traces::submitted(&span, submitted.run, submitted.segments, submitted.attached);
    Ok(submitted)
}

async fn store(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    run: &NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    let mut submitted = ledger.submit(run, segments).await?;
    if submitted.attached && was_cancelled(ledger, submitted.run).await? {
        // The leader, who ends such runs, has not come to it, or there is none.
        ledger.close_runs().await?;
        submitted = ledger.submit(run, segments).await?;
    }
    ring(bell).await;
    Ok(submitted)
}

/// Whether a run has nothing left to do because some of it was cancelled, as where a company was removed: an equal request
/// is no part of that.
async fn was_cancelled(ledger: &dyn Ledger, run: RunId) -> Result<bool, LedgerError> {
    let report = ledger.run(run).await?;
    Ok(report.is_some_and(|run| {
        run.state == RunState::Active && run.cancelled > 0 && run.pending + run.running == 0
    }))
}

/// Asks for dispatch. What there is to do is stored by now: a ring that is not heard costs one tick.
pub async fn ring(bell: &dyn Bell) {
    if let Err(unheard) = bell.ring().await {
        tracing::debug!(
            error = &unheard as &dyn std::error::Error,
            "the ring was not heard"
        );
    }
}
