//! Bring back: what a clock that was ahead has put off becomes due.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::Ledger;
use tracing::warn;

use crate::error::DutyError;

/// Takes due times, leases and intents that no right clock can have given as now, says so, and asks for dispatch.
pub(crate) async fn bring_back(ledger: &dyn Ledger, bell: &dyn Bell) -> Result<u64, DutyError> {
    let brought = ledger.bring_back().await?;
    if brought > 0 {
        warn!(
            brought,
            "the ledger's clock was ahead: due times and leases that it has given are taken as now; records that it has \
             stamped: scheduler verify --fix"
        );
        bell.ring().await?;
    }
    Ok(brought)
}
