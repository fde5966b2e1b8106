//! Selection: names and days as they were written become companies, entities and ranges.

use chrono::NaiveDate;
use ledgerfleet_connectors::{ConnectorEntry, EntitySpec, connector_entry, find_entity};
use ledgerfleet_ledger::{Ledger, LedgerError};
use ledgerfleet_model::Connection;

/// A suggestion is made from this likeness on; 1 is equality.
const LIKE: f64 = 0.8;

/// So many names are listed of those that there are.
const LISTED: usize = 20;

/// Why something cannot be chosen.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// The ledger does not say which companies there are.
    #[error("the connections cannot be read")]
    Ledger(#[from] LedgerError),
    /// One of several names is empty.
    #[error("one of the names is empty")]
    EmptyName {
        /// The others.
        others: Vec<String>,
    },
    /// Nothing is connected.
    #[error("there are no connections yet")]
    NoConnections {
        /// The name that was asked for; none where all were.
        asked: Option<String>,
    },
    /// No company has this name.
    #[error("there is no connection named `{name}`")]
    UnknownConnection {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        suggestion: Option<String>,
        /// Those that there are, 20 at most.
        known: Vec<String>,
    },
    /// None of the companies has this entity.
    #[error("no chosen connection has an entity `{name}`")]
    UnknownEntity {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        suggestion: Option<&'static str>,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A company belongs to a connector that this program does not have.
    #[error(
        "the connection `{connection}` belongs to the connector `{connector}`, which this program does not have"
    )]
    UnknownConnector {
        /// The company.
        connection: String,
        /// Its connector.
        connector: String,
    },
    /// The last day lies before the first.
    #[error("the range ends ({to}) before it starts ({from})")]
    ReversedDays {
        /// The first day.
        from: NaiveDate,
        /// The last day.
        to: NaiveDate,
    },
}

/// The company of that name.
///
/// # Errors
/// No company has the name, or the ledger does not answer.
pub async fn connection_named(ledger: &dyn Ledger, name: &str) -> Result<Connection, SelectionError> {
    let mut all = ledger.connections().await?;
    let at = all.iter().position(|connection| connection.name == name);
    let at = at.ok_or_else(|| unknown_connection(name, &all))?;
    Ok(all.swap_remove(at))
}

/// The companies of those names, each once; `all` stands for all.
///
/// # Errors
/// A name is empty or no company's, `all` of none is asked for, or the ledger does not answer.
pub async fn connections_named(
    ledger: &dyn Ledger,
    names: &[String],
) -> Result<Vec<Connection>, SelectionError> {
    let is_empty = |name: &String| name.trim().is_empty();
    if names.iter().any(is_empty) {
        let others = names.iter().filter(|name| !is_empty(name)).cloned().collect();
        return Err(SelectionError::EmptyName { others });
    }
    let all = ledger.connections().await?;
    let wants_all = names.iter().any(|name| is_all(name));
    let is_unknown = |name: &&String| !is_all(name) && all.iter().all(|connection| connection.name != **name);
    if let Some(name) = names.iter().find(is_unknown) {
        return Err(unknown_connection(name, &all));
    }
    if wants_all && all.is_empty() {
        return Err(SelectionError::NoConnections { asked: None });
    }
    Ok(all
        .into_iter()
        .filter(|connection| wants_all || names.contains(&connection.name))
        .collect())
}

fn unknown_connection(name: &str, known: &[Connection]) -> SelectionError {
    if known.is_empty() {
        let asked = Some(name.to_owned());
        return SelectionError::NoConnections { asked };
    }
    let wanted = name.to_lowercase();
    let likeness = |connection: &&Connection| strsim::jaro_winkler(&wanted, &connection.name.to_lowercase());
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    SelectionError::UnknownConnection {
        name: name.to_owned(),
        suggestion: best
            .filter(|connection| likeness(connection) > LIKE)
            .map(|connection| connection.name.clone()),
        known: known
            .iter()
            .map(|connection| connection.name.clone())
            .take(LISTED)
            .collect(),
    }
}

/// What this program knows of a company's source.
///
/// # Errors
/// The program lacks the connector.
pub fn connector_of(connection: &Connection) -> Result<&'static ConnectorEntry, SelectionError> {
    connector_entry(&connection.connector).ok_or_else(|| SelectionError::UnknownConnector {
        connection: connection.name.clone(),
        connector: connection.connector.clone(),
    })
}

/// The entity of that name of one company.
///
/// # Errors
/// The company's connector does not know the name, or the program lacks the connector.
pub fn entity_of(connection: &Connection, name: &str) -> Result<&'static EntitySpec, SelectionError> {
    let entry = connector_of(connection)?;
    find_entity(entry, name).ok_or_else(|| unknown_entity(name, std::iter::once(entry)))
}

/// The product's names of the entities that are meant; none for all.
///
/// # Errors
/// None of the companies has an entity of one of these names.
pub fn entities_named(connections: &[Connection], names: &[String]) -> Result<Vec<String>, SelectionError> {
    if names.iter().any(|name| is_all(name)) {
        return Ok(Vec::new());
    }
    let entries = || {
        connections
            .iter()
            .filter_map(|connection| connector_entry(&connection.connector))
    };
    let known = |name: &String| {
        let found = entries().find_map(|entry| find_entity(entry, name));
        found
            .map(|entity| entity.name.to_owned())
            .ok_or_else(|| unknown_entity(name, entries()))
    };
    names.iter().map(known).collect()
}

/// Refuses a range whose days are the wrong way round; an open end fits any.
///
/// # Errors
/// The last day lies before the first.
pub fn check_days(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<(), SelectionError> {
    match (from, to) {
        (Some(from), Some(to)) if to < from => Err(SelectionError::ReversedDays { from, to }),
        _ => Ok(()),
    }
}

/// Whether a name stands for all.
pub(crate) fn is_all(name: &str) -> bool {
    name.eq_ignore_ascii_case("all")
}

/// The entities of a connector that these names mean.
pub(crate) fn chosen(entry: &'static ConnectorEntry, names: &[String]) -> Vec<&'static EntitySpec> {
    let all = names.iter().any(|name| is_all(name));
    let is_named = |entity: &&EntitySpec| names.iter().any(|name| find_entity(entry, name) == Some(*entity));
    entry
        .entities
        .iter()
        .filter(|entity| (all && entity.in_all) || is_named(entity))
        .collect()
}

/// The refusal of a name that none of these connectors knows, with the one that was probably meant.
pub(crate) fn unknown_entity(
    name: &str,
    entries: impl Iterator<Item = &'static ConnectorEntry>,
) -> SelectionError {
    let entities: Vec<&'static EntitySpec> = entries.flat_map(|entry| entry.entities).collect();
    let wanted = name.to_lowercase().replace('-', "_");
    let likeness = |entity: &EntitySpec| {
        let own = strsim::jaro_winkler(&wanted, entity.name);
        own.max(strsim::jaro_winkler(&wanted, &entity.upstream.to_lowercase()))
    };
    let best = entities.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let suggestion = best
        .filter(|entity| likeness(entity) > LIKE)
        .map(|entity| entity.name);
    let mut known: Vec<&'static str> = entities.iter().map(|entity| entity.name).collect();
    known.sort_unstable();
    known.dedup();
    SelectionError::UnknownEntity {
        name: name.to_owned(),
        suggestion,
        known,
    }
}
