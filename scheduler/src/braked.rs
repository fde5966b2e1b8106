//! Braked: what fails for everybody, in words for people.

use ledgerfleet_ledger::{Brake, BrakeScope, Ledger, LedgerError};
use ledgerfleet_model::Connection;

use crate::exit::APP_KEYS;

/// The closed brakes that concern somebody among `connections`; those on tables concern everybody.
pub(crate) async fn closed(
    ledger: &dyn Ledger,
    connections: &[Connection],
) -> Result<Vec<Brake>, LedgerError> {
    let brakes = ledger.brakes().await?;
    let concerns_one = |brake: &Brake| {
        matches!(brake.scope, BrakeScope::Table(_)) || connections.iter().any(|one| concerns(brake, one))
    };
    Ok(brakes
        .into_iter()
        .filter(|brake| brake.is_closed() && concerns_one(brake))
        .collect())
}

/// Whether a company waits because of a brake.
pub(crate) fn concerns(brake: &Brake, company: &Connection) -> bool {
    match &brake.scope {
        BrakeScope::Connection(id) | BrakeScope::Entity { connection: id, .. } => company.id == *id,
        BrakeScope::Upstream {
            connector,
            environment,
        }
        | BrakeScope::AppKeys {
            connector,
            environment,
        } => company.connector == *connector && company.environment == *environment,
        BrakeScope::Table(_) => true,
    }
}

/// What a person has to do about a brake.
pub(crate) fn next(brake: &Brake, connections: &[Connection]) -> String {
    match &brake.scope {
        BrakeScope::Table(_) => {
            "give the database's user the rights, room and time that the message misses; work goes on by itself"
                .to_owned()
        }
        BrakeScope::AppKeys { .. } => {
            let company = connections.iter().find(|company| concerns(brake, company));
            let name = company.map_or("NAME", |company| company.name.as_str());
            format!("{APP_KEYS} {name}; workers are to be started with them, and no company needs authorisation")
        }
        _ => "nothing: work goes on by itself when the upstream answers again".to_owned(),
    }
}

/// What a brake is on, in a word or two.
pub(crate) fn whose(brake: &Brake, connections: &[Connection]) -> String {
    match &brake.scope {
        BrakeScope::Connection(id) | BrakeScope::Entity { connection: id, .. } => connections
            .iter()
            .find(|connection| connection.id == *id)
            .map_or_else(|| id.to_string(), |connection| connection.name.clone()),
        BrakeScope::Upstream { connector, .. } | BrakeScope::AppKeys { connector, .. } => connector.clone(),
        BrakeScope::Table(table) => table.clone(),
    }
}

/// One line of it.
pub(crate) fn line(brake: &Brake, connections: &[Connection]) -> String {
    format!("{}: {brake}", whose(brake, connections))
}
