//! Braked: what fails for everybody, in words for people.

use ledgerfleet_ledger::{Brake, BrakeScope, Ledger, LedgerError};
use ledgerfleet_model::Connection;

/// The closed brakes that concern somebody among `connections`; those on tables concern everybody.
pub(crate) async fn closed(
    ledger: &dyn Ledger,
    connections: &[Connection],
) -> Result<Vec<Brake>, LedgerError> {
    let brakes = ledger.brakes().await?;
    let concerns = |brake: &Brake| match &brake.scope {
        BrakeScope::Connection(id) | BrakeScope::Entity { connection: id, .. } => {
            connections.iter().any(|connection| connection.id == *id)
        }
        BrakeScope::Upstream {
            connector,
            environment,
        } => connections
            .iter()
            .any(|connection| connection.connector == *connector && connection.environment == *environment),
        BrakeScope::Table(_) => true,
    };
    Ok(brakes
        .into_iter()
        .filter(|brake| brake.is_closed() && concerns(brake))
        .collect())
}

/// What a brake is on, in a word or two.
pub(crate) fn whose(brake: &Brake, connections: &[Connection]) -> String {
    match &brake.scope {
        BrakeScope::Connection(id) | BrakeScope::Entity { connection: id, .. } => connections
            .iter()
            .find(|connection| connection.id == *id)
            .map_or_else(|| id.to_string(), |connection| connection.name.clone()),
        BrakeScope::Upstream { connector, .. } => connector.clone(),
        BrakeScope::Table(table) => table.clone(),
    }
}

/// One line of it.
pub(crate) fn line(brake: &Brake, connections: &[Connection]) -> String {
    format!("{}: {brake}", whose(brake, connections))
}
