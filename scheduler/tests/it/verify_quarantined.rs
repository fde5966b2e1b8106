//! Verify and quarantine: what cannot be stored as the source has it is accounted for by itself.

use ledgerfleet_emulator::{Mutation, MutationKind, Oddity, RunningEmulator, TruthFilter};
use serde_json::Value;

use crate::verify::{DAYS, backfilled, differing, rows, tamper};
use crate::world::{World, emulator};

#[tokio::test]
async fn a_record_in_quarantine_is_listed_with_its_text_and_told_by_itself() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let id = make_odd(&emulator, "2026-06-03", Oddity::MonstrousNumber);
    let again = "backfill --connection demo-us --entity invoice --from 2026-06-03 --to 2026-06-03 -o json";
    let run = world
        .run(again)
        .await
        .expect(0)
        .says("scheduler records --connection demo-us --entity invoice --quarantined")
        .json();
    let of = "--connection demo-us --entity invoice";
    let shown = world
        .run(&format!("run show {} -o json", run["run_id"].as_str().unwrap()))
        .await;
    let shown = shown
        .expect(0)
        .says("scheduler records --connection demo-us --entity invoice --quarantined");
    let shown = shown.json();
    assert_eq!(
        (&shown["quarantined"], &shown["volumes"][0]["quarantined"]),
        (&1.into(), &1.into())
    );

    let listed = world.run(&format!("records {of} --quarantined -o json")).await;
    let [row] = rows(&listed.expect(0)).try_into().unwrap();
    assert_eq!(
        (row["id"].as_str(), row["reason"].as_str()),
        (Some(id.as_str()), Some("number_out_of_range"))
    );
    assert_eq!(row["original"], Value::Null);
    let one = world
        .run(&format!("records {of} --quarantined --id {id} -o json"))
        .await;
    assert!(
        rows(&one.expect(0))[0]["original"]
            .as_str()
            .unwrap()
            .contains("1e200000")
    );
    let table = world.run(&format!("records {of} --quarantined")).await;
    assert!(table.expect(0).stdout.contains("number_out_of_range"));

    let verified = world
        .run(&format!("verify {DAYS} -o json"))
        .await
        .expect(0)
        .says("scheduler records --connection demo-us --entity invoice --quarantined");
    assert_eq!(
        differing(&verified),
        ["invoice 2026-06-03 yellow 0/0/0 quarantined 1"]
    );
    let before = emulator.summary().requests;
    world
        .run(&format!("verify {DAYS} --fix"))
        .await
        .expect(0)
        .says("--fix has nothing to read again");
    let paged = world.run("run list -o json").await.expect(0).json();
    assert_eq!(paged.as_array().unwrap().len(), 2, "no run was submitted");
    assert!(emulator.summary().requests > before);
}

#[tokio::test]
async fn what_became_unstorable_since_is_yellow_until_it_is_in_quarantine_and_has_the_day_it_says() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    make_odd(&emulator, "2026-06-08", Oddity::MonstrousNumber);
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), ["invoice 2026-06-08 yellow 0/1/0"]);
    let ended = world.run(&format!("verify {DAYS} --fix -o json")).await.expect(0);
    assert_eq!(
        differing(&ended),
        ["invoice 2026-06-08 yellow 0/0/0 quarantined 1"]
    );
}

#[tokio::test]
async fn what_was_lost_beside_a_record_in_quarantine_is_red() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    make_odd(&emulator, "2026-06-08", Oddity::MonstrousNumber);
    world.run(&format!("verify {DAYS} --fix")).await.expect(0);
    tamper(
        &world,
        "DELETE FROM raw_records WHERE entity = 'qbo_invoice' AND id = (
             SELECT max(id) FROM qbo_invoice WHERE document_date = '2026-06-08'
             AND id NOT IN (SELECT id FROM fleet_quarantine))",
    )
    .await;
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(1);
    assert_eq!(differing(&ended), ["invoice 2026-06-08 red 1/0/0 quarantined 1"]);
}

#[tokio::test]
async fn a_quarantined_record_whose_day_cannot_be_read_is_told_for_the_days_it_may_belong_to() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    make_odd(&emulator, "2026-06-08", Oddity::DoubledMembers);
    world.run(&format!("backfill {DAYS}")).await.expect(0);
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    let told = rows(&ended);
    let somewhere = told.iter().find(|row| row["day_unknown"] == true).unwrap();
    assert_eq!(
        (&somewhere["from"], &somewhere["to"], &somewhere["quarantined"]),
        (&"2026-06-01".into(), &"2026-06-10".into(), &1.into())
    );
    assert!(
        told.iter()
            .all(|row| row["verdict"] == "green" || row["day_unknown"] == true),
        "{ended:?}"
    );
    let one_day = "--connection demo-us --entity invoice --from 2026-06-08 --to 2026-06-08";
    let ended = world.run(&format!("verify {one_day} -o json")).await.expect(0);
    assert_eq!(
        differing(&ended),
        ["invoice 2026-06-08 yellow 0/0/0 quarantined 1"]
    );
    let table = world.run(&format!("verify {DAYS}")).await.expect(0);
    assert!(table.stdout.contains("some of 2026-06-01..10"), "{table:?}");
}

/// Makes the first invoice of a day one that cannot be stored.
pub(crate) fn make_odd(emulator: &RunningEmulator, day: &str, oddity: Oddity) -> String {
    let of_day = TruthFilter {
        from: Some(day.parse().unwrap()),
        to: Some(day.parse().unwrap()),
        ..TruthFilter::default()
    };
    let id = emulator.truth("demo-us", "invoice", &of_day).unwrap()[0]
        .id
        .clone();
    let odd = Mutation {
        ids: vec![id.clone()],
        oddity: Some(oddity),
        ..Mutation::new("demo-us", "invoice", MutationKind::Odd)
    };
    emulator.mutate(odd).unwrap();
    id
}
