//! How verify ends before its end: by signals, failures and its patience; and that what it was charged for is counted.

use std::time::{Duration, Instant};

use ledgerfleet_emulator::{FaultKind, FaultSpec, RunningEmulator};
use sqlx::{Connection, SqliteConnection};
use tokio::process::Command;

use crate::fleet::Fleet;
use crate::verify::{DAYS, backfilled, rows};
use crate::world::{World, emulator};

fn throttled_from(nth: u64) -> FaultSpec {
    FaultSpec {
        nth: Some(nth),
        ..FaultSpec::always(FaultKind::Throttle {
            status: None,
            body: None,
            retry_after: Some(600),
        })
    }
}

async fn open(world: &World) -> SqliteConnection {
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}

/// Whether the ledger has counted every call that the emulator would charge for.
async fn assert_all_counted(world: &World, emulator: &RunningEmulator) {
    let mut database = open(world).await;
    let counted: i64 = sqlx::query_scalar("SELECT sum(calls) FROM fleet_api_calls")
        .fetch_one(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    assert_eq!(u64::try_from(counted).unwrap(), emulator.summary().metered);
}

#[tokio::test]
async fn what_a_stopped_verify_was_charged_for_is_counted_and_what_it_compared_is_shown() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // A count and a page of each entity; the fourth request is the second one's page.
        emulator.set_fault(throttled_from(4));
        let line = format!("verify {DAYS} --max-wait 1h -o json");
        let waiting = world.start(&line, "asking again in").await;
        let began = Instant::now();
        let ended = waiting.end_with(signal).await.expect(code);
        assert!(began.elapsed() < Duration::from_secs(20), "{ended:?}");
        assert_eq!(rows(&ended).len(), 1, "{ended:?}");
        ended.says("3 metered requests asked");
        assert_all_counted(&world, &emulator).await;
        emulator.clear_faults();
    }
    // Its slot was given back, and nothing else holds up the next.
    world.run(&format!("verify {DAYS}")).await.expect(0);
}

#[tokio::test]
async fn a_stopped_second_comparison_is_counted_too() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let mut database = open(&world).await;
    let lost =
        "DELETE FROM raw_records WHERE entity = 'qbo_invoice' AND id = (SELECT min(id) FROM qbo_invoice)";
    sqlx::query(lost).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    // The first comparison asks four times, the run once or twice, and then the second begins.
    let line = "verify --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-10 --fix --max-wait 1h -o json";
    let before = emulator.summary().requests;
    world.run(line).await.expect(0);
    let asked = emulator.summary().requests - before;
    let mut database = open(&world).await;
    sqlx::query(lost).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    emulator.set_fault(throttled_from(asked));
    let waiting = world.start(line, "asking again in").await;
    let ended = waiting.end_with("TERM").await.expect(143);
    assert!(
        rows(&ended).iter().any(|row| row["fix_run"].is_string()),
        "{ended:?}"
    );
    assert_all_counted(&world, &emulator).await;
}

#[tokio::test]
async fn a_comparison_that_fails_was_charged_for_and_calls_that_cannot_be_counted_are_told() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    emulator.set_fault(FaultSpec {
        entity: Some("invoice".to_owned()),
        ..FaultSpec::always(FaultKind::EmptyPage {})
    });
    let before = emulator.summary().metered;
    let ended = world
        .run(&format!("verify {DAYS}"))
        .await
        .expect(1)
        .says("demo-us invoice is not verified");
    let asked = emulator.summary().metered - before;
    let ended = ended.says(&format!("{asked} metered requests asked"));
    assert_eq!(ended.stderr.matches("the source counts").count(), 1, "{ended:?}");
    assert_all_counted(&world, &emulator).await;

    let mut database = open(&world).await;
    sqlx::query("ALTER TABLE fleet_api_calls RENAME TO elsewhere")
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    let uncounted = "the metered requests so far are not counted";
    let invoices = "--connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-10";
    world
        .run(&format!("verify {invoices}"))
        .await
        .expect(1)
        .says(uncounted)
        .says("the source counts");
    emulator.clear_faults();
    let ended = world
        .run(&format!("verify {invoices} -o json"))
        .await
        .expect(1)
        .says(uncounted);
    assert_eq!(rows(&ended).len(), 1, "what was compared is shown: {ended:?}");
}

#[tokio::test]
async fn a_redis_that_hangs_is_not_waited_for_longer_than_was_said() {
    let fleet = Fleet::migrated().await;
    fleet.world.connect(&fleet.emulator.info().companies[0]).await;
    let send = async |signal: &str| {
        let sent = Command::new("kill")
            .args([signal, &fleet.redis.pid().to_string()])
            .status();
        assert!(sent.await.unwrap().success());
    };
    send("-STOP").await;
    let began = Instant::now();
    let ended = fleet.world.run(&format!("verify {DAYS} --max-wait 3s")).await;
    let took = began.elapsed();
    send("-CONT").await;
    assert!(took < Duration::from_secs(15), "{took:?} {ended:?}");
    let ended = ended.expect(5).says("gate and locks cannot be reached");
    assert_eq!(
        ended.stderr.matches("is not waited (--max-wait)").count(),
        1,
        "{ended:?}"
    );
    assert_eq!(ended.stdout, "", "a table without a row");
}
