//! Submit: the one door through which work enters the ledger.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::syncing::SYNC_KEY;
use ledgerfleet_ledger::{Ledger, LedgerError, NewRun, NewSegment, Submitted};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_telemetry::traces;
use tracing::{Instrument, Span};

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
    let (span, run) = traced(run);
    let submitted = store(ledger, bell, &run, segments)
        .instrument(span.clone())
        .await?;
    traces::submitted(&span, submitted.run, submitted.segments, submitted.attached);
    Ok(submitted)
}

/// The span in which a run is submitted, and the run with its context.
pub(crate) fn traced(run: NewRun) -> (Span, NewRun) {
    let span = traces::submit();
    let run = NewRun {
        trace_context: traces::context_of(&span).or(run.trace_context),
        ..run
    };
    (span, run)
}

async fn store(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    run: &NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    let mut submitted = ledger.submit(run, segments).await?;
    if submitted.attached && is_over(ledger, submitted.run, run).await? {
        // The leader, who ends such runs, has not come to it, or there is none.
        ledger.close_runs().await?;
        submitted = ledger.submit(run, segments).await?;
    }
    ring(bell).await;
    Ok(submitted)
}

/// Whether a run has nothing left to do, so that an equal request is no part of it: because some of it was cancelled, as
/// where a company was removed; or because it was a sync, which says nothing of what has changed since.
async fn is_over(ledger: &dyn Ledger, run: RunId, asked: &NewRun) -> Result<bool, LedgerError> {
    let report = ledger.run(run).await?;
    Ok(report.is_some_and(|run| {
        let is_stale = run.cancelled > 0 || asked.request_key.starts_with(SYNC_KEY);
        run.state == RunState::Active && is_stale && run.pending + run.running == 0
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
