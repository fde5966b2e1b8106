//! Read hints: what upstreams have said to have changed is looked up.

use ledgerfleet_planning::submit_hinted;
use tracing::debug;

use crate::duty::{Context, Next};
use crate::error::DutyError;

/// Events of one round.
const EVENTS: u32 = 10_000;

/// Submits what has been gathered; answers whether there is more.
pub(crate) async fn read_hints(of: &Context) -> Result<Next, DutyError> {
    if of.sync.is_none() {
        return Ok(Next::GoOn);
    }
    let hinted = of.ledger.gathered_hints(EVENTS).await?;
    let events = hinted.len();
    if events == 0 {
        return Ok(Next::GoOn);
    }
    let runs = submit_hinted(&*of.ledger, &*of.bell, hinted).await?;
    debug!(events, runs, "what was hinted is looked up");
    Ok(if events >= EVENTS as usize {
        Next::Again
    } else {
        Next::GoOn
    })
}
