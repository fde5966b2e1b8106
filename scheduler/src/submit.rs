//! Submit: the one door through which work enters the ledger.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{Ledger, LedgerError, NewRun, Submitted};
use ledgerfleet_telemetry::traces;
use tracing::Instrument;

use crate::plan::Plan;

/// Stores a planned request, or finds the unfinished equal one; then asks for dispatch. The trace of it begins here, and
/// goes on in attempts elsewhere: the run keeps its context.
pub(crate) async fn submit(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    plan: &Plan,
) -> Result<Submitted, LedgerError> {
    let span = traces::submit();
    let run = NewRun {
        trace_context: traces::context_of(&span),
        ..plan.run()
    };
    let storing = store(ledger, bell, &run, plan).instrument(span.clone());
    let submitted = storing.await?;
    traces::submitted(&span, submitted.run, submitted.segments, submitted.attached);
    Ok(submitted)
}

async fn store(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    run: &NewRun,
    plan: &Plan,
) -> Result<Submitted, LedgerError> {
    let submitted = ledger.submit(run, &mut plan.segments()).await?;
    if let Err(unheard) = bell.ring().await {
        // The work is stored; a ring that is not heard costs one tick.
        tracing::debug!(
            error = &unheard as &dyn std::error::Error,
            "the ring was not heard"
        );
    }
    Ok(submitted)
}
