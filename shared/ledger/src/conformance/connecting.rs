//! Connections and credentials.

use ledgerfleet_model::{ConnectionId, ConnectionState, Lane, SegmentState};

use super::World;
use super::scene::{
    claim, company, credential, daily, finish, held, new_connection, new_run, record, records, run_for,
    scene, seconds, submit,
};
use crate::{LedgerError, NewSegment, Purge};

pub async fn a_name_is_taken_until_its_connection_is_removed(world: &dyn World) {
    let first = company(world, "Birch Ltd").await;
    let again = world
        .ledger()
        .add_connection(&new_connection("Birch Ltd"), &credential(1))
        .await;
    assert!(matches!(again, Err(LedgerError::NameTaken(name)) if name == "Birch Ltd"));

    world
        .ledger()
        .remove_connection(first, Purge::KeepRecords)
        .await
        .unwrap();
    assert_ne!(company(world, "Birch Ltd").await, first);
}

pub async fn connections_are_listed_by_name_without_the_removed(world: &dyn World) {
    let (zinc, ash, gone) = (
        company(world, "Zinc").await,
        company(world, "Ash").await,
        company(world, "Gone").await,
    );
    world
        .ledger()
        .remove_connection(gone, Purge::KeepRecords)
        .await
        .unwrap();
    let listed: Vec<ConnectionId> = world
        .ledger()
        .connections()
        .await
        .unwrap()
        .into_iter()
        .map(|connection| connection.id)
        .collect();
    assert_eq!(listed, [ash, zinc]);

    let removed = world.ledger().connection(gone).await.unwrap().unwrap();
    assert_eq!(
        (removed.state, removed.name.as_str()),
        (ConnectionState::Removed, "Gone")
    );
    assert!(
        world
            .ledger()
            .connection(ConnectionId::new())
            .await
            .unwrap()
            .is_none()
    );
}

pub async fn an_unknown_connection_cannot_be_changed(world: &dyn World) {
    let unknown = ConnectionId::new();
    let paused = world
        .ledger()
        .set_connection_state(unknown, ConnectionState::Paused, None)
        .await;
    assert!(matches!(paused, Err(LedgerError::NoSuchConnection(id)) if id == unknown));
    let removed = world
        .ledger()
        .remove_connection(unknown, Purge::KeepRecords)
        .await;
    assert!(matches!(removed, Err(LedgerError::NoSuchConnection(id)) if id == unknown));
    assert!(world.ledger().credential(unknown).await.unwrap().is_none());
}

pub async fn a_removed_connection_stays_removed(world: &dyn World) {
    let paused = company(world, "Cedar").await;
    let reason = Some("stopped by hand");
    world
        .ledger()
        .set_connection_state(paused, ConnectionState::Paused, reason)
        .await
        .unwrap();
    let connection = world.ledger().connection(paused).await.unwrap().unwrap();
    assert_eq!(
        (connection.state, connection.state_reason.as_deref()),
        (ConnectionState::Paused, reason)
    );

    world
        .ledger()
        .set_connection_state(paused, ConnectionState::Removed, None)
        .await
        .unwrap();
    assert!(world.ledger().credential(paused).await.unwrap().is_none());
    world
        .ledger()
        .set_connection_state(paused, ConnectionState::Active, None)
        .await
        .unwrap();
    let connection = world.ledger().connection(paused).await.unwrap().unwrap();
    assert_eq!(connection.state, ConnectionState::Removed);
}

