//! Verify: whatever differs between the source and what is stored is told by day, and mended.

use ledgerfleet_emulator::{FaultKind, FaultSpec, Mutation, MutationKind, RunningEmulator, TruthFilter};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use crate::world::{Ended, World, emulator};

pub(crate) const DAYS: &str =
    "--connection demo-us --entity invoice,customer --from 2026-06-01 --to 2026-06-10";

pub(crate) async fn backfilled(emulator: &RunningEmulator) -> World {
    let world = World::beside(emulator);
    world.connect(&emulator.info().companies[0]).await;
    world.run(&format!("backfill {DAYS}")).await.expect(0);
    world
}

pub(crate) fn rows(ended: &Ended) -> Vec<Value> {
    ended.json().as_array().unwrap().clone()
}

/// The rows that are not green: entity, first day, verdict, missing, different, gone, and those in quarantine.
pub(crate) fn differing(ended: &Ended) -> Vec<String> {
    rows(ended)
        .iter()
        .filter(|row| row["verdict"] != "green")
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or("whole").to_owned();
            let quarantined = match row["quarantined"].as_u64() {
                Some(0) => String::new(),
                many => format!(" quarantined {}", many.unwrap()),
            };
            format!(
                "{} {} {} {}/{}/{}{quarantined}",
                text("entity"),
                text("from"),
                text("verdict"),
                row["missing"],
                row["different"],
                row["gone"]
            )
        })
        .collect()
}

pub(crate) async fn tamper(world: &World, statement: &'static str) {
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    assert_eq!(
        sqlx::query(statement)
            .execute(&mut database)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    database.close().await.unwrap();
}

#[tokio::test]
async fn what_was_just_read_is_green_with_counts_and_totals_of_the_source() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let ended = world
        .run(&format!("verify {DAYS} -o json"))
        .await
        .expect(0)
        .says("what is stored is what the source has");
    let told = rows(&ended);
    assert_eq!(told.len(), 2, "{ended:?}");
    let invoices = told.iter().find(|row| row["entity"] == "invoice").unwrap();
    assert_eq!(
        (&invoices["from"], &invoices["to"]),
        (&"2026-06-01".into(), &"2026-06-10".into())
    );
    assert_eq!(
        (&invoices["source"], &invoices["stored_total"]),
        (&invoices["stored"], &invoices["source_total"])
    );
    let truth = emulator
        .truth("demo-us", "invoice", &TruthFilter::default())
        .unwrap();
    let asked = truth
        .iter()
        .filter(|line| {
            line.date
                .is_some_and(|date| "2026-06-01" <= &*date.to_string() && &*date.to_string() <= "2026-06-10")
        })
        .count();
    assert_eq!(invoices["source"], asked);
}

#[tokio::test]
async fn what_changed_at_the_source_since_is_yellow_and_mended() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let on = |day: &str| Some(day.parse().unwrap());
    emulator
        .mutate(Mutation {
            day: on("2026-06-03"),
            ..Mutation::new("demo-us", "invoice", MutationKind::Update)
        })
        .unwrap();
    emulator
        .mutate(Mutation {
            day: on("2026-06-05"),
            count: 2,
            ..Mutation::new("demo-us", "invoice", MutationKind::Create)
        })
        .unwrap();
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(
        differing(&ended),
        [
            "invoice 2026-06-03 yellow 0/1/0",
            "invoice 2026-06-05 yellow 2/0/0"
        ]
    );
    world.run(&format!("verify {DAYS} --fix")).await.expect(0);
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_lost_or_spoilt_here_is_red_and_mended() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    tamper(
        &world,
        "DELETE FROM raw_records WHERE entity = 'qbo_invoice'
         AND id = (SELECT min(id) FROM qbo_invoice WHERE document_date = '2026-06-02')",
    )
    .await;
    tamper(
        &world,
        "UPDATE raw_records SET payload_hash = zeroblob(32), source_version = 0, source_updated_at = NULL
         WHERE entity = 'qbo_invoice' AND id = (SELECT min(id) FROM qbo_invoice WHERE document_date = '2026-06-04')",
    )
    .await;
    tamper(
        &world,
        "UPDATE raw_records SET payload_hash = zeroblob(32), source_version = 0, source_updated_at = NULL
         WHERE entity = 'qbo_customer' AND id = (SELECT min(id) FROM qbo_customer)",
    )
    .await;
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(1);
    let mut expected = [
        "customer whole red 0/1/0",
        "invoice 2026-06-02 red 1/0/0",
        "invoice 2026-06-04 red 0/1/0",
    ];
    let mut told = differing(&ended);
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    world.run(&format!("verify {DAYS} --fix")).await.expect(0);
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), Vec::<String>::new());
}

