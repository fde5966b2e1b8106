//! Submit: the one door through which work enters the ledger.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{Ledger, LedgerError, Submitted};

use crate::plan::Plan;

/// Stores a planned request, or finds the unfinished equal one; then asks for dispatch.
pub(crate) async fn submit(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    plan: &Plan,
) -> Result<Submitted, LedgerError> {
    let submitted = ledger.submit(&plan.run(), &mut plan.segments()).await?;
    if let Err(unheard) = bell.ring().await {
        // The work is stored; a ring that is not heard costs one tick.
        tracing::debug!(
            error = &unheard as &dyn std::error::Error,
            "the ring was not heard"
        );
    }
    Ok(submitted)
}
