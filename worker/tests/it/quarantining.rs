//! Records that cannot be stored as they are, through a worker: they go to quarantine, and the rest of their page does not.

use std::collections::BTreeMap;

use ledgerfleet_emulator::{Mutation, MutationKind, Oddity, Pick};
use ledgerfleet_ledger::{CoverageFilter, QuarantineFilter, QuarantinedRecord, RecordFilter};
use ledgerfleet_model::{QuarantineReason, RunState};

use crate::world::{LAST_DAY, World};

/// Makes the text of a few of the last day's records strange; answers their ids.
fn make_odd(world: &World, oddity: Oddity, size: Option<u32>, ids: &[&str]) {
    let mutation = Mutation {
        ids: ids.iter().map(ToString::to_string).collect(),
        oddity: Some(oddity),
        size,
        pick: Pick::First,
        ..Mutation::new("acme", "customer", MutationKind::Odd)
    };
    world.emulator.mutate(mutation).unwrap();
}

async fn quarantined(world: &World, id: Option<&str>) -> Vec<QuarantinedRecord> {
    let filter = QuarantineFilter {
        connection: world.connections[0].id,
        entity: "customer".to_owned(),
        id: id.map(str::to_owned),
        limit: 100,
    };
    world.parts.ledger.quarantined(&filter).await.unwrap()
}

/// Copies all customers, in pages of that size.
async fn copy(world: &World, page_size: u32) -> ledgerfleet_ledger::RunReport {
    let run = world.submit(&["customer"], 1, page_size).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(report.state, RunState::Done);
    report
}

const MEBIBYTES: u32 = 1 << 20;

