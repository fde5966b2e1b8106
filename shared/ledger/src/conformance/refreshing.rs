//! Refreshes of credentials.

use std::time::Duration;

use ledgerfleet_model::{ConnectionId, ConnectionState, WorkerName};

use super::World;
use super::scene::{company, credential, seconds};
use crate::{Purge, Refresh, RefreshIntent, RefreshOutcome};

const LEASE: Duration = Duration::from_secs(100);

fn named(name: &str) -> WorkerName {
    WorkerName(name.to_owned())
}

fn refresh(version: i64, worker: &str, outcome: RefreshOutcome) -> Refresh {
    Refresh {
        version,
        worker: named(worker),
        outcome,
        transaction_id: Some("1-abc".to_owned()),
        at: None,
    }
}

async fn intend(world: &dyn World, id: ConnectionId, version: i64, worker: &str) -> RefreshIntent {
    let intent = world
        .ledger()
        .intend_refresh(id, version, &named(worker), LEASE, Duration::ZERO)
        .await;
    intent.unwrap().unwrap()
}

/// Who holds the intent.
async fn holder(world: &dyn World, id: ConnectionId, version: i64) -> Option<String> {
    match intend(world, id, version, "asks").await {
        RefreshIntent::Held { by, left } => {
            assert!(left <= LEASE, "{left:?}");
            Some(by.0)
        }
        _ => None,
    }
}

async fn outcomes(world: &dyn World, id: ConnectionId) -> Vec<(i64, String, RefreshOutcome)> {
    let story = world.ledger().refreshes(id, 9).await.unwrap();
    assert!(story.iter().all(|refresh| refresh.at.is_some()));
    story
        .into_iter()
        .map(|refresh| (refresh.version, refresh.worker.0, refresh.outcome))
        .collect()
}

pub async fn of_many_who_would_refresh_one_may(world: &dyn World) {
    let id = company(world, "Alder").await;
    let names: Vec<WorkerName> = (0..8).map(|number| named(&format!("north-{number}"))).collect();
    let asked = names
        .iter()
        .map(|name| world.ledger().intend_refresh(id, 1, name, LEASE, Duration::ZERO));
    let answers = futures::future::join_all(asked).await;
    let (taken, held): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .map(|answer| answer.unwrap().unwrap())
        .partition(|intent| *intent == RefreshIntent::Taken);
    assert_eq!(taken.len(), 1);
    let is_held =
        |intent: &RefreshIntent| matches!(intent, RefreshIntent::Held { left, .. } if *left <= LEASE);
    assert!(held.iter().all(is_held), "{held:?}");
    assert!(outcomes(world, id).await.is_empty());
}

pub async fn an_intent_ends_with_its_lease_and_that_is_written_down(world: &dyn World) {
    let id = company(world, "Birch").await;
    assert_eq!(intend(world, id, 1, "north").await, RefreshIntent::Taken);
    world.pass_time(seconds(90)).await;
    assert_eq!(holder(world, id, 1).await.as_deref(), Some("north"));
    assert_eq!(
        intend(world, id, 1, "north").await,
        RefreshIntent::Taken,
        "who has it gets it anew"
    );
    world.pass_time(seconds(90)).await;
    assert_eq!(holder(world, id, 1).await.as_deref(), Some("north"));
    world.pass_time(seconds(11)).await;
    assert_eq!(intend(world, id, 1, "south").await, RefreshIntent::Taken);
    assert_eq!(holder(world, id, 1).await.as_deref(), Some("south"));
    assert_eq!(
        outcomes(world, id).await,
        [(1, "north".to_owned(), RefreshOutcome::Abandoned)]
    );
}

pub async fn a_stored_refresh_ends_the_intent_and_is_written_down_with_it(world: &dyn World) {
    let id = company(world, "Cedar").await;
    let ledger = world.ledger();
    intend(world, id, 1, "north").await;
    let rotated = refresh(1, "north", RefreshOutcome::Rotated);
    assert!(ledger.store_refresh(id, &credential(2), &rotated).await.unwrap());
    let late = refresh(1, "south", RefreshOutcome::Granted);
    assert!(
        !ledger.store_refresh(id, &credential(2), &late).await.unwrap(),
        "a late sibling"
    );
    let jump = refresh(2, "north", RefreshOutcome::Granted);
    assert!(
        !ledger.store_refresh(id, &credential(4), &jump).await.unwrap(),
        "a version left out"
    );
    let story = ledger.refreshes(id, 9).await.unwrap();
    assert_eq!(story.len(), 1);
    let at = story[0].at;
    assert_eq!(story, [Refresh { at, ..rotated }]);

    let RefreshIntent::Replaced(stored) = intend(world, id, 1, "south").await else {
        panic!("version 1 is gone");
    };
    assert_eq!((stored.version, stored.sealed.as_str()), (2, "sealed 2"));
    assert_eq!(stored.stored_at, at);
    assert_eq!(intend(world, id, 2, "south").await, RefreshIntent::Taken);
}

pub async fn a_refresh_that_failed_gives_its_intent_back_and_a_lost_one_keeps_it(world: &dyn World) {
    let id = company(world, "Dogwood").await;
    let ledger = world.ledger();
    intend(world, id, 1, "north").await;
    ledger
        .note_refresh(id, &refresh(1, "south", RefreshOutcome::Failed))
        .await
        .unwrap();
    assert_eq!(
        holder(world, id, 1).await.as_deref(),
        Some("north"),
        "another's stays"
    );
    ledger
        .note_refresh(id, &refresh(1, "north", RefreshOutcome::Failed))
        .await
        .unwrap();
    assert_eq!(intend(world, id, 1, "south").await, RefreshIntent::Taken);
    ledger
        .note_refresh(id, &refresh(1, "south", RefreshOutcome::Lost))
        .await
        .unwrap();
    assert_eq!(holder(world, id, 1).await.as_deref(), Some("south"));
    world.pass_time(seconds(101)).await;
    assert_eq!(intend(world, id, 1, "north").await, RefreshIntent::Taken);
    let story: Vec<_> = outcomes(world, id)
        .await
        .into_iter()
        .map(|(_, _, outcome)| outcome)
        .collect();
    let (lost, failed) = (RefreshOutcome::Lost, RefreshOutcome::Failed);
    assert_eq!(story, [lost, failed, failed], "newest first");
}

