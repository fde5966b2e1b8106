//! What documents leave open about change data capture: whatever the upstream does, nothing is missed.

use ledgerfleet_emulator::{Acceptance, CdcBlocks, CdcCut, CdcUnsupported, UncertainChanges};

use super::*;

/// Whether an entity is kept as one whose changes are not told.
async fn is_untold(world: &World, entity: &str) -> bool {
    state(world, entity).await.untold_at.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_upstream_does_about_changes_the_company_is_in_sync() {
    let usual = Switches::default();
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    for (switches, born) in [
        (
            Switches {
                cdc_cut: CdcCut::Newest,
                ..usual
            },
            1_100,
        ),
        (
            Switches {
                cdc_zulu: Acceptance::Refused,
                ..usual
            },
            1,
        ),
        (
            Switches {
                cdc_blocks: CdcBlocks::Shuffled,
                ..usual
            },
            1,
        ),
        (
            Switches {
                cdc_uncertain: UncertainChanges::Served,
                ..usual
            },
            1,
        ),
    ] {
        world.emulator.set_switches(switches);
        // What was told of the case before is told no more.
        world.emulator.clock().step(Duration::from_mins(10));
        change_all(&world);
        mutate(&world, "invoice", MutationKind::Create, born);
        synced(&world, Scope::Changed).await;
        assert_in_sync(&world, &world.connections[0]).await;
        assert!(!is_untold(&world, "bill").await, "{switches:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_whose_changes_are_told_no_more_is_found_out_and_no_other_one_is_held_back() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    let connection = &world.connections[0];
    let with = |cdc_unsupported| Switches {
        cdc_bills: Acceptance::Refused,
        cdc_unsupported,
        ..Switches::default()
    };
    for unsupported in [CdcUnsupported::Refused, CdcUnsupported::Ignored] {
        world.emulator.set_switches(with(unsupported));
        // Nothing else has changed: no block has a name.
        mutate(&world, "bill", MutationKind::Update, 2);
        synced(&world, Scope::Due).await;
        assert_in_sync(&world, connection).await;
        assert!(is_untold(&world, "bill").await, "{unsupported:?}");
        for entity in ["customer", "invoice", "item", "payment"] {
            assert!(!is_untold(&world, entity).await, "{unsupported:?} {entity}");
        }
        change_all(&world);
        let next = synced(&world, Scope::Changed).await;
        assert!(next.calls < 12, "it is known, and not found out again: {next:?}");
        assert_in_sync(&world, connection).await;
        world.sql("UPDATE fleet_sync_states SET untold_at = NULL").await;
    }
    // An empty block is what an entity without changes has: only the count of a week tells.
    world.emulator.set_switches(with(CdcUnsupported::EmptyBlock));
    change_all(&world);
    synced(&world, Scope::Changed).await;
    for run in due_once_a_week(&world, connection).await {
        let report = world.run_to_the_end(run).await;
        assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    }
    assert_in_sync(&world, connection).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_sync_beside_one_that_is_due_ends_with_both_and_a_checkpoint_that_never_goes_back() {
    let world = World::new().await;
    synced(&world, Scope::Changed).await;
    let connection = &world.connections[0];
    change_all(&world);
    let full = submitted(&world, connection, Scope::Full).await.unwrap();
    let due = submitted(&world, connection, Scope::Due).await;
    change_all(&world);
    let before = state(&world, "invoice").await.checkpoint;
    let runner = world.runner();
    for run in std::iter::once(full).chain(due) {
        let report = world.until(run, |report| report.state.is_over()).await;
        assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    }
    runner.stop().await;
    assert!(state(&world, "invoice").await.checkpoint > before);
    change_all(&world);
    synced(&world, Scope::Changed).await;
    assert_in_sync(&world, connection).await;
}