pub async fn removal_cancels_what_is_unfinished_and_keeps_the_records(world: &dyn World) {
    let scene = scene(world, 3).await;
    finish(world, scene.segments[0], &[record("1", 1)]).await;
    let running = claim(world, scene.segments[1]).await;
    let other = company(world, "Other").await;
    let shared = new_run(Lane::Backfill, "both");
    let plan: Vec<NewSegment> = daily(scene.connection, 1)
        .into_iter()
        .chain(daily(other, 1))
        .collect();
    let untouched = plan[1].id;
    submit(world, &shared, plan).await;

    let deleted = world
        .ledger()
        .remove_connection(scene.connection, Purge::KeepRecords)
        .await
        .unwrap();
    assert_eq!(deleted, 0);
    assert_eq!(world.standing(scene.segments[0]).await.state, SegmentState::Done);
    for cancelled in &scene.segments[1..] {
        assert_eq!(world.standing(*cancelled).await.state, SegmentState::Cancelled);
    }
    assert_eq!(world.standing(untouched).await.state, SegmentState::Pending);
    let lost = world
        .ledger()
        .heartbeat(&[held(&running)], seconds(20))
        .await
        .unwrap();
    assert_eq!(lost, [held(&running)]);
    assert!(
        world
            .ledger()
            .credential(scene.connection)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(records(world, scene.connection).await.len(), 1);
}

pub async fn removal_deletes_the_records_on_request(world: &dyn World) {
    let scene = scene(world, 1).await;
    finish(world, scene.segments[0], &[record("1", 1), record("2", 1)]).await;
    let other = company(world, "Other").await;
    let kept = run_for(world, other, Lane::Backfill, 1).await;
    finish(world, kept.segments[0], &[record("1", 1)]).await;

    let deleted = world
        .ledger()
        .remove_connection(scene.connection, Purge::DeleteRecords)
        .await
        .unwrap();
    assert_eq!(deleted, 2);
    assert!(records(world, scene.connection).await.is_empty());
    assert_eq!(records(world, other).await.len(), 1);
}

pub async fn a_credential_is_replaced_by_the_next_version_only(world: &dyn World) {
    let id = company(world, "Dogwood").await;
    let first = world.ledger().credential(id).await.unwrap().unwrap();
    assert_eq!((first.version, first.sealed.as_str()), (1, "sealed 1"));

    world.pass_time(seconds(60)).await;
    assert!(
        world
            .ledger()
            .replace_credential(id, 1, &credential(2))
            .await
            .unwrap()
    );
    assert!(
        !world
            .ledger()
            .replace_credential(id, 1, &credential(2))
            .await
            .unwrap(),
        "a late sibling"
    );
    assert!(
        !world
            .ledger()
            .replace_credential(id, 7, &credential(3))
            .await
            .unwrap(),
        "of another story"
    );
    assert!(
        !world
            .ledger()
            .replace_credential(id, 2, &credential(4))
            .await
            .unwrap(),
        "a version left out"
    );
    let second = world.ledger().credential(id).await.unwrap().unwrap();
    assert_eq!((second.version, second.sealed.as_str()), (2, "sealed 2"));
    assert!(second.stored_at.unwrap() > first.stored_at.unwrap());
}

pub async fn of_two_refreshes_of_one_credential_one_wins(world: &dyn World) {
    let id = company(world, "Elm").await;
    let next = credential(2);
    let refresh = || world.ledger().replace_credential(id, 1, &next);
    let answers = futures::future::join_all([refresh(), refresh(), refresh()]).await;
    let won = answers
        .into_iter()
        .filter(|answer| *answer.as_ref().unwrap())
        .count();
    assert_eq!(won, 1);
}

pub async fn a_refusal_parks_a_connection_unless_its_credential_was_replaced_since(world: &dyn World) {
    let birch = company(world, "Birch").await;
    let ledger = world.ledger();
    let stored_at = async || {
        ledger
            .credential(birch)
            .await
            .unwrap()
            .unwrap()
            .stored_at
            .unwrap()
    };
    let state = async || ledger.connection(birch).await.unwrap().unwrap().state;
    let refused_at = stored_at().await;
    world.pass_time(seconds(60)).await;
    assert!(ledger.replace_credential(birch, 1, &credential(2)).await.unwrap());
    assert!(
        !ledger
            .park_connection(birch, refused_at, "the old one was refused")
            .await
            .unwrap()
    );
    assert_eq!(state().await, ConnectionState::Active);

    assert!(
        ledger
            .park_connection(birch, stored_at().await, "refused")
            .await
            .unwrap()
    );
    assert_eq!(state().await, ConnectionState::NeedsReauthorisation);
    ledger
        .set_connection_state(birch, ConnectionState::Paused, None)
        .await
        .unwrap();
    assert!(
        !ledger
            .park_connection(birch, stored_at().await, "refused")
            .await
            .unwrap()
    );
    assert_eq!(
        state().await,
        ConnectionState::Paused,
        "what a person has stopped stays stopped"
    );
}
