//! Stop replays: what was sent again and nobody has claimed yet goes back, once a cause has returned.
//!
//! Whoever settles the death that tells so only marks the replay: a million segments are not taken back within the
//! commit of one. Here they go back a chunk at a time, next due first, between two dispatches.

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{Ledger, Withdrawn};
use tracing::warn;

use crate::error::DutyError;

/// Takes back a chunk of every replay that is to be stopped, and rings where there is more.
pub(crate) async fn stop_replays(ledger: &dyn Ledger, bell: &dyn Bell) -> Result<Vec<Withdrawn>, DutyError> {
    let withdrawn = ledger.stop_replays().await?;
    for replay in withdrawn.iter().filter(|replay| replay.finished) {
        warn!(replay = %replay.replay, "a replay was stopped: its cause has returned");
    }
    if withdrawn.iter().any(|replay| !replay.finished) {
        bell.ring().await?;
    }
    Ok(withdrawn)
}
