//! `backfill` and `verify` ask a company alike: one asker and one reader serve both.

use ledgerfleet_emulator::{
    Acceptance, FaultKind, FaultSpec, Mutation, MutationKind, RunningEmulator, Switches, TruthFilter,
};

use crate::world::{World, emulator};

/// A month of invoices as one window.
const MONTH: &str = "--connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-30";

async fn with_a_month(emulator: &RunningEmulator) -> World {
    let world = World::beside(emulator);
    world.connect(&emulator.info().companies[0]).await;
    world
        .run(&format!("backfill {MONTH} --segment month"))
        .await
        .expect(0);
    world
}

fn delete(emulator: &RunningEmulator, count: usize) {
    let filter = TruthFilter {
        from: Some("2026-06-01".parse().unwrap()),
        to: Some("2026-06-30".parse().unwrap()),
        ..TruthFilter::default()
    };
    let there = emulator.truth("demo-us", "invoice", &filter).unwrap();
    let gone = Mutation {
        ids: there.into_iter().map(|line| line.id).take(count).collect(),
        ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
    };
    assert_eq!(emulator.mutate(gone).unwrap().len(), count);
}

/// How many requests a command takes, and that it ends so.
async fn requests(world: &World, emulator: &RunningEmulator, line: &str, exit: i32) -> u64 {
    let before = emulator.summary().requests;
    world.run(line).await.expect(exit);
    emulator.summary().requests - before
}

#[tokio::test]
async fn records_that_are_gone_cost_a_backfill_as_few_requests_as_they_cost_verify() {
    let emulator = emulator().await;
    let world = with_a_month(&emulator).await;
    delete(&emulator, 40);
    let verify = requests(&world, &emulator, &format!("verify {MONTH}"), 1).await;
    let backfill = requests(&world, &emulator, &format!("backfill {MONTH} --segment month"), 0).await;
    // A page, a count, all ids, and two of them by themselves: those are refused, and free.
    assert_eq!((verify, backfill), (5, 5));
    world.run(&format!("verify {MONTH}")).await.expect(0);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_with_fewer_rows_by_both() {
    let emulator = emulator().await;
    let world = with_a_month(&emulator).await;
    // After the count of the one; the first page of the other.
    for (line, nth) in [("verify", 2), ("backfill --segment month", 1)] {
        let line = format!("{line} {MONTH}");
        // What is to be learned from the first reading is known by the next.
        world.run(&line).await.expect(0);
        let without = requests(&world, &emulator, &line, 0).await;
        emulator.set_fault(FaultSpec {
            entity: Some("invoice".to_owned()),
            nth: Some(nth),
            ..FaultSpec::always(FaultKind::LongBody { mebibytes: Some(70) })
        });
        let with = requests(&world, &emulator, &line, 0).await;
        assert_eq!(with, without + 1, "{line}");
        emulator.clear_faults();
    }
    world.run(&format!("verify {MONTH}")).await.expect(0);
}

#[tokio::test]
async fn where_several_ids_are_refused_both_ask_for_each_record() {
    let emulator = emulator().await;
    let world = with_a_month(&emulator).await;
    delete(&emulator, 3);
    emulator.set_switches(Switches {
        id_in: Acceptance::Refused,
        ..Switches::default()
    });
    let ended = world.run(&format!("verify {MONTH}")).await.expect(1);
    ended.says("asking for one record after the other");
    let backfill = requests(&world, &emulator, &format!("backfill {MONTH} --segment month"), 0).await;
    assert_eq!(backfill, 6, "a page, a count, a refusal, and three ids");
    world.run(&format!("verify {MONTH}")).await.expect(0);
}
