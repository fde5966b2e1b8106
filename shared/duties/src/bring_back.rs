//! Bring back: what a clock that was ahead has put off becomes due.

use tracing::warn;

use crate::duty::Context;
use crate::error::DutyError;
use crate::fire_triggers::firer;

/// Takes due times, leases and intents that no right clock can have given as now, and the next instants of triggers anew,
/// says so, and asks for dispatch.
pub(crate) async fn bring_back(of: &Context) -> Result<u64, DutyError> {
    let mut brought = of.ledger.bring_back().await?;
    if let Some(firer) = firer(of) {
        brought += firer.bring_back(of.ledger.clock().await?.now).await?;
    }
    if brought > 0 {
        warn!(
            brought,
            "the ledger's clock was ahead: due times and leases that it has given are taken as now; records that it has \
             stamped: scheduler verify --fix"
        );
        of.bell.ring().await?;
    }
    Ok(brought)
}
