//! Pages that are not what their number promises: rows that come twice, pages that end early, pages without rows.
//! Whatever they do, the tables equal the truth or the window is dead; it is never done with rows missing.

use ledgerfleet_emulator::{
    Count, FaultKind, FaultSpec, Mutation, MutationKind, Oddity, OrderTies, Pick, Switches, TotalCount,
};
use ledgerfleet_ledger::{DeadLetterFilter, Fact, Listing, RunReport};
use ledgerfleet_model::{FailureKind, RunState};

use crate::world::World;

/// Copies all customers in pages of that size.
async fn copy(world: &World, page_size: u32) -> RunReport {
    let run = world.submit(&["customer"], 1, page_size).await;
    world.run_to_the_end(run).await
}

/// Copies all customers in pages of `page_size` while `fault` strikes; the tables must equal the truth.
async fn copy_despite(fault: FaultSpec, page_size: u32) -> RunReport {
    let world = World::new().await;
    world.emulator.set_fault(fault);
    let report = copy(&world, page_size).await;
    assert_eq!(report.state, RunState::Done, "{:?}", reasons(&world).await);
    world.assert_truth(&["customer"], 1).await;
    let truth = world.truth("acme", "customer", 1).len() as u64;
    assert_eq!(report.rows, truth);
    report
}

async fn reasons(world: &World) -> Vec<(FailureKind, String)> {
    let filter = DeadLetterFilter::default();
    let letters = world
        .parts
        .ledger
        .dead_letters(&filter, &Listing::newest(10))
        .await
        .unwrap();
    letters
        .into_iter()
        .map(|letter| (letter.reason, letter.message))
        .collect()
}

