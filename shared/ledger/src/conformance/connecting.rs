//! Connections and credentials.

use ledgerfleet_model::{ConnectionId, ConnectionState, Environment, Lane, SegmentState};

use super::World;
use super::scene::{
    claim, company, credential, daily, finish, held, new_connection, new_run, record, records, run_for,
    scene, seconds, submit,
};
use crate::{ConnectionChange, CoverageFilter, LedgerError, NewConnection, NewSegment, Purge};

pub async fn a_name_is_taken_until_its_connection_is_removed(world: &dyn World) {
    let first = company(world, "Birch Ltd").await;
    let again = world
        .ledger()
        .add_connection(
            &NewConnection {
                account: "another company".to_owned(),
                ..new_connection("Birch Ltd")
            },
            &credential(1),
        )
        .await;
    assert!(matches!(again, Err(LedgerError::NameTaken(name)) if name == "Birch Ltd"));

    world
        .ledger()
        .remove_connection(first, Purge::KeepRecords)
        .await
        .unwrap();
    assert_ne!(company(world, "Birch Ltd").await, first);
}

pub async fn a_company_is_connected_once_at_a_time_whatever_it_is_called(world: &dyn World) {
    let birch = new_connection("Birch Ltd");
    let first = world
        .ledger()
        .add_connection(&birch, &credential(1))
        .await
        .unwrap();
    let twin = NewConnection {
        id: ConnectionId::new(),
        name: "Birch Limited".to_owned(),
        ..birch.clone()
    };
    let refused = world.ledger().add_connection(&twin, &credential(1)).await;
    assert!(matches!(refused, Err(LedgerError::CompanyTaken(account)) if account == birch.account));
    let elsewhere = NewConnection {
        environment: Environment::Production,
        ..twin.clone()
    };
    world
        .ledger()
        .add_connection(&elsewhere, &credential(1))
        .await
        .unwrap();
    let moved = ConnectionChange {
        environment: Some(Environment::Production),
        ..ConnectionChange::default()
    };
    let refused = world.ledger().change_connection(first.id, &moved).await;
    assert!(
        matches!(refused, Err(LedgerError::CompanyTaken(_))),
        "{refused:?}"
    );
    let renamed = ConnectionChange {
        name: Some("Birch Limited".to_owned()),
        ..ConnectionChange::default()
    };
    let refused = world.ledger().change_connection(first.id, &renamed).await;
    assert!(matches!(refused, Err(LedgerError::NameTaken(_))), "{refused:?}");
}

pub async fn a_removed_company_that_is_connected_again_has_its_records_coverage_and_history(
    world: &dyn World,
) {
    let scene = scene(world, 2).await;
    let ledger = world.ledger();
    finish(world, scene.segments[0], &[record("1", 1)]).await;
    assert!(
        ledger
            .replace_credential(scene.connection, 1, &credential(2))
            .await
            .unwrap()
    );
    let before = ledger.connection(scene.connection).await.unwrap().unwrap();
    ledger
        .remove_connection(before.id, Purge::KeepRecords)
        .await
        .unwrap();
    assert!(
        ledger
            .coverage(&CoverageFilter::default())
            .await
            .unwrap()
            .is_empty()
    );

    let removed = ledger.removed_connections().await.unwrap().remove(0);
    assert_eq!((removed.connection.id, removed.last_version), (before.id, 2));
    let again = NewConnection {
        id: before.id,
        name: "under another name".to_owned(),
        account: before.account.clone(),
        ..new_connection("")
    };
    for (wrong, version) in [
        (again.clone(), 2),
        (
            NewConnection {
                account: "another".to_owned(),
                ..again.clone()
            },
            3,
        ),
        (
            NewConnection {
                id: ConnectionId::new(),
                ..again.clone()
            },
            3,
        ),
    ] {
        let refused = ledger.reconnect(&wrong, &credential(version)).await;
        assert!(
            matches!(refused, Err(LedgerError::NoSuchConnection(_))),
            "{wrong:?} {version}"
        );
    }
    let connection = ledger.reconnect(&again, &credential(3)).await.unwrap();
    assert_eq!(
        (connection.id, connection.state),
        (before.id, ConnectionState::Active)
    );
    assert_eq!(ledger.connections().await.unwrap()[0].name, "under another name");
    assert!(ledger.removed_connections().await.unwrap().is_empty());
    assert_eq!(ledger.credential(before.id).await.unwrap().unwrap().version, 3);
    assert_eq!(records(world, before.id).await.len(), 1);
    assert_eq!(
        ledger.coverage(&CoverageFilter::default()).await.unwrap().len(),
        1
    );
    let refused = ledger.reconnect(&again, &credential(4)).await;
    assert!(
        matches!(refused, Err(LedgerError::NoSuchConnection(_))),
        "it is connected"
    );
}

pub async fn a_connection_is_renamed_and_moved_to_the_other_environment_where_it_is(world: &dyn World) {
    let ledger = world.ledger();
    let id = company(world, "Rowan").await;
    let read = super::scene::run_for(world, id, ledgerfleet_model::Lane::Backfill, 1).await;
    super::scene::finish(world, read.segments[0], &[]).await;
    ledger.note_untold(id, "invoice").await.unwrap();
    let read = async || {
        let days = ledger.coverage(&crate::CoverageFilter::default()).await.unwrap();
        (days.len(), ledger.sync_states(&[id]).await.unwrap().len())
    };
    let renamed = ConnectionChange {
        name: Some("Rowan Ltd".to_owned()),
        ..ConnectionChange::default()
    };
    ledger.change_connection(id, &renamed).await.unwrap();
    assert_eq!(read().await, (1, 1));
    let change = ConnectionChange {
        name: Some("Rowan & Sons".to_owned()),
        environment: Some(Environment::Production),
        account: Some("1790012345001".to_owned()),
    };
    let changed = ledger.change_connection(id, &change).await.unwrap();
    assert_eq!(
        (
            changed.name.as_str(),
            changed.environment,
            changed.account.as_str()
        ),
        ("Rowan & Sons", Environment::Production, "1790012345001")
    );
    assert_eq!(read().await, (0, 0), "of the company that it was");
    let same = ledger
        .change_connection(id, &ConnectionChange::default())
        .await
        .unwrap();
    assert_eq!((same.name, same.environment), (changed.name, changed.environment));
    assert_eq!(ledger.credential(id).await.unwrap().unwrap().version, 1);
    ledger.remove_connection(id, Purge::KeepRecords).await.unwrap();
    let gone = ledger.change_connection(id, &change).await;
    assert!(matches!(gone, Err(LedgerError::NoSuchConnection(_))), "{gone:?}");
}

pub async fn the_records_of_a_removed_company_can_be_deleted_later(world: &dyn World) {
    let scene = scene(world, 1).await;
    finish(world, scene.segments[0], &[record("1", 1), record("2", 1)]).await;
    let remove = |purge| world.ledger().remove_connection(scene.connection, purge);
    assert_eq!(remove(Purge::KeepRecords).await.unwrap(), 0);
    assert_eq!(remove(Purge::DeleteRecords).await.unwrap(), 2);
    assert_eq!(remove(Purge::DeleteRecords).await.unwrap(), 0);
    let removed = world.ledger().removed_connections().await.unwrap();
    assert_eq!(removed[0].last_version, 1, "still known");
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
