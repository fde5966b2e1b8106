//! Words that are documented and that an upstream refuses from now on: each is done without, and found out once.

use ledgerfleet_emulator::{Acceptance, Mutation, MutationKind, Switches};
use ledgerfleet_ledger::Fact;
use ledgerfleet_model::RunState;

use crate::world::{LAST_DAY, World};

fn invoices_of_the_last_day(kind: MutationKind, count: u32) -> Mutation {
    Mutation {
        day: Some(LAST_DAY),
        count,
        ..Mutation::new("acme", "invoice", kind)
    }
}

/// Reads the last day of these entities; answers how many requests that took.
async fn read(world: &World, entities: &[&str], page_size: u32) -> u64 {
    let before = world.emulator.summary().requests;
    let run = world.submit(entities, 1, page_size).await;
    let report = world.until(run, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    world.assert_truth(entities, 1).await;
    world.emulator.summary().requests - before
}

async fn has_learned(world: &World, entity: &str, fact: Fact) -> bool {
    let connection = world.connections[0].id;
    let learned = world.parts.ledger.learned(connection, entity).await.unwrap();
    learned.contains(&(fact, 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_read_and_counted_in_two_parts_where_active_and_inactive_ones_cannot_be_had_together() {
    for page_size in [1_000, 11] {
        let world = World::new().await;
        let inactive = Mutation {
            count: 15,
            ..Mutation::new("acme", "customer", MutationKind::Delete)
        };
        world.emulator.mutate(inactive).unwrap();
        world.emulator.set_switches(Switches {
            active_in: Acceptance::Refused,
            ..Switches::default()
        });
        let runner = world.runner();
        let first = read(&world, &["customer"], page_size).await;
        let second = read(&world, &["customer"], page_size).await;
        assert!(has_learned(&world, "customer", Fact::ActiveInRefused).await);
        let third = read(&world, &["customer"], page_size).await;
        // Without an order, in two parts: the second wording is the one that is served.
        assert!(third + 2 <= second.min(first), "{first} {second} {third}");
        runner.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_asked_for_one_by_one_where_several_ids_are_refused_and_that_is_found_out_once() {
    let world = World::new().await;
    world
        .emulator
        .mutate(invoices_of_the_last_day(MutationKind::Create, 12))
        .unwrap();
    let runner = world.runner();
    read(&world, &["invoice"], 1_000).await;
    world.emulator.set_switches(Switches {
        id_in: Acceptance::Refused,
        ..Switches::default()
    });
    let mut requests = Vec::new();
    for _ in 0..3 {
        world
            .emulator
            .mutate(invoices_of_the_last_day(MutationKind::Delete, 3))
            .unwrap();
        requests.push(read(&world, &["invoice"], 1_000).await);
    }
    assert!(has_learned(&world, "invoice", Fact::SeveralIdsRefused).await);
    assert_eq!(requests[1], requests[0], "met once, it may be a moment's trouble");
    assert_eq!(
        requests[2],
        requests[1] - 1,
        "nobody asks for several ids any more"
    );
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_was_cut_teaches_nothing_about_the_pages_after_it() {
    const DAYS: u64 = 6;
    let world = World::new().await;
    world.emulator.set_switches(Switches {
        rows_at_most: Some(5),
        ..Switches::default()
    });
    let runner = world.runner();
    for days in [1, DAYS] {
        let run = world.submit(&["invoice"], days, 1_000).await;
        let report = world.until(run, |report| report.state.is_over()).await;
        assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
        world.assert_truth(&["invoice"], days).await;
    }
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_one_entity_is_found_although_pages_of_others_are_larger_and_it_is_that_of_the_largest_one()
 {
    let world = World::new().await;
    let runner = world.runner();
    read(&world, &["customer"], 1_000).await;
    world
        .emulator
        .mutate(invoices_of_the_last_day(MutationKind::Create, 2))
        .unwrap();
    let rows = world.truth("acme", "invoice", 1).len();
    world
        .emulator
        .set_fault(format!("short_page={rows},entity=invoice").parse().unwrap());
    read(&world, &["invoice"], 1_000).await;
    let before = Mutation {
        day: Some(LAST_DAY - chrono::Days::new(1)),
        ..invoices_of_the_last_day(MutationKind::Create, u32::try_from(rows).unwrap() + 3)
    };
    world.emulator.mutate(before).unwrap();
    let run = world.submit(&["invoice"], 2, 1_000).await;
    let report = world.until(run, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    world.assert_truth(&["invoice"], 2).await;
    runner.stop().await;
}
