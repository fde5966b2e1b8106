use ledgerfleet_emulator::{CompanySpec, EmulatorOptions, Mutation, MutationKind, Rate, Region, Size};
use ledgerfleet_model::RunState;

use crate::world::{World, options};

const ALL: &[&str] = &["invoice", "customer", "item", "journal_entry"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_of_every_entity_is_copied_to_the_letter() {
    let world = World::new().await;
    let run = world.submit(ALL, 30, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(
        (report.state, report.dead, report.pending),
        (RunState::Done, 0, 0)
    );
    assert_eq!(report.done, report.segments);
    world.assert_truth(ALL, 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_many_pages_are_read_page_by_page_and_reconciled_with_the_sources_count() {
    let world = World::new().await;
    let run = world.submit(&["customer", "invoice"], 5, 3).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    assert!(
        report.pages > report.segments,
        "{} pages of {} segments",
        report.pages,
        report.segments
    );
    world.assert_truth(&["customer", "invoice"], 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_copy_of_the_same_days_stores_no_new_version() {
    let world = World::new().await;
    let connection = &world.connections[0];
    let first = world.submit(&["invoice"], 10, 1_000).await;
    world.run_to_the_end(first).await;
    let stored = world.parts.ledger.entity_totals().await.unwrap();
    let second = world.submit(&["invoice"], 10, 1_000).await;
    assert_ne!(first, second, "a finished request may be asked again");
    world.run_to_the_end(second).await;
    assert_eq!(
        world.parts.ledger.entity_totals().await.unwrap(),
        stored,
        "also not a newer time of storing"
    );
    assert!(!world.stored(connection, "invoice").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_at_the_source_replaces_the_older_version() {
    let world = World::new().await;
    let first = world.submit(&["customer"], 1, 1_000).await;
    world.run_to_the_end(first).await;
    let update = |kind| Mutation {
        count: 4,
        ..Mutation::new("acme", "customer", kind)
    };
    world.emulator.mutate(update(MutationKind::Update)).unwrap();
    world.emulator.mutate(update(MutationKind::Create)).unwrap();
    let second = world.submit(&["customer"], 1, 1_000).await;
    world.run_to_the_end(second).await;
    world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_added_while_a_window_is_read_are_not_lost() {
    let world = World::new().await;
    let mutation = Mutation {
        count: 2,
        every: Some(3),
        times: Some(4),
        ..Mutation::new("acme", "customer", MutationKind::Create)
    };
    world.emulator.mutate(mutation).unwrap();
    let run = world.submit(&["customer"], 1, 7).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_companies_are_copied_at_once_and_never_mixed() {
    let companies = vec![
        CompanySpec::new("north", Size::Small),
        CompanySpec {
            region: Region::Ca,
            ..CompanySpec::new("south", Size::Small)
        },
    ];
    let world = World::with(
        EmulatorOptions {
            companies,
            ..options()
        },
        Some(1_000.0),
    )
    .await;
    let run = world.submit(ALL, 10, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(ALL, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_upstreams_own_limits_nothing_is_ever_throttled() {
    let world = World::with(
        EmulatorOptions {
            rate: Rate::Enforce,
            ..options()
        },
        None,
    )
    .await;
    let run = world.submit(&["invoice", "journal_entry"], 30, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    let seen = world.emulator.summary();
    let seen = &seen.company("acme").unwrap().api;
    assert_eq!(seen.throttled, 0);
    assert!(seen.peak_1s <= 10 && seen.peak_in_flight <= 10, "{seen:?}");
    assert_eq!(
        seen.metered, report.calls,
        "the ledger counts the calls that the upstream charges"
    );
    world.assert_truth(&["invoice", "journal_entry"], 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_is_renewed_once_for_all_attempts_together() {
    let world = World::new().await;
    let run = world.submit(&["invoice"], 30, 1_000).await;
    world.run_to_the_end(run).await;
    let seen = world.emulator.summary();
    let tokens = &seen.company("acme").unwrap().tokens;
    assert_eq!((tokens.refreshes, tokens.superseded_uses), (1, 0));
}
