//! Submit: the one door through which work enters the ledger.

use ledgerfleet_ledger::{LedgerError, NewRun, NewSegment, Submitted};
use ledgerfleet_telemetry::traces;
use ledgerfleet_wiring::Parts;
use tracing::Instrument;

/// Stores a run with its segments, or finds the unfinished one of an equal request; then asks for dispatch. The trace of
/// it begins here, and goes on in attempts elsewhere: the run keeps its context.
pub(crate) async fn submit(
    parts: &Parts,
    run: NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    let span = traces::submit();
    let run = NewRun {
        trace_context: traces::context_of(&span),
        ..run
    };
    let submitted = store(parts, &run, segments).instrument(span.clone()).await?;
    traces::submitted(&span, submitted.run, submitted.segments, submitted.attached);
    Ok(submitted)
}

async fn store(
    parts: &Parts,
    run: &NewRun,
    segments: &mut (dyn Iterator<Item = NewSegment> + Send),
) -> Result<Submitted, LedgerError> {
    let submitted = parts.ledger.submit(run, segments).await?;
    ring(parts).await;
    Ok(submitted)
}

/// Asks for dispatch. What there is to do is stored by now: a ring that is not heard costs one tick.
pub(crate) async fn ring(parts: &Parts) {
    if let Err(unheard) = parts.bell.ring().await {
        tracing::debug!(
            error = &unheard as &dyn std::error::Error,
            "the ring was not heard"
        );
    }
}