fn once(fault: FaultKind, nth: u64) -> FaultSpec {
    FaultSpec {
        nth: Some(nth),
        ..FaultSpec::always(fault)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_come_again_on_the_next_page_are_stored_once_and_what_they_pushed_out_is_read() {
    for nth in [2, 3, 5] {
        copy_despite(once(FaultKind::RepeatRows { rows: 4 }, nth), 11).await;
    }
    copy_despite(FaultSpec::always(FaultKind::RepeatRows { rows: 4 }), 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_ends_early_between_others_is_read_again() {
    for nth in [2, 4] {
        copy_despite(once(FaultKind::ShortPage { rows: 3 }, nth), 11).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_rows_between_others_is_not_the_end() {
    for nth in [2, 4] {
        copy_despite(once(FaultKind::EmptyPage {}, nth), 11).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_page_that_ends_early_is_found_out_by_the_answers_own_total() {
    let report = copy_despite(once(FaultKind::ShortPage { rows: 3 }, 1), 1_000).await;
    // The two pages, a count after each, and whether anything has changed since.
    assert_eq!((report.pages, report.calls), (2, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_page_as_long_as_one_that_nobody_gave_a_size_is_held_against_a_count() {
    let world = World::new().await;
    world.emulator.set_switches(Switches {
        total_count: TotalCount::Absent,
        ..Switches::default()
    });
    assert!(world.truth("acme", "customer", 1).len() > 100);
    world
        .emulator
        .set_fault(once(FaultKind::ShortPage { rows: 100 }, 1));
    let report = copy(&world, 1_000).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_of_one_good_page_is_never_counted() {
    let world = World::new().await;
    world.trust_pages_of(&["customer"]).await;
    let report = copy(&world, 1_000).await;
    assert_eq!((report.state, report.calls), (RunState::Done, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_always_end_early_are_read_on_to_the_end() {
    let report = copy_despite(FaultSpec::always(FaultKind::ShortPage { rows: 3 }), 1_000).await;
    assert!(report.pages > report.rows / 3, "{report:?}");
}

/// The tax agencies, of which there are three and which have no order, one a page, and each page from the beginning.
async fn read_from_the_beginning_only(order_ties: OrderTies) -> (World, RunReport) {
    let world = World::new().await;
    world.emulator.set_switches(Switches {
        order_ties,
        ..Switches::default()
    });
    let from_the_beginning = FaultSpec::always(FaultKind::RepeatRows { rows: 100_000 });
    world.emulator.set_fault(from_the_beginning);
    let run = world.submit(&["tax_agency"], 1, 1).await;
    let report = world.run_to_the_end(run).await;
    assert!(report.calls < 100, "{report:?}");
    (world, report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_do_not_heed_where_they_begin_are_a_dead_letter_after_a_few_calls() {
    let (world, report) = read_from_the_beginning_only(OrderTies::Settled).await;
    assert_eq!((report.state, report.dead), (RunState::Dead, 1), "{report:?}");
    assert_eq!(reasons(&world).await[0].0, FailureKind::Unstable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_do_not_heed_where_they_begin_are_done_only_where_chance_has_shown_all_rows() {
    let (world, report) = read_from_the_beginning_only(OrderTies::ByAnswer).await;
    if report.state == RunState::Done {
        world.assert_truth(&["tax_agency"], 1).await;
    } else {
        assert_eq!(reasons(&world).await[0].0, FailureKind::Unstable);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entity_that_was_there_is_not_believed_to_be_outside_the_plan() {
    let not_in_plan = FaultKind::Fault {
        status: 403,
        code: 5030,
    };
    copy_despite(once(not_in_plan.clone(), 3), 11).await;
    let world = World::new().await;
    copy(&world, 1_000).await;
    world.emulator.set_fault(once(not_in_plan, 1));
    let again = copy(&world, 1_000).await;
    assert!(again.state == RunState::Done && again.rows > 0, "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_up_that_says_not_in_the_plan_is_a_dead_letter_after_six_failures() {
    for (entity, status, code) in [
        ("reimburse_charge", 400, 5_020),
        ("reimburse_charge", 400, 4_001),
        ("invoice", 403, 5_030),
    ] {
        let world = World::new().await;
        let run = world.submit(&[entity], 30, 1_000).await;
        world.run_to_the_end(run).await;
        let stored = world.stored(&world.connections[0], entity).await;
        let deletion = Mutation {
            ids: stored.into_keys().take(1).collect(),
            ..Mutation::new("acme", entity, MutationKind::Delete)
        };
        world.emulator.mutate(deletion).unwrap();
        world.emulator.set_fault(FaultSpec {
            path: Some(format!("/{}/", entity.replace('_', ""))),
            ..FaultSpec::always(FaultKind::Fault { status, code })
        });
        let again = world.submit(&[entity], 30, 1_000).await;
        let report = world.run_to_the_end(again).await;
        assert_eq!(
            (report.state, report.dead),
            (RunState::Dead, 1),
            "{entity} {code}"
        );
        let letters = reasons(&world).await;
        assert_eq!(
            letters[0].0,
            FailureKind::UnexpectedContent,
            "{entity} {code}: {letters:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_fails_for_ever_is_a_dead_letter_after_six_failures() {
    let world = World::new().await;
    let run = world.submit(&["customer"], 1, 30).await;
    world.run_to_the_end(run).await;
    // Whoever resumes after the last page counts first.
    let first_count = world.emulator.summary().requests - 1;
    for attempt in 0..20 {
        let fault = FaultKind::Fault {
            status: 500,
            code: 10_000,
        };
        world.emulator.set_fault(once(fault, first_count + attempt));
    }
    let again = world.submit(&["customer"], 1, 30).await;
    let report = world.run_to_the_end(again).await;
    assert_eq!((report.state, report.dead), (RunState::Dead, 1), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_refused_is_done_without_and_remembered_once_that_was_met_twice() {
    let world = World::new().await;
    world.emulator.set_switches(Switches {
        count: Count::Refused,
        ..Switches::default()
    });
    let run = world.submit(&["invoice"], 6, 8).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done, "{:?}", reasons(&world).await);
    world.assert_truth(&["invoice"], 6).await;
    let learned = world
        .parts
        .ledger
        .learned(world.connections[0].id, "invoice")
        .await
        .unwrap();
    assert!(learned.contains(&(Fact::CountRefused, 1)), "{learned:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_one_row_are_read_until_two_passes_agree() {
    let world = World::new().await;
    let deleted = Mutation {
        day: Some(crate::world::LAST_DAY),
        pick: Pick::First,
        every: Some(6),
        times: Some(1),
        ..Mutation::new("acme", "invoice", MutationKind::Delete)
    };
    world.emulator.mutate(deleted).unwrap();
    let run = world.submit(&["invoice"], 1, 1).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["invoice"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_changed_at_one_instant_are_all_there_and_in_one_place() {
    let world = World::new().await;
    let touch = Mutation {
        count: 60,
        ..Mutation::new("acme", "customer", MutationKind::Touch)
    };
    world.emulator.mutate(touch).unwrap();
    let report = copy(&world, 7).await;
    assert_eq!(report.state, RunState::Done);
    world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_and_words_that_nobody_has_announced_are_stored_as_they_are() {
    let world = World::new().await;
    for (oddity, id) in [(Oddity::UnknownMembers, "3"), (Oddity::UnknownValues, "4")] {
        let odd = Mutation {
            ids: vec![id.to_owned()],
            oddity: Some(oddity),
            ..Mutation::new("acme", "customer", MutationKind::Odd)
        };
        world.emulator.mutate(odd).unwrap();
    }
    let report = copy(&world, 50).await;
    assert_eq!((report.state, report.quarantined), (RunState::Done, 0));
    world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_refuses_a_query_from_now_on_kills_no_segment_and_holds_up_its_entity_alone() {
    let world = World::new().await;
    // No words are left to put this in.
    let refused = FaultKind::Fault {
        status: 400,
        code: 4001,
    };
    world.emulator.set_fault(FaultSpec {
        entity: Some("customer".to_owned()),
        ..FaultSpec::always(refused)
    });
    let run = world.submit(&["customer", "invoice"], 3, 1_000).await;
    let runner = world.runner();
    let report = world.until(run, |report| report.done == 3).await;
    assert_eq!(
        (report.dead, report.pending + report.running),
        (0, 1),
        "{report:?}"
    );
    let brakes = world.parts.ledger.brakes().await.unwrap();
    let told: Vec<_> = brakes
        .iter()
        .map(|brake| (brake.scope.kind(), brake.reason))
        .collect();
    assert_eq!(told, [("entity", FailureKind::UpstreamChanged)]);

    world.emulator.clear_faults();
    let report = world.until(run, |report| report.state.is_over()).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0));
    runner.stop().await;
    world.assert_truth(&["customer", "invoice"], 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_large_a_page_may_be_is_found_out_by_one_and_waited_for_by_the_others() {
    let world = World::new().await;
    // A large page: it says nothing of transfers, but that those of one size need no count each.
    copy(&world, 1_000).await;
    // So that the first pages of eight attempts are there before anybody has counted.
    world
        .emulator
        .set_fault("slow=20,chunk=65536,times=8".parse().unwrap());
    let run = world.submit(&["transfer"], 24, 1_000).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!((report.state, report.pages), (RunState::Done, 24));
    world.assert_truth(&["transfer"], 24).await;
    // Whoever meets a page that is larger than any before counts; eight attempts would each do so.
    let counts = report.calls - report.pages;
    assert!((1..=4).contains(&counts), "{counts} counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_source_counts_every_row_that_it_shows_is_stored() {
    for count in [Count::Low, Count::High, Count::Wrong] {
        let world = World::new().await;
        let switches = Switches {
            count,
            ..Switches::default()
        };
        world.emulator.set_switches(switches);
        for (entity, days, page_size) in [("customer", 1, 11), ("invoice", 5, 1_000), ("vendor", 1, 1_000)] {
            let run = world.submit(&[entity], days, page_size).await;
            let report = world.run_to_the_end(run).await;
            let told = reasons(&world).await;
            // Where the source counts more than it shows, the window ends dead, or its coverage says `unproven`.
            assert!(
                report.dead == 0 || count != Count::Low,
                "{entity} {count:?} {told:?}"
            );
            world.assert_truth(&[entity], days).await;
        }
    }
}
