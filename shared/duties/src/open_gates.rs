//! Open gates: a first run does not wait for requests that nobody has sent.
//!
//! Gates whose memory is new stay closed for a while (`Timings::forgotten_gate`), because what was granted before may still be in
//! flight. Where the ledger has nothing running, nothing is.

use ledgerfleet_coordination::Gate;
use ledgerfleet_ledger::Ledger;
use ledgerfleet_model::SegmentState;
use tracing::info;

use crate::error::DutyError;

/// Opens gates whose memory is new, if nothing can be in flight; answers whether it did.
pub async fn open_gates(ledger: &dyn Ledger, gate: &dyn Gate) -> Result<bool, DutyError> {
    if !gate.is_new().await? {
        return Ok(false);
    }
    let counts = ledger.segment_counts().await?;
    if counts
        .by_state
        .get(&SegmentState::Running)
        .is_some_and(|running| *running > 0)
    {
        return Ok(false);
    }
    let opened = gate.open_unused().await?;
    if opened {
        info!("gates opened: their memory is new, and nothing is in flight");
    }
    Ok(opened)
}