#[tokio::test]
async fn an_amount_that_somebody_else_has_changed_here_is_red_although_its_hash_is_not_and_mended() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    tamper(
        &world,
        "UPDATE raw_records SET payload = json_set(payload, '$.TotalAmt', 4.5)
         WHERE entity = 'qbo_invoice' AND id = (SELECT min(id) FROM qbo_invoice WHERE document_date = '2026-06-04')",
    )
    .await;
    let told = async |code| {
        world
            .run(&format!("verify {DAYS} -o json"))
            .await
            .expect(code)
            .says("1 record stored with another amount than was read")
    };
    assert_eq!(differing(&told(1).await), ["invoice 2026-06-04 red 0/1/0"]);
    world.run(&format!("backfill {DAYS}")).await.expect(0);
    assert_eq!(differing(&told(1).await), ["invoice 2026-06-04 red 0/1/0"]);

    let fixed = world.run(&format!("verify {DAYS} --fix -o json")).await.expect(0);
    assert_eq!(differing(&fixed), Vec::<String>::new());
    assert!(!fixed.stderr.contains("another amount"), "{fixed:?}");
    for row in rows(&fixed) {
        assert_eq!(row["source_total"], row["stored_total"], "{row}");
    }
}

#[tokio::test]
async fn what_is_gone_or_has_moved_at_the_source_is_told_and_mended() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let day = |day: &str| Some(day.parse().unwrap());
    let gone = emulator
        .mutate(Mutation {
            day: day("2026-06-03"),
            ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
        })
        .unwrap();
    emulator
        .mutate(Mutation {
            day: day("2026-06-04"),
            to: day("2026-06-08"),
            ..Mutation::new("demo-us", "invoice", MutationKind::Redate)
        })
        .unwrap();
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(1);
    assert_eq!(
        differing(&ended),
        [
            "invoice 2026-06-03 red 0/0/1",
            "invoice 2026-06-04 yellow 0/1/0",
            "invoice 2026-06-08 yellow 0/1/0"
        ]
    );
    world.run(&format!("verify {DAYS} --fix")).await.expect(0);
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(0);
    assert_eq!(differing(&ended), Vec::<String>::new());
    let id = &gone[0];
    let stored = world
        .run(&format!(
            "records --connection demo-us --entity invoice --id {id} -o json"
        ))
        .await
        .expect(0)
        .json();
    assert!(stored[0]["deleted_at"].is_string(), "{stored}");
}

#[tokio::test]
async fn pages_that_do_not_show_what_the_source_counts_are_no_verdict() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    emulator.set_fault(FaultSpec {
        entity: Some("invoice".to_owned()),
        ..FaultSpec::always(FaultKind::EmptyPage {})
    });
    world
        .run(&format!("verify {DAYS} -o json"))
        .await
        .expect(1)
        .says("demo-us invoice is not verified");
    emulator.clear_faults();
    emulator.set_fault(FaultSpec {
        entity: Some("invoice".to_owned()),
        ..FaultSpec::always(FaultKind::Fault {
            status: 403,
            code: 5030,
        })
    });
    let ended = world.run(&format!("verify {DAYS} -o json")).await.expect(1);
    assert!(
        rows(&ended).iter().all(|row| row["entity"] == "customer"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn days_that_were_never_read_are_yellow() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let line = "verify --connection demo-us --entity invoice --from 2026-06-02 --to 2026-06-02 -o json";
    let ended = world.run(line).await.expect(0).says("--fix reads it");
    let told = rows(&ended);
    assert_eq!(
        (
            told[0]["verdict"].as_str(),
            &told[0]["source"],
            told[0]["stored"].as_u64()
        ),
        (Some("yellow"), &told[0]["missing"], Some(0))
    );
}

#[tokio::test]
async fn a_file_that_another_process_runs_is_not_asked_beside_it() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let serving = world.start("serve --listen 127.0.0.1:0", "serving").await;
    world
        .run(&format!("verify {DAYS}"))
        .await
        .expect(7)
        .says(&serving.pid().to_string());
    serving.end_with("TERM").await.expect(143);
}
