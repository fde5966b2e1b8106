//! How verify asks: page sizes, records by their ids, memory, waits that are told and end, and what a refusal ends with.

use ledgerfleet_emulator::{
    Count, FaultKind, FaultSpec, Mutation, MutationKind, RunningEmulator, Switches, TruthFilter,
};

use crate::fleet::Fleet;
use crate::verify::{DAYS, backfilled, differing, rows};
use crate::world::{World, emulator};

fn fault(entity: &str, nth: Option<u64>, kind: FaultKind) -> FaultSpec {
    FaultSpec {
        entity: Some(entity.to_owned()),
        nth,
        ..FaultSpec::always(kind)
    }
}

fn delete(emulator: &RunningEmulator, day: &str, count: u32) {
    let gone = Mutation {
        day: Some(day.parse().unwrap()),
        count,
        ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
    };
    assert_eq!(emulator.mutate(gone).unwrap().len(), count as usize);
}

const INVOICES: &str = "--connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-10";

#[tokio::test]
async fn pages_have_the_size_that_is_asked_for_and_less_where_they_are_too_large() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    for wrong in ["0", "1001", "-1"] {
        world
            .run(&format!("verify {INVOICES} --page-size {wrong}"))
            .await
            .expect(2);
    }
    let all = rows(&world.run(&format!("verify {INVOICES} -o json")).await.expect(0));
    let source = all[0]["source"].as_u64().unwrap();
    let before = emulator.summary().requests;
    world
        .run(&format!("verify {INVOICES} --page-size 8"))
        .await
        .expect(0);
    // Pages overlap by a row; one request is the count.
    let pages = emulator.summary().requests - before - 1;
    assert!(
        (source / 8..=source / 7 + 1).contains(&pages),
        "{pages} of {source}"
    );

    // The first is the count, the third the second page.
    let too_large = FaultKind::LongBody { mebibytes: Some(70) };
    emulator.set_fault(fault("invoice", Some(3), too_large));
    let ended = world
        .run(&format!("verify {INVOICES} --page-size 9 -o json"))
        .await
        .expect(0)
        .says("asking for 4 rows at once (--page-size)");
    assert_eq!(rows(&ended), all);
}

#[tokio::test]
async fn after_a_portion_with_pages_that_are_too_large_the_size_that_is_asked_for_is_tried_again() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let line = format!("verify {INVOICES} --page-size 9 --at-once 10 -o json");
    let requests = async || {
        let before = emulator.summary().requests;
        let told = world.run(&line).await.expect(0);
        (emulator.summary().requests - before, told)
    };
    let (of_large_pages, all) = requests().await;
    // The first is the first portion's count.
    let too_large = FaultKind::LongBody { mebibytes: Some(70) };
    emulator.set_fault(fault("invoice", Some(2), too_large));
    let (asked, told) = requests().await;
    assert_eq!(rows(&told), rows(&all));
    // Ten records are two pages of nine, or four of four after one that is too large; a page overlaps by a row.
    let more = asked - of_large_pages;
    assert!((1..=4).contains(&more), "{more} more than {of_large_pages}");
    told.says("asking for 4 rows at once (--page-size)");
}

#[tokio::test]
async fn records_that_are_gone_are_asked_for_together_and_the_first_and_the_last_by_itself() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    delete(&emulator, "2026-06-03", 3);
    delete(&emulator, "2026-06-05", 4);
    let (requests, metered) = (emulator.summary().requests, emulator.summary().metered);
    let ended = world
        .run(&format!("verify {INVOICES} -o json"))
        .await
        .expect(1)
        .says("7 records stored and on no page: asked for by id");
    assert_eq!(
        differing(&ended),
        ["invoice 2026-06-03 red 0/0/3", "invoice 2026-06-05 red 0/0/4"]
    );
    // A count, a page, all ids, and two ids: those are refused, and free.
    assert_eq!(emulator.summary().requests - requests, 5);
    assert_eq!(emulator.summary().metered - metered, 3);
    ended.says("3 metered requests asked");
}

