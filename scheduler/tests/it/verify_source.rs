//! Verify: what the source changes, shows and counts without a word about it.

use ledgerfleet_emulator::{Count, FaultKind, FaultSpec, Mutation, MutationKind, RunningEmulator, Switches};

use crate::verify::{DAYS, backfilled, differing, tamper};
use crate::world::{World, emulator};

/// A month of payments.
const PAYMENTS: &str = "--connection demo-us --entity payment --from 2026-06-01 --to 2026-06-30";

async fn with_payments(emulator: &RunningEmulator) -> World {
    let world = World::beside(emulator);
    world.connect(&emulator.info().companies[0]).await;
    world.run(&format!("backfill {PAYMENTS}")).await.expect(0);
    world
}

fn link(emulator: &RunningEmulator, count: u32) {
    emulator
        .mutate(Mutation {
            day: Some("2026-06-24".parse().unwrap()),
            count,
            ..Mutation::new("demo-us", "payment", MutationKind::Link)
        })
        .unwrap();
}

#[tokio::test]
async fn a_link_that_appears_without_a_new_version_or_time_is_changed_at_the_source_and_stored_by_a_fix() {
    let emulator = emulator().await;
    let world = with_payments(&emulator).await;
    link(&emulator, 2);
    let ended = world.run(&format!("verify {PAYMENTS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), ["payment 2026-06-24 yellow 0/2/0"]);
    let ended = ended.says("2 records changed at the source without a new version or time");
    assert!(!ended.stderr.contains("spoilt"), "{ended:?}");
    world.run(&format!("verify {PAYMENTS} --fix")).await.expect(0);
    let ended = world.run(&format!("verify {PAYMENTS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_spoilt_here_is_red_beside_what_changed_without_a_trace() {
    let emulator = emulator().await;
    let world = with_payments(&emulator).await;
    link(&emulator, 1);
    tamper(
        &world,
        "UPDATE raw_records SET payload_hash = zeroblob(32)
         WHERE entity = 'qbo_payment' AND id = (SELECT min(id) FROM qbo_payment WHERE document_date = '2026-06-23')",
    )
    .await;
    tamper(
        &world,
        "UPDATE raw_records SET source_updated_at = '2026-01-01T00:00:00.000000Z', payload_hash = randomblob(32)
         WHERE entity = 'qbo_payment' AND id = (SELECT min(id) FROM qbo_payment WHERE document_date = '2026-06-22')",
    )
    .await;
    let ended = world.run(&format!("verify {PAYMENTS} -o json")).await.expect(1);
    assert_eq!(
        differing(&ended),
        [
            "payment 2026-06-22 red 0/1/0",
            "payment 2026-06-23 red 0/1/0",
            "payment 2026-06-24 yellow 0/1/0",
        ]
    );
}

#[tokio::test]
async fn a_count_that_is_wrong_for_good_is_told_and_does_not_stand_in_the_way() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    emulator.set_switches(Switches {
        count: Count::Wrong,
        ..Switches::default()
    });
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), Vec::<String>::new());
    ended.says("its count is wrong and was not used");
    let of_invoices = |fault| FaultSpec {
        entity: Some("invoice".to_owned()),
        ..FaultSpec::always(fault)
    };
    emulator.set_fault(of_invoices(FaultKind::EmptyPage {}));
    world
        .run(&format!("verify {DAYS} -o json"))
        .await
        .expect(1)
        .says("demo-us invoice is not verified");
    emulator.clear_faults();
    emulator.set_fault(of_invoices(FaultKind::ShortPage { rows: 7 }));
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(
        differing(&ended),
        Vec::<String>::new(),
        "pages that are cut are read on"
    );
}
