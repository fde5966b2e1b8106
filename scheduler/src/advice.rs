//! Advice: what a person has to do about a connection that waits for one, by the cause that the ledger keeps.

use ledgerfleet_model::{Connection, Environment};

use crate::output::counted;

/// What keeps a connection from working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The app's client id and secret.
    Keys,
    /// The realm or the environment, or a token of another company.
    Place,
    /// The master key that opens the stored credential.
    MasterKey,
    /// The refresh token.
    Token,
}

impl Cause {
    /// By the words of the reason: the ledger keeps a text for people, and these parts of it are ours.
    fn of(reason: &str) -> Self {
        let says = |words: &str| reason.contains(words);
        if says("client id and secret") {
            Self::Keys
        } else if says("wrong environment or realm") {
            Self::Place
        } else if says("credential cannot be opened") {
            Self::MasterKey
        } else {
            Self::Token
        }
    }
}

/// The next command for a connection that needs authorisation.
pub(crate) fn to_authorise(connection: &Connection) -> String {
    let name = &connection.name;
    match Cause::of(connection.state_reason.as_deref().unwrap_or_default()) {
        Cause::Keys => format!(
            "mend LEDGERFLEET_QUICKBOOKS_CLIENT_ID and LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET, then: scheduler \
             connection test {name} (it makes the connection active again)"
        ),
        Cause::Place => to_place_rightly(connection),
        Cause::MasterKey => format!(
            "give the master key that it was sealed with (LEDGERFLEET_MASTER_KEY_FILE), then: scheduler connection \
             test {name} (it makes the connection active again)"
        ),
        Cause::Token => format!(
            "connect the company again for a new refresh token, then: scheduler connection add {} --name {name} \
             --realm {} --environment {} --refresh-token-file FILE",
            connection.connector, connection.account, connection.environment
        ),
    }
}

/// What to do about a company that is not where it is looked for.
pub(crate) fn to_place_rightly(connection: &Connection) -> String {
    let name = &connection.name;
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
    use ledgerfleet_access::AccessError;
    use ledgerfleet_model::{ConnectionId, ConnectionState, Failure};

    use super::*;

    fn waiting(reason: &str) -> Connection {
        Connection {
            id: ConnectionId::new(),
            name: "acme".to_owned(),
            connector: "quickbooks".to_owned(),
            account: "9130347".to_owned(),
            environment: Environment::Sandbox,
            time_zone: chrono_tz::UTC,
            state: ConnectionState::NeedsReauthorisation,
            state_reason: Some(reason.to_owned()),
            requests_per_second: None,
            slots: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn wrong_keys_are_mended_and_then_tested() {
        let failure = Failure::from(AccessError::WrongKeys("invalid_client".to_owned()));
        let advice = to_authorise(&waiting(&failure.message));
        assert!(advice.contains("CLIENT_SECRET"), "{advice}");
        assert!(advice.contains("scheduler connection test acme"), "{advice}");
    }

    #[test]
    fn a_wrong_realm_or_environment_is_removed_and_added_again() {
        let reason = "QuickBooks refuses this app for this company: wrong environment or realm, or the company is not \
                      connected (ApplicationAuthorizationFailed)";
        let advice = to_authorise(&waiting(reason));
        assert!(advice.contains("scheduler connection remove acme"), "{advice}");
        let moves = "scheduler connection set acme --environment production";
        assert!(advice.contains(moves), "{advice}");
    }

    #[test]
    fn a_refused_token_is_replaced() {
        let reason = "the upstream no longer accepts the company's credential (invalid_grant): connect the company again";
        let advice = to_authorise(&waiting(reason));
        assert!(
            advice.contains("scheduler connection add quickbooks --name acme"),
            "{advice}"
        );
    }

    #[test]
    fn what_another_master_key_sealed_is_opened_with_that_one() {
        let failure = Failure::from(AccessError::Sealed(ledgerfleet_vault::VaultError::Refused));
        let advice = to_authorise(&waiting(&failure.message));
        assert!(advice.contains("LEDGERFLEET_MASTER_KEY_FILE"), "{advice}");
    }
}
