//! Choice: which dead letters are meant.

use ledgerfleet_ledger::{DeadLetterFilter, Dropped};
use ledgerfleet_planning::{check_days, connections_named, entities_named};
use ledgerfleet_wiring::Parts;

use crate::cli::Choice;
use crate::meant::{letter_meant, run_meant};

/// What a choice means to the ledger.
pub(super) async fn filter(
    parts: &Parts,
    choice: Choice,
    dropped: Dropped,
) -> anyhow::Result<DeadLetterFilter> {
    check_days(choice.from, choice.to)?;
    let connections = if choice.connection.is_empty() {
        parts.ledger.connections().await?
    } else {
        connections_named(&*parts.ledger, &choice.connection).await?
    };
    let entities = entities_named(&connections, &choice.entity)?;
    let named = !choice.connection.is_empty();
    let mut ids = Vec::with_capacity(choice.id.len());
    for id in &choice.id {
        ids.push(letter_meant(&*parts.ledger, id).await?);
    }
    let run = match &choice.run {
        Some(id) => Some(run_meant(&*parts.ledger, id).await?),
        None => None,
    };
    Ok(DeadLetterFilter {
        ids,
        run,
        connections: connections
            .iter()
            .filter(|_| named)
            .map(|connection| connection.id)
            .collect(),
        entities,
        reason: choice.reason,
        fingerprint: choice.fingerprint,
        from: choice.from,
        to: choice.to,
        dropped,
    })
}
