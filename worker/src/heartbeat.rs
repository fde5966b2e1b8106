//! Heartbeat: renews the leases of everything held, in one statement, and tells attempts that have lost theirs.

use ledgerfleet_ledger::{Held, LedgerError};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::run::Fleet;

/// Beats until `stopped`, which is after the last attempt has ended.
pub(crate) async fn keep_beating(fleet: &Fleet, stopped: CancellationToken) {
    let mut beats = interval(fleet.parts.timings.heartbeat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            _ = beats.tick() => {}
        }
        let held = fleet.held.all();
        if held.is_empty() {
            continue;
        }
        let since = Instant::now();
        match fleet
            .parts
            .ledger
            .heartbeat(&held, fleet.parts.timings.lease)
            .await
        {
            Ok(lost) => note_beat(fleet, &held, &lost, since),
            Err(error) => note_failure(fleet, &error),
        }
    }
}

fn note_beat(fleet: &Fleet, held: &[Held], lost: &[Held], since: Instant) {
    let renewed: Vec<Held> = held.iter().copied().filter(|held| !lost.contains(held)).collect();
    fleet.held.renewed(&renewed, since, fleet.parts.timings.lease);
    let stopped = fleet.held.lose(lost);
    if stopped > 0 {
        info!(stopped, "claims were taken over; their attempts stop");
    }
}

/// A lease that cannot be renewed may end: its attempt must have stopped before another worker can have it.
fn note_failure(fleet: &Fleet, error: &LedgerError) {
    let stopped = fleet.held.lose_ending(fleet.parts.timings.heartbeat);
    warn!(
        error = error as &dyn std::error::Error,
        stopped, "leases could not be renewed"
    );
}
