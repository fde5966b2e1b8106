//! Advice: what a person has to do about a connection that waits for one, by the cause that the ledger keeps.

use ledgerfleet_connectors::{Account, ConnectorEntry, connector_entry};
use ledgerfleet_model::{Connection, Environment, RefusalCause};

use crate::output::counted;

/// The next command for a connection that needs authorisation.
pub(crate) fn to_authorise(connection: &Connection) -> String {
    let name = &connection.name;
    if let Some(entry) = connector_entry(&connection.connector).filter(|entry| is_of_key(entry)) {
        return with_a_key(entry, connection);
    }
    match connection.state_cause.unwrap_or(RefusalCause::Unknown) {
        RefusalCause::AppKeys => format!(
            "mend LEDGERFLEET_QUICKBOOKS_CLIENT_ID and LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET, then: scheduler \
             connection test {name} (it makes the connection active again)"
        ),
        RefusalCause::Place => to_place_rightly(connection),
        RefusalCause::MasterKey => format!(
            "give the master key that it was sealed with (LEDGERFLEET_MASTER_KEY_FILE), then: scheduler connection \
             test {name} (it makes the connection active again)"
        ),
        RefusalCause::Credential | RefusalCause::Unknown => format!(
            "scheduler connection authorize --name {name}; or, with a new refresh token: scheduler connection add {} \
             --name {name} --realm {} --environment {} --refresh-token-file FILE",
            connection.connector, connection.account, connection.environment
        ),
    }
}

fn is_of_key(entry: &ConnectorEntry) -> bool {
    matches!(entry.account, Account::OfKey { .. })
}

/// What to do about a company that is reached with a key.
fn with_a_key(entry: &ConnectorEntry, connection: &Connection) -> String {
    let name = &connection.name;
    let another = entry.connect_command(name, &connection.account);
    match connection.state_cause.unwrap_or(RefusalCause::Unknown) {
        RefusalCause::Place => format!(
            "scheduler connection test {name} asks whose books its key opens; a key of another company is replaced with: \
             {another}"
        ),
        RefusalCause::MasterKey => format!(
            "give the master key that it was sealed with (LEDGERFLEET_MASTER_KEY_FILE), then: scheduler connection test \
             {name} (it makes the connection active again)"
        ),
        RefusalCause::AppKeys | RefusalCause::Credential | RefusalCause::Unknown => {
            format!(
                "take a new key from {}, then: {another}, and: scheduler connection test {name}",
                entry.title
            )
        }
    }
}

/// What to do about a company that is not where it is looked for.
pub(crate) fn to_place_rightly(connection: &Connection) -> String {
    let name = &connection.name;
    if let Some(entry) = connector_entry(&connection.connector).filter(|entry| is_of_key(entry)) {
        return with_a_key(entry, connection);
    }
    let other = match connection.environment {
        Environment::Sandbox => Environment::Production,
        Environment::Production => Environment::Sandbox,
    };
    format!(
        "check that realm {} lives in the {} environment and that the refresh token was made for it. Another environment: \
         scheduler connection set {name} --environment {other}, then scheduler connection test {name}. Another realm: \
         scheduler connection remove {name}, then scheduler connection add {} --name {name} with the right one",
        connection.account, connection.environment, connection.connector
    )
}

/// What to tell of records that cannot be stored as the source has them, and how to see them.
pub(crate) fn of_quarantined(connection: &str, entity: &str, records: u64) -> String {
    let them = if records == 1 { "it" } else { "them" };
    format!(
        "quarantined: {} of {connection} {entity} cannot be stored as the source has {them}; the text is kept, and reading \
         again does not help before it is mended there. Which and why: scheduler records --connection {connection} \
         --entity {entity} --quarantined",
        counted(records, "record"),
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ledgerfleet_model::{ConnectionId, ConnectionState};

    use super::*;

    /// Waits for a person, for a reason that tells nothing.
    fn waiting(cause: Option<RefusalCause>) -> Connection {
        Connection {
            id: ConnectionId::new(),
            name: "acme".to_owned(),
            connector: "quickbooks".to_owned(),
            account: "9130347".to_owned(),
            environment: Environment::Sandbox,
            time_zone: chrono_tz::UTC,
            state: ConnectionState::NeedsReauthorisation,
            state_reason: Some("some text".to_owned()),
            state_cause: cause,
            requests_per_second: None,
            slots: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_advice_follows_the_cause_and_not_the_words_of_the_reason() {
        for (cause, told) in [
            (
                Some(RefusalCause::AppKeys),
                "CLIENT_SECRET, then: scheduler connection test acme",
            ),
            (
                Some(RefusalCause::Place),
                "scheduler connection set acme --environment production",
            ),
            (Some(RefusalCause::Place), "scheduler connection remove acme"),
            (Some(RefusalCause::MasterKey), "LEDGERFLEET_MASTER_KEY_FILE"),
            (
                Some(RefusalCause::Credential),
                "scheduler connection add quickbooks --name acme",
            ),
            (
                Some(RefusalCause::Unknown),
                "scheduler connection add quickbooks --name acme",
            ),
            (None, "scheduler connection add quickbooks --name acme"),
        ] {
            let advice = to_authorise(&waiting(cause));
            assert!(advice.contains(told), "{cause:?}: {advice}");
        }
    }
}
