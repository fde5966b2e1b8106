//! Close runs: a run whose last segment has ended ends too.
//!
//! Settling a segment does not do this: two last settles at once would each see the other's work left, and a
//! counter on the run would make every worker wait for one row.

use ledgerfleet_ledger::{ClosedRun, Ledger};
use tracing::info;

use crate::error::DutyError;

/// Ends every run that has nothing left to do.
pub async fn close_runs(ledger: &dyn Ledger) -> Result<Vec<ClosedRun>, DutyError> {
    let closed = ledger.close_runs().await?;
    for run in &closed {
        info!(run = %run.run, state = %run.state, "run ended");
    }
    Ok(closed)
}
