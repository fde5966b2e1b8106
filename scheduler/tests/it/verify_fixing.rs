//! Verify with `--fix`: what is submitted is said, and nobody is told that all is well before it was compared again.

use ledgerfleet_emulator::{FaultKind, FaultSpec, Mutation, MutationKind, RunningEmulator};

use crate::fleet::{Fleet, Worker};
use crate::verify::{DAYS, backfilled, differing, rows};
use crate::world::emulator;

fn change(emulator: &RunningEmulator, day: &str) {
    let changed = Mutation {
        day: Some(day.parse().unwrap()),
        ..Mutation::new("demo-us", "invoice", MutationKind::Update)
    };
    emulator.mutate(changed).unwrap();
}

#[tokio::test]
async fn a_fix_prints_one_document_that_names_its_run() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    change(&emulator, "2026-06-03");
    change(&emulator, "2026-06-09");
    let ended = world
        .run(&format!("verify {DAYS} --fix -o json"))
        .await
        .expect(0)
        .says("2 segments")
        .says("green: what is stored is what the source has");
    assert_eq!(differing(&ended), Vec::<String>::new());
    let told = rows(&ended);
    let fixed: Vec<_> = told.iter().filter(|row| row["fix_run"].is_string()).collect();
    let days: Vec<_> = fixed.iter().map(|row| row["from"].as_str().unwrap()).collect();
    assert_eq!(days, ["2026-06-03", "2026-06-09"]);
    let run = fixed[0]["fix_run"].as_str().unwrap();
    assert!(ended.stderr.contains(run), "{ended:?}");
    world.run(&format!("run show {run}")).await.expect(0);
    let lines = world
        .run(&format!("verify {DAYS} --fix -o jsonl"))
        .await
        .expect(0);
    assert_eq!(lines.stdout.lines().count(), 2, "{lines:?}");
}

#[tokio::test]
async fn a_fix_that_ends_with_dead_segments_says_so_and_shows_what_still_differs() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    change(&emulator, "2026-06-03");
    // The first two are the comparison's: a count and a page.
    emulator.set_fault(FaultSpec {
        entity: Some("invoice".to_owned()),
        nth: Some(3),
        ..FaultSpec::always(FaultKind::Fault {
            status: 403,
            code: 5_020,
        })
    });
    let ended = world
        .run(&format!("verify {DAYS} --fix -o json"))
        .await
        .expect(3)
        .says("scheduler dlq list");
    assert_eq!(differing(&ended), ["invoice 2026-06-03 yellow 0/1/0"]);
}

#[tokio::test]
async fn in_a_fleet_a_fix_is_not_done_before_it_was_compared_again() {
    let fleet = Fleet::migrated().await;
    let world = &fleet.world;
    world.connect(&fleet.emulator.info().companies[0]).await;
    let worker = Worker::beside(&fleet).await;
    world.run(&format!("backfill {DAYS} --wait")).await.expect(0);
    change(&fleet.emulator, "2026-06-03");
    let ended = world
        .run(&format!("verify {DAYS} --fix -o json"))
        .await
        .expect(1)
        .says("not compared again yet")
        .says("scheduler run watch");
    assert_eq!(differing(&ended), ["invoice 2026-06-03 yellow 0/1/0"]);
    let differs = rows(&ended).into_iter().find(|row| row["verdict"] == "yellow");
    let run = differs.unwrap()["fix_run"].as_str().unwrap().to_owned();
    world.run(&format!("run watch {run}")).await.expect(0);

    change(&fleet.emulator, "2026-06-04");
    let ended = world
        .run(&format!("verify {DAYS} --fix --wait -o json"))
        .await
        .expect(0);
    assert_eq!(differing(&ended), Vec::<String>::new());
    worker.stop().await;
    world
        .run(&format!("verify {DAYS} --wait"))
        .await
        .expect(2)
        .says("--fix");
}
