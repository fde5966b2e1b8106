//! Rows that the upstream fails on, and readings that are cut short: what was read and what was set aside end the window,
//! and neither makes it look as if it never stood still.

use std::collections::BTreeSet;

use ledgerfleet_emulator::{FaultKind, FaultSpec, Mutation, MutationKind, OrderTies, Pick, Switches};
use ledgerfleet_model::RunState;

use crate::world::{LAST_DAY, World};

/// The upstream's words for a row that it cannot serve.
const FAULTS: [(u16, u32); 2] = [(400, 4002), (500, 10_000)];

fn spoil(world: &World, pick: Pick, (status, code): (u16, u32)) -> Vec<String> {
    let spoilt = Mutation {
        pick,
        status: Some(status),
        code: Some(code),
        day: Some(LAST_DAY),
        ..Mutation::new("acme", "invoice", MutationKind::Spoil)
    };
    world.emulator.mutate(spoilt).unwrap()
}

/// Before it, rows of one instant, more of them than the pages in which it is looked for.
fn crowd(world: &World) {
    let crowd = Mutation {
        count: 12,
        day: Some(LAST_DAY),
        ..Mutation::new("acme", "invoice", MutationKind::Create)
    };
    world.emulator.mutate(crowd).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_not_served_is_set_aside_and_the_rest_is_stored_whatever_stands_before_it() {
    for fault in FAULTS {
        for pick in [Pick::First, Pick::Last] {
            for page_size in [1_000, 7, 2] {
                let world = World::new().await;
                // Which of two rows of one instant is not served cannot be told while they change places.
                world.emulator.set_switches(Switches {
                    order_ties: OrderTies::Settled,
                    ..Switches::default()
                });
                crowd(&world);
                let spoilt = spoil(&world, pick, fault);
                let run = world.submit(&["invoice"], 1, page_size).await;
                let report = world.run_to_the_end(run).await;
                let told = format!("{fault:?} {pick:?} {page_size}: {report:?}");
                assert_eq!((report.state, report.dead), (RunState::Done, 0), "{told}");
                let stored = world.stored(&world.connections[0], "invoice").await;
                let mut served: BTreeSet<String> = world.truth("acme", "invoice", 1).into_keys().collect();
                served.retain(|id| !spoilt.contains(id));
                assert_eq!(stored.into_keys().collect::<BTreeSet<_>>(), served, "{told}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_whose_attempts_never_see_its_end_is_believed_when_two_passes_agree_with_the_count() {
    let world = World::new().await;
    let changed = Mutation {
        count: 3,
        ..Mutation::new("acme", "customer", MutationKind::Update)
    };
    world.emulator.mutate(changed).unwrap();
    // After each page the count fails, and with it the attempt that has seen the page. The next one counts, and finds that
    // something has changed within the last hour.
    for nth in [2, 6, 10, 14, 18] {
        world.emulator.set_fault(FaultSpec {
            nth: Some(nth),
            ..FaultSpec::always(FaultKind::Fault {
                status: 500,
                code: 10_001,
            })
        });
    }
    let run = world.submit(&["customer"], 1, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    world.assert_truth(&["customer"], 1).await;
}
