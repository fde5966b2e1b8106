//! Refused connections of a database from before there were causes, and beside programs that know of none.

use ledgerfleet_ledger::Connections;
use ledgerfleet_ledger::conformance::scene::{credential, new_connection};
use ledgerfleet_model::{ConnectionState, RefusalCause};

use super::world::{migrate, world};
use crate::causes::REASONS;

#[tokio::test]
async fn a_database_from_before_gets_the_causes_that_its_reasons_tell() {
    let world = world().await;
    for (reason, _) in REASONS {
        let (new, first) = (new_connection(reason), credential(1));
        let added = world.ledger.add_connection(&new, &first);
        let id = added.await.unwrap().id;
        let state = ConnectionState::NeedsReauthorisation;
        let set = world.ledger.set_connection_state(id, state, Some(reason));
        set.await.unwrap();
    }
    world.database.command(
        "ALTER TABLE fleet.connections DROP COLUMN state_cause CASCADE; DROP FUNCTION fleet.forget_cause;
         DELETE FROM fleet.migrations WHERE version = 41",
    );
    migrate(world.database.url()).await;

    for connection in world.again().await.connections().await.unwrap() {
        let told = REASONS.iter().find(|(reason, _)| connection.name == *reason);
        assert_eq!(
            connection.state_cause,
            told.map(|(_, cause)| *cause),
            "{}",
            connection.name
        );
    }
}

#[tokio::test]
async fn the_reason_of_a_program_that_knows_no_causes_stands_without_the_cause_of_an_earlier_one() {
    let world = world().await;
    let (new, first) = (new_connection("birch"), credential(1));
    let added = world.ledger.add_connection(&new, &first);
    let id = added.await.unwrap().id;
    let stored = world.ledger.credential(id).await.unwrap().unwrap();
    let parked =
        world
            .ledger
            .park_connection(id, stored.stored_at.unwrap(), RefusalCause::AppKeys, "wrong keys");
    assert!(parked.await.unwrap());
    for before in [
        "UPDATE fleet.connections SET state = 'active', state_reason = NULL",
        "UPDATE fleet.connections SET state = 'needs_reauthorisation', state_reason = 'another environment'",
    ] {
        world.database.command(before);
        let connection = world.ledger.connection(id).await.unwrap().unwrap();
        assert_eq!(connection.state_cause, None, "{before}");
    }
}