pub async fn what_is_refused_is_not_sent_again_by_those_who_waited(world: &dyn World) {
    let id = company(world, "Elm").await;
    let ledger = world.ledger();
    intend(world, id, 1, "north").await;
    ledger
        .note_refresh(id, &refresh(1, "north", RefreshOutcome::Refused))
        .await
        .unwrap();
    world.pass_time(seconds(5)).await;
    let after = async |waited| {
        let south = named("south");
        let intent = ledger.intend_refresh(id, 1, &south, LEASE, seconds(waited));
        intent.await.unwrap().unwrap()
    };
    assert_eq!(after(9).await, RefreshIntent::Refused);
    assert_eq!(after(4).await, RefreshIntent::Taken, "who came later asks anew");

    assert!(ledger.replace_credential(id, 1, &credential(2)).await.unwrap());
    assert_eq!(
        intend(world, id, 2, "north").await,
        RefreshIntent::Taken,
        "what a person brings is free"
    );
}

pub async fn what_is_recovered_makes_a_connection_active_that_waited_for_a_person(world: &dyn World) {
    let ledger = world.ledger();
    let stands = async |id| ledger.connection(id).await.unwrap().unwrap().state;
    for (state, outcome, then) in [
        (
            ConnectionState::NeedsReauthorisation,
            RefreshOutcome::Recovered,
            ConnectionState::Active,
        ),
        (
            ConnectionState::NeedsReauthorisation,
            RefreshOutcome::Granted,
            ConnectionState::NeedsReauthorisation,
        ),
        (
            ConnectionState::Paused,
            RefreshOutcome::Recovered,
            ConnectionState::Paused,
        ),
    ] {
        let id = company(world, &format!("{state} {outcome}")).await;
        ledger
            .set_connection_state(id, state, Some("refused"))
            .await
            .unwrap();
        let late = refresh(7, "north", outcome);
        assert!(!ledger.store_refresh(id, &credential(8), &late).await.unwrap());
        assert_eq!(stands(id).await, state);
        let refresh = refresh(1, "north", outcome);
        assert!(ledger.store_refresh(id, &credential(2), &refresh).await.unwrap());
        assert_eq!(stands(id).await, then, "{state} {outcome}");
    }
}

pub async fn a_removed_connection_has_no_refreshes(world: &dyn World) {
    let id = company(world, "Fir").await;
    let ledger = world.ledger();
    intend(world, id, 1, "north").await;
    ledger
        .note_refresh(id, &refresh(1, "north", RefreshOutcome::Failed))
        .await
        .unwrap();
    ledger.remove_connection(id, Purge::KeepRecords).await.unwrap();
    assert!(ledger.refreshes(id, 9).await.unwrap().is_empty());
    let intent = ledger
        .intend_refresh(id, 1, &named("north"), LEASE, Duration::ZERO)
        .await;
    assert!(intent.unwrap().is_none());
    let granted = refresh(1, "north", RefreshOutcome::Granted);
    assert!(!ledger.store_refresh(id, &credential(2), &granted).await.unwrap());
}

pub async fn only_the_newest_refreshes_are_kept(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let ledger = world.ledger();
    for version in 2..=8 {
        for id in [ash, birch].into_iter().take(if version > 3 { 1 } else { 2 }) {
            let failed = refresh(version, "north", RefreshOutcome::Failed);
            ledger.note_refresh(id, &failed).await.unwrap();
        }
    }
    let versions = async |id| -> Vec<i64> {
        let story = outcomes(world, id).await;
        story.into_iter().map(|(version, ..)| version).collect()
    };
    assert_eq!(ledger.prune_refreshes(3, 3).await.unwrap(), 3, "a batch");
    assert_eq!(versions(ash).await, [8, 7, 6, 5], "the oldest go first");
    assert_eq!(ledger.prune_refreshes(3, 3).await.unwrap(), 1);
    assert_eq!(ledger.prune_refreshes(3, 3).await.unwrap(), 0);
    assert_eq!(versions(ash).await, [8, 7, 6]);
    assert_eq!(versions(birch).await, [3, 2], "each connection has its own");
}

pub async fn the_refreshes_of_the_stored_credential_are_kept_whatever_their_number(world: &dyn World) {
    let id = company(world, "Cedar").await;
    let ledger = world.ledger();
    for _ in 0..5 {
        let failed = refresh(1, "north", RefreshOutcome::Failed);
        ledger.note_refresh(id, &failed).await.unwrap();
    }
    assert_eq!(ledger.prune_refreshes(3, 9).await.unwrap(), 0);
    assert_eq!(outcomes(world, id).await.len(), 5);
    let granted = refresh(1, "north", RefreshOutcome::Granted);
    intend(world, id, 1, "north").await;
    assert!(ledger.store_refresh(id, &credential(2), &granted).await.unwrap());
    assert_eq!(ledger.prune_refreshes(3, 9).await.unwrap(), 3);
    assert_eq!(outcomes(world, id).await.len(), 3, "it is stored no more");
}
