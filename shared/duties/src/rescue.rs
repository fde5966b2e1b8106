//! Rescue: segments of lost workers become due again.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{Ledger, RescueScope, Rescued};
use ledgerfleet_model::Timings;
use ledgerfleet_telemetry::metrics;
use tracing::warn;

use crate::error::DutyError;

/// Takes back running segments and asks for dispatch if there were any.
pub async fn rescue(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    scope: RescueScope,
    timings: &Timings,
) -> Result<Vec<Rescued>, DutyError> {
    let rescued = ledger.rescue(scope, timings).await?;
    for segment in &rescued {
        warn!(segment = %segment.segment, worker = segment.worker, state = %segment.state, "rescued");
    }
    if !rescued.is_empty() {
        metrics::rescued(rescued.len() as u64);
        bell.ring().await?;
    }
    Ok(rescued)
}
