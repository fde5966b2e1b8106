//! Dispatch: what is due goes into the bell.
//!
//! It only reads the ledger. There is no "queued" state that a crash could leave behind: what is offered and not
//! claimed is simply read again, and the set that is replaced takes its stale ids with it.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{DispatchLimits, Ledger, Ready};
use ledgerfleet_model::{Lane, SegmentId};

use crate::DutyError;

/// Replaces each lane's ready set by what is due now; answers how many segments were offered.
pub async fn dispatch(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    limits: &DispatchLimits,
) -> Result<usize, DutyError> {
    let ready = ledger.due(limits).await?;
    for lane in Lane::ALL {
        bell.replace(*lane, &in_lane(&ready, *lane)).await?;
    }
    Ok(ready.len())
}

fn in_lane(ready: &[Ready], lane: Lane) -> Vec<SegmentId> {
    ready
        .iter()
        .filter(|ready| ready.lane == lane)
        .map(|ready| ready.segment)
        .collect()
}
