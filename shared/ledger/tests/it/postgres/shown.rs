//! What is shown of a fleet.

use std::time::Duration;

use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::{finish, scene, seconds};
use ledgerfleet_ledger::{Dispatching, Pages};
use ledgerfleet_model::WorkerName;

use super::world::world;

#[tokio::test]
async fn the_calls_of_earlier_months_are_not_those_of_this_one() {
    let world = world().await;
    let scene = scene(&world, 2).await;
    finish(&world, scene.segments[0], &[]).await;
    world
        .database
        .command("UPDATE fleet.api_calls SET hour = date_trunc('month', hour, 'UTC') - interval '1 hour'");
    assert!(world.ledger.calls_this_month().await.unwrap().is_empty());
    finish(&world, scene.segments[1], &[]).await;
    let told = world.ledger.calls_this_month().await.unwrap();
    assert_eq!(told, [("quickbooks".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_leader_is_told_with_the_beginning_of_its_term_and_the_end_of_its_lease() {
    let world = world().await;
    let (leadership, lease) = (world.ledger.leadership(), Duration::from_secs(100));
    let [north, south] = ["north", "south"].map(|name| WorkerName(name.to_owned()));
    assert!(world.ledger.leader().await.unwrap().is_none());
    leadership.hold(&north, lease).await.unwrap();
    let first = world.ledger.leader().await.unwrap().unwrap();
    assert_eq!((&first.holder, first.term), (&north, 1));
    assert!(first.lease <= lease && first.lease > lease / 2, "{first:?}");

    leadership.hold(&north, lease).await.unwrap();
    assert_eq!(world.ledger.leader().await.unwrap().unwrap().since, first.since);
    world.pass_time(seconds(200)).await;
    leadership.hold(&south, lease).await.unwrap();
    let second = world.ledger.leader().await.unwrap().unwrap();
    assert_eq!((&second.holder, second.term), (&south, 2));
    assert!(second.since > first.since, "{second:?}");
}
