//! Refused connections of a ledger from before there were causes.

use std::sync::Arc;

use ledgerfleet_ledger::conformance::scene::{credential, new_connection};
use ledgerfleet_ledger::{Connections, SqliteLedger};
use ledgerfleet_model::{ConnectionState, RefusalCause};

use crate::world::world;

/// Reasons as earlier versions have written them, and what each says.
pub(crate) const REASONS: &[(&str, RefusalCause)] = &[
    (
        "the upstream does not accept the app's client id and secret: invalid_client",
        RefusalCause::AppKeys,
    ),
    (
        "QuickBooks refuses this app for this company: wrong environment or realm, or the company is not connected \
         (ApplicationAuthorizationFailed)",
        RefusalCause::Place,
    ),
    (
        "the connection's stored credential cannot be opened: it was changed",
        RefusalCause::MasterKey,
    ),
    (
        "the upstream no longer accepts the company's credential (invalid_grant): connect the company again",
        RefusalCause::Credential,
    ),
    (
        "the connection has no credential; add it again",
        RefusalCause::Credential,
    ),
    (
        "QuickBooks refuses this company for good (code 120)",
        RefusalCause::Credential,
    ),
    ("refused", RefusalCause::Unknown),
];

#[tokio::test]
async fn a_file_from_before_gets_the_causes_that_its_reasons_tell() {
    let world = world().await;
    for (reason, _) in REASONS {
        let (new, first) = (new_connection(reason), credential(1));
        let added = world.ledger.add_connection(&new, &first);
        let id = added.await.unwrap().id;
        let state = ConnectionState::NeedsReauthorisation;
        let set = world.ledger.set_connection_state(id, state, Some(reason));
        set.await.unwrap();
    }
    let (new, first) = (new_connection("active"), credential(1));
    let active = world.ledger.add_connection(&new, &first);
    active.await.unwrap();
    sqlx::raw_sql(
        "ALTER TABLE fleet_connections DROP COLUMN state_cause; DELETE FROM _sqlx_migrations WHERE version = 41;
         PRAGMA user_version = 40",
    )
    .execute(&mut world.sql().await)
    .await
    .unwrap();

    let path = world.path();
    let opened = SqliteLedger::open(&path, Arc::new(world.clock.clone()));
    let connections = opened.await.unwrap().connections().await.unwrap();
    assert_eq!(connections.len(), REASONS.len() + 1);
    for connection in connections {
        let told = REASONS.iter().find(|(reason, _)| connection.name == *reason);
        assert_eq!(
            connection.state_cause,
            told.map(|(_, cause)| *cause),
            "{}",
            connection.name
        );
    }
}
