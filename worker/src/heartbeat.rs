//! Heartbeat: renews the leases of everything held, in one statement, and tells attempts that have lost theirs.

use ledgerfleet_ledger::{Held, LedgerError};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::fleet::Fleet;

/// Beats until `stopped`, which is after the last attempt has ended.
pub(crate) async fn keep_beating(fleet: &Fleet, stopped: CancellationToken) {
    let mut beats = interval(fleet.parts.timings.heartbeat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            _ = beats.tick() => {}
        }
        give_back_owed(fleet).await;
        renew_leases(fleet).await;
        fleet.brakes.refresh(&*fleet.parts.ledger).await;
    }
}

/// Tells the ledger what it could not be told when an attempt ended.
async fn give_back_owed(fleet: &Fleet) {
    let owed = fleet.held.take_owed();
    if owed.is_empty() {
        return;
    }
    match within_a_lease(fleet, fleet.parts.ledger.hand_back(&owed)).await {
        Ok(0) => {}
        Ok(segments) => {
            info!(segments, "handed back, late");
            fleet.ring().await;
        }
        Err(error) if error.is_passing() => owed.into_iter().for_each(|held| fleet.held.owe(held)),
        Err(error) => warn!(
            error = &error as &dyn std::error::Error,
            "not handed back; rescue will find it"
        ),
    }
}

async fn renew_leases(fleet: &Fleet) {
    let held = fleet.held.all();
    if held.is_empty() {
        return;
    }
    let since = Instant::now();
    let lease = fleet.parts.timings.lease;
    match within_a_lease(fleet, fleet.parts.ledger.heartbeat(&held, lease)).await {
        Ok(lost) => note_beat(fleet, &held, &lost, since),
        Err(error) => note_failure(fleet, &error),
    }
}

/// A ledger that has gone silent is one that is away: by then leases have ended, whatever it answers.
async fn within_a_lease<T>(
    fleet: &Fleet,
    call: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    let silent = |_| Err(LedgerError::Unavailable("it does not answer".to_owned(), None));
    timeout(fleet.parts.timings.lease, call)
        .await
        .unwrap_or_else(silent)
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
