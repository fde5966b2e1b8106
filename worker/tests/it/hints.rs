//! What an upstream has sent when something had changed is looked up by ids, and its word is not taken for more than that.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures::TryStreamExt;
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_emulator::{FaultKind, FaultSpec, Mutation, MutationKind};
use ledgerfleet_ledger::NewHint;
use ledgerfleet_model::{SegmentId, SyncPace};
use ledgerfleet_testkit::wait::{PATIENCE, until};

use crate::world::{Runner, World};

/// A company that is kept in sync, and is not due for long; and whoever leads and works.
async fn world() -> (World, Runner) {
    let world = World::new().await;
    let later = world.parts.clock.now() + TimeDelta::days(300);
    let connection = world.connections[0].id;
    let ledger = &world.parts.ledger;
    let seldom = Some(Duration::from_hours(365 * 24));
    ledger.schedule_sync(connection, seldom, later).await.unwrap();
    let parts = world.parts.clone().keeping_in_sync(SyncPace::default());
    (world, Runner::start(&parts, 4))
}

fn mutate(world: &World, entity: &str, kind: MutationKind, count: u32) -> Vec<String> {
    let mutation = Mutation {
        count,
        ..Mutation::new("acme", entity, kind)
    };
    world.emulator.mutate(mutation).unwrap()
}

/// Stores events as if they had just been received: of which records, and whether these are said to be gone.
async fn receive(world: &World, entity: &str, ids: &[String], gone: bool) {
    let entity = find_entity(connector_entry("quickbooks").unwrap(), entity).unwrap();
    let hint = |id: &String| NewHint {
        key: SegmentId::new().to_string(),
        connector: "quickbooks",
        account: Some(world.connections[0].account.clone()),
        entity: Some(entity.name),
        record: Some(id.clone()),
        gone,
        kind: String::new(),
        happened_at: None,
        sample: None,
        former_token: false,
    };
    let hints: Vec<NewHint> = ids.iter().map(hint).collect();
    let stored = world.parts.ledger.store_hints(&hints).await.unwrap();
    assert_eq!(stored.accepted, ids.len() as u64);
}

/// What the warehouse has, and whether it is a tombstone.
async fn stored(world: &World, entity: &str) -> BTreeMap<String, bool> {
    let table = find_entity(connector_entry("quickbooks").unwrap(), entity)
        .unwrap()
        .table;
    let stubs = world.parts.ledger.record_stubs(world.connections[0].id, table);
    let told = stubs.map_ok(|stub| (stub.id, stub.deleted));
    told.try_collect().await.unwrap()
}

async fn until_runs(world: &World, runs: usize) {
    let are_over = async || {
        let all = world.parts.ledger.runs(100).await.unwrap();
        all.len() >= runs && all.iter().all(|run| run.state.is_over())
    };
    until("all looks are over", PATIENCE, are_over).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_records_are_looked_up_by_one_question_in_a_hundred_and_what_is_gone_is_a_tombstone() {
    let (world, runner) = world().await;
    let (changed, deleted) = (
        mutate(&world, "invoice", MutationKind::Update, 200),
        mutate(&world, "bill", MutationKind::Delete, 3),
    );
    let inactive = mutate(&world, "customer", MutationKind::Delete, 1);
    let alive = mutate(&world, "payment", MutationKind::Update, 1);
    receive(&world, "invoice", &changed, false).await;
    receive(&world, "invoice", &changed, false).await;
    receive(&world, "bill", &deleted, true).await;
    receive(&world, "bill", &deleted, false).await;
    receive(&world, "customer", &inactive, true).await;
    receive(&world, "payment", &alive, true).await;
    until_runs(&world, 1).await;
    let all = |ids: &[String], gone: bool| {
        ids.iter()
            .map(|id| (id.clone(), gone))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(stored(&world, "invoice").await, all(&changed, false));
    assert_eq!(
        stored(&world, "bill").await,
        all(&deleted, true),
        "whatever came last"
    );
    assert_eq!(
        stored(&world, "customer").await,
        all(&inactive, false),
        "it is there, and inactive"
    );
    assert_eq!(
        stored(&world, "payment").await,
        all(&alive, false),
        "it is there, whatever was said"
    );
    let summary = world.emulator.summary();
    assert!(
        summary.metered <= 8,
        "{} metered calls for 411 events",
        summary.metered
    );
    let states = world.parts.ledger.sync_states(&[]).await.unwrap();
    assert_eq!(states, [], "hints move no checkpoint");
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_told_before_it_can_be_read_is_looked_for_again_and_is_no_tombstone() {
    let (world, runner) = world().await;
    let old = mutate(&world, "invoice", MutationKind::Delete, 1);
    world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::VisibilityDelay { seconds: 600 }));
    let new = mutate(&world, "invoice", MutationKind::Create, 1);
    let both = [old[0].clone(), new[0].clone()];
    receive(&world, "invoice", &both, false).await;
    until_runs(&world, 1).await;
    assert_eq!(stored(&world, "invoice").await, BTreeMap::new());
    world.emulator.clock().step(Duration::from_mins(11));
    until_runs(&world, 2).await;
    let is_stored = async || stored(&world, "invoice").await.contains_key(&new[0]);
    until("the new one is stored", PATIENCE, is_stored).await;
    until_runs(&world, 3).await;
    assert_eq!(
        stored(&world, "invoice").await,
        BTreeMap::from([(new[0].clone(), false)]),
        "no tombstone of the other"
    );
    // What is told to be gone later is one, and an older word that comes after it changes nothing.
    receive(&world, "invoice", &old, true).await;
    until_runs(&world, 4).await;
    receive(&world, "invoice", &old, false).await;
    until_runs(&world, 7).await;
    assert!(stored(&world, "invoice").await[&old[0]]);
    assert_eq!(
        world.parts.ledger.runs(100).await.unwrap().len(),
        7,
        "it is looked for twice more, and no more"
    );
    runner.stop().await;
}