async fn every_record_is_stored_or_quarantined(page_size: u32) {
    let world = World::new().await;
    make_odd(&world, Oddity::NullCharacter, None, &["2"]);
    make_odd(&world, Oddity::LoneSurrogate, None, &["3"]);
    make_odd(&world, Oddity::Numbers, None, &["4"]);
    make_odd(&world, Oddity::Nested, Some(500), &["5"]);
    make_odd(&world, Oddity::Huge, Some(2 * MEBIBYTES), &["6"]);
    make_odd(&world, Oddity::UnknownMembers, None, &["7"]);
    make_odd(&world, Oddity::UnknownValues, None, &["8"]);
    make_odd(&world, Oddity::MonstrousNumber, None, &["12", "13"]);
    make_odd(&world, Oddity::Nested, Some(5_000), &["14"]);
    make_odd(&world, Oddity::Huge, Some(9 * MEBIBYTES), &["15"]);
    make_odd(&world, Oddity::DoubledMembers, None, &["16"]);
    make_odd(&world, Oddity::DistantInstant, None, &["17"]);
    let report = copy(&world, page_size).await;

    let truth = world.truth("acme", "customer", 1);
    let stored = world.stored(&world.connections[0], "customer").await;
    let away: BTreeMap<String, QuarantineReason> = quarantined(&world, None)
        .await
        .into_iter()
        .map(|record| (record.id, record.reason))
        .collect();
    let expected = [
        ("12", QuarantineReason::NumberOutOfRange),
        ("13", QuarantineReason::NumberOutOfRange),
        ("14", QuarantineReason::TooDeep),
        ("15", QuarantineReason::TooLong),
        ("16", QuarantineReason::MemberTwice),
        ("17", QuarantineReason::UnreadableTimes),
    ];
    assert_eq!(away, expected.map(|(id, reason)| (id.to_owned(), reason)).into());
    for (id, (_, hash)) in &truth {
        let as_it_is = stored.get(id).map(|stub| &stub.payload_hash) == Some(hash);
        assert!(
            as_it_is != away.contains_key(id),
            "{id} is either stored to the letter or quarantined"
        );
    }
    assert_eq!(stored.len() + away.len(), truth.len());
    assert_eq!((report.rows, report.quarantined), (truth.len() as u64, 6));
    let coverage = world
        .parts
        .ledger
        .coverage(&CoverageFilter::default())
        .await
        .unwrap();
    assert_eq!(coverage[0].note.as_deref(), Some("6 records quarantined"));
    let long = quarantined(&world, Some("15")).await.remove(0);
    assert!(long.length > u64::from(9 * MEBIBYTES) && long.kept == u64::from(8 * MEBIBYTES));
    assert!(long.original.unwrap().starts_with(r#"{""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_window_of_one_page_every_record_is_stored_or_quarantined() {
    every_record_is_stored_or_quarantined(1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_window_of_many_pages_every_record_is_stored_or_quarantined() {
    every_record_is_stored_or_quarantined(7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_becomes_good_is_released_and_one_that_becomes_bad_keeps_its_last_good_version() {
    let world = World::new().await;
    make_odd(&world, Oddity::MonstrousNumber, None, &["2"]);
    copy(&world, 1_000).await;
    assert_eq!(quarantined(&world, None).await.len(), 1);
    let before = world.stored(&world.connections[0], "customer").await;

    make_odd(&world, Oddity::UnknownMembers, None, &["2"]);
    make_odd(&world, Oddity::Nested, Some(5_000), &["3"]);
    let report = copy(&world, 1_000).await;
    let away = quarantined(&world, None).await;
    assert_eq!((away.len(), away[0].id.as_str(), report.quarantined), (1, "3", 1));
    let after = world.stored(&world.connections[0], "customer").await;
    assert!(after.contains_key("2") && !before.contains_key("2"));
    assert_eq!(after["3"], before["3"]);

    make_odd(&world, Oddity::UnknownMembers, None, &["3"]);
    copy(&world, 1_000).await;
    assert!(quarantined(&world, None).await.is_empty());
    world.assert_truth(&["customer"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_odd_texts_to_the_letter() {
    let world = World::new().await;
    make_odd(&world, Oddity::NullCharacter, None, &["2"]);
    make_odd(&world, Oddity::LoneSurrogate, None, &["3"]);
    make_odd(&world, Oddity::Numbers, None, &["4"]);
    copy(&world, 1_000).await;
    world.assert_truth(&["customer"], 1).await;
    for (id, text) in [
        ("2", r"before\u0000after"),
        ("3", r"half \ud83d of"),
        ("4", "1e131071,-0.0,100.00,"),
    ] {
        let filter = RecordFilter {
            connection: world.connections[0].id,
            table: "qbo_customer".to_owned(),
            id: Some(id.to_owned()),
            from: None,
            to: None,
            limit: 1,
        };
        let record = world.parts.ledger.records(&filter).await.unwrap().remove(0);
        assert!(
            record.payload.get().contains(text) && record.original.is_none(),
            "{id}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_in_quarantine_that_is_deleted_at_the_source_is_listed_no_more() {
    let world = World::new().await;
    let of_the_last_day = |kind| Mutation {
        day: Some(LAST_DAY),
        pick: Pick::First,
        ..Mutation::new("acme", "invoice", kind)
    };
    let odd = Mutation {
        oddity: Some(Oddity::MonstrousNumber),
        ..of_the_last_day(MutationKind::Odd)
    };
    let odd = world.emulator.mutate(odd).unwrap();
    let listed = async |id: Option<&str>| {
        let filter = QuarantineFilter {
            connection: world.connections[0].id,
            entity: "invoice".to_owned(),
            id: id.map(str::to_owned),
            limit: 100,
        };
        world.parts.ledger.quarantined(&filter).await.unwrap()
    };
    let copy = async || {
        let run = world.submit(&["invoice"], 1, 1_000).await;
        let report = world.run_to_the_end(run).await;
        assert_eq!(report.state, RunState::Done);
        report
    };
    copy().await;
    assert_eq!(listed(None).await[0].id, odd[0]);

    let gone = Mutation {
        ids: odd.clone(),
        ..of_the_last_day(MutationKind::Delete)
    };
    assert_eq!(world.emulator.mutate(gone).unwrap(), odd);
    assert_eq!(copy().await.deleted, 1);
    assert!(listed(None).await.is_empty());
    let kept = listed(Some(&odd[0])).await.remove(0);
    assert!(kept.deleted_at.is_some() && kept.original.is_some());
    assert_eq!(copy().await.deleted, 0, "nobody asks for it again");
}
