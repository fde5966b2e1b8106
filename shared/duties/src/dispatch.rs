//! Dispatch: what is due goes into the bell.
//!
//! It only reads the ledger. There is no "queued" state that a crash could leave behind: what is offered and not
//! claimed is simply read again, and the set that is replaced takes its stale ids with it.

use std::collections::HashMap;

use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::{Brake, BrakeScope, Budget, DispatchLimits, Ledger, Ready};
use ledgerfleet_model::{Connection, ConnectionId, Lane, SegmentId};

use crate::error::DutyError;

/// Replaces each lane's ready set by what is due now; answers how many segments were offered.
pub async fn dispatch(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    limits: &DispatchLimits,
    budget: &Budget,
) -> Result<usize, DutyError> {
    let ready = unless_braked(ledger, ledger.due(limits).await?).await?;
    let ready = within_budget(ledger, budget, ready).await?;
    for lane in Lane::ALL {
        bell.replace(*lane, &in_lane(&ready, *lane)).await?;
    }
    Ok(ready.len())
}

/// What may be offered while some companies' upstreams fail: nothing of them, or one segment where a probe is due.
async fn unless_braked(ledger: &dyn Ledger, mut ready: Vec<Ready>) -> Result<Vec<Ready>, DutyError> {
    if ready.is_empty() {
        return Ok(ready);
    }
    let brakes = ledger.brakes().await?;
    let closed: Vec<&Brake> = brakes.iter().filter(|brake| brake.is_closed()).collect();
    if closed.is_empty() {
        return Ok(ready);
    }
    let connections = ledger.connections().await?;
    let mut room: HashMap<ConnectionId, usize> = HashMap::new();
    for connection in &connections {
        let on_it = closed.iter().filter(|brake| is_on(brake, connection));
        if let Some(wait) = on_it.filter_map(|brake| brake.probe_in).max() {
            room.insert(connection.id, usize::from(wait.is_zero()));
        }
    }
    ready.retain(|ready| match room.get_mut(&ready.connection) {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    });
    Ok(ready)
}

/// What may be offered while the calls of the month are used up to their reserve: of those companies live work alone.
async fn within_budget(
    ledger: &dyn Ledger,
    budget: &Budget,
    mut ready: Vec<Ready>,
) -> Result<Vec<Ready>, DutyError> {
    let can_wait = |ready: &Ready| ready.lane != Lane::Live;
    if !budget.is_any() || !ready.iter().any(can_wait) {
        return Ok(ready);
    }
    let exhausted = budget.exhausted(&ledger.connections().await?).await?;
    ready.retain(|ready| {
        let is_used_up = || exhausted.iter().any(|(id, _)| *id == ready.connection);
        !can_wait(ready) || !is_used_up()
    });
    Ok(ready)
}

/// Whether a brake concerns all of a company. One on an entity or a table is the worker's to see.
fn is_on(brake: &Brake, connection: &Connection) -> bool {
    match &brake.scope {
        BrakeScope::Connection(id) => *id == connection.id,
        BrakeScope::Upstream {
            connector,
            environment,
        }
        | BrakeScope::AppKeys {
            connector,
            environment,
        } => *connector == connection.connector && *environment == connection.environment,
        BrakeScope::Entity { .. } | BrakeScope::Table(_) => false,
    }
}

fn in_lane(ready: &[Ready], lane: Lane) -> Vec<SegmentId> {
    ready
        .iter()
        .filter(|ready| ready.lane == lane)
        .map(|ready| ready.segment)
        .collect()
}