#[tokio::test]
async fn an_answer_without_the_records_asked_for_is_not_taken_for_their_deletion() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    delete(&emulator, "2026-06-03", 1);
    let redated = Mutation {
        day: Some("2026-06-05".parse().unwrap()),
        to: Some("2026-06-20".parse().unwrap()),
        count: 2,
        ..Mutation::new("demo-us", "invoice", MutationKind::Redate)
    };
    emulator.mutate(redated).unwrap();
    emulator.set_fault(fault("invoice", Some(3), FaultKind::EmptyPage {}));
    world
        .run(&format!("verify {INVOICES}"))
        .await
        .expect(1)
        .says("by itself and not among others");
    let ended = world.run(&format!("verify {INVOICES} -o json")).await.expect(1);
    assert_eq!(
        differing(&ended),
        [
            "invoice 2026-06-03 red 0/0/1",
            "invoice 2026-06-05 yellow 0/2/0",
            "invoice 2026-06-20 yellow 0/2/0"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_was_cut_after_some_of_the_records_asked_for_deletes_none_of_the_others() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let of_june = TruthFilter {
        from: Some("2026-06-01".parse().unwrap()),
        to: Some("2026-06-10".parse().unwrap()),
        ..TruthFilter::default()
    };
    let mut ids: Vec<String> = emulator
        .truth("demo-us", "invoice", &of_june)
        .unwrap()
        .into_iter()
        .map(|line| line.id)
        .collect();
    ids.sort_unstable_by_key(|id| id.parse::<u64>().unwrap());
    let (moved, gone) = (ids[..8].to_vec(), ids[8].clone());
    let redated = Mutation {
        ids: moved,
        to: Some("2026-06-20".parse().unwrap()),
        ..Mutation::new("demo-us", "invoice", MutationKind::Redate)
    };
    assert_eq!(emulator.mutate(redated).unwrap().len(), 8);
    let deleted = Mutation {
        ids: vec![gone],
        ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
    };
    assert_eq!(emulator.mutate(deleted).unwrap().len(), 1);
    emulator.set_switches(Switches {
        rows_at_most: Some(3),
        ..Switches::default()
    });
    let ended = world.run(&format!("verify {INVOICES} -o json")).await.expect(1);
    let gone = |row: &serde_json::Value| row["gone"].as_u64().unwrap();
    assert_eq!(rows(&ended).iter().map(gone).sum::<u64>(), 1, "{ended:?}");
}

#[tokio::test]
async fn rows_that_pages_with_a_cap_do_not_show_are_looked_for_although_nothing_counts_them() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let created = Mutation {
        day: Some("2026-06-05".parse().unwrap()),
        count: 9,
        ..Mutation::new("demo-us", "invoice", MutationKind::Create)
    };
    assert_eq!(emulator.mutate(created).unwrap().len(), 9);
    emulator.set_switches(Switches {
        rows_at_most: Some(3),
        count: Count::Refused,
        ..Switches::default()
    });
    for at_once in ["1000", "20"] {
        let ended = world
            .run(&format!("verify {INVOICES} --at-once {at_once} -o json"))
            .await
            .expect(0);
        assert_eq!(differing(&ended), ["invoice 2026-06-05 yellow 9/0/0"]);
    }
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_compared_part_by_part_with_the_same_result() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    delete(&emulator, "2026-06-05", 2);
    let whole = world.run(&format!("verify {DAYS} -o json")).await.expect(1);
    let parts = world
        .run(&format!("verify {DAYS} --at-once 10 -o json"))
        .await
        .expect(1)
        .says("2 records stored and on no page");
    assert_eq!(rows(&whole), rows(&parts));
    assert_eq!(differing(&parts), ["invoice 2026-06-05 red 0/0/2"]);

    // Nothing is stored: the source's count alone cuts the days.
    let other = "--connection demo-us --entity bill,vendor --from 2026-06-01 --to 2026-06-30 -o json";
    let whole = world.run(&format!("verify {other}")).await.expect(0);
    let parts = world.run(&format!("verify {other} --at-once 10")).await.expect(0);
    assert_eq!(rows(&whole), rows(&parts));
    assert!(rows(&parts).len() > 2, "{parts:?}");
}

#[tokio::test]
async fn a_wait_is_told_and_ends() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let throttle = FaultKind::Throttle {
        status: None,
        body: None,
        retry_after: Some(2),
    };
    emulator.set_fault(fault("invoice", Some(1), throttle.clone()));
    world
        .run(&format!("verify {INVOICES}"))
        .await
        .expect(0)
        .says("demo-us: QuickBooks says")
        .says("asking again in 2.0 s");
    emulator.clear_faults();
    emulator.set_fault(FaultSpec::always(throttle));
    world
        .run(&format!("verify {DAYS} --max-wait 3s"))
        .await
        .expect(5)
        .says("more than 3.0 s is not waited (--max-wait)")
        .says("1 comparison more not begun")
        .says("--max-wait 1h");
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_and_then_a_dependency_that_is_down() {
    let mut fleet = Fleet::migrated().await;
    fleet.world.connect(&fleet.emulator.info().companies[0]).await;
    fleet.redis.kill();
    fleet
        .world
        .run(&format!("verify {DAYS} --max-wait 3s"))
        .await
        .expect(5)
        .says("bell, gate and locks cannot be reached")
        .says("check that Redis answers");
    fleet.redis.start_again();
    fleet.world.run(&format!("verify {DAYS}")).await.expect(0);
}

#[tokio::test]
async fn every_kind_of_refusal_ends_with_its_code() {
    let emulator = emulator().await;
    let fault = |status, code| FaultSpec::always(FaultKind::Fault { status, code });
    let cases = [
        // Wrong environment or realm.
        (fault(403, 3_100), 4, "scheduler connection test"),
        // Not in the plan although it was read before.
        (fault(403, 5_030), 1, "leave it out with --entity"),
        // The owner has ended the consent.
        (
            FaultSpec::always(FaultKind::Disconnect {}),
            4,
            "scheduler connection",
        ),
    ];
    let world = backfilled(&emulator).await;
    for (fault, code, advice) in cases {
        emulator.set_fault(fault);
        world
            .run(&format!("verify {DAYS} --max-wait 2s"))
            .await
            .expect(code)
            .says(advice);
        emulator.clear_faults();
    }
    let unknown = World::beside(&emulator);
    unknown.run(&format!("verify {DAYS}")).await.expect(2);
}
