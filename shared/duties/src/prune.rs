//! Prune: what nobody asks for any more is forgotten, a batch at a time.
//!
//! Of the refreshes of each connection's credential the newest thousand are kept: with one an hour, as a busy company has,
//! the story of six weeks. Those of the credential that is stored stay: they tell whether it was refused.

use ledgerfleet_ledger::Ledger;
use tracing::debug;

use crate::error::DutyError;

/// Refreshes of each connection that are kept.
const REFRESHES: u32 = 1_000;

/// Rows that one statement forgets, so that nobody waits for it.
const BATCH: u32 = 1_000;

/// Finished syncs of each company that are kept: how they ended is in the states of the entities.
const SYNCS: u32 = 5;

/// Forgets one batch of finished syncs; answers whether there may be more.
pub(crate) async fn prune_syncs(ledger: &dyn Ledger) -> Result<bool, DutyError> {
    let syncs = ledger.prune_syncs(SYNCS, BATCH).await?;
    if syncs > 0 {
        debug!(syncs, "old syncs forgotten");
    }
    Ok(syncs >= BATCH.into())
}

/// Forgets one batch of what upstreams have sent; answers whether there may be more.
pub(crate) async fn prune_hints(ledger: &dyn Ledger) -> Result<bool, DutyError> {
    let hints = ledger.prune_hints(BATCH).await?;
    if hints > 0 {
        debug!(hints, "old hints forgotten");
    }
    Ok(hints >= BATCH.into())
}

/// Forgets one batch; answers whether there may be more.
pub(crate) async fn prune(ledger: &dyn Ledger) -> Result<bool, DutyError> {
    let refreshes = ledger.prune_refreshes(REFRESHES, BATCH).await?;
    let triggers = ledger.prune_triggers(BATCH).await?;
    if refreshes + triggers > 0 {
        debug!(refreshes, triggers, "old refreshes and firings forgotten");
    }
    Ok(refreshes >= BATCH.into() || triggers >= BATCH.into())
}
