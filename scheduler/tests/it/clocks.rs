//! Clocks: what was written by one that was ahead is told, and mended.

use ledgerfleet_emulator::{Mutation, MutationKind};
use sqlx::{Connection, SqliteConnection};

use crate::verify::{DAYS, backfilled, differing};
use crate::world::{World, emulator};

/// Has the instants of a table written now, by a clock that is ahead by some days.
pub(crate) async fn written(world: &World, table: &str, instants: &[&str], days: u32) {
    let url = format!("sqlite://{}", world.path("ledgerfleet.db").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let instants: Vec<String> = instants
        .iter()
        .map(|instant| format!("{instant} = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '+{days} days')"))
        .collect();
    let statement = format!("UPDATE {table} SET {}", instants.join(", "));
    let written = sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(&mut database)
        .await
        .unwrap();
    assert!(written.rows_affected() > 0, "nothing in {table}");
    database.close().await.unwrap();
}

/// What doctor says of clocks: its result and its detail.
async fn doctor(world: &World) -> (String, String) {
    let checks = world.run("doctor -o json").await.expect(0).json();
    let checks = checks.as_array().unwrap();
    let clocks = checks.iter().find(|row| row["check"] == "clocks").unwrap();
    let text = |name: &str| clocks[name].as_str().unwrap().to_owned();
    (text("result"), text("detail"))
}

#[tokio::test]
async fn doctor_tells_of_whatever_was_written_ahead_of_now() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    // It is written down, too.
    world.run("connection set demo-us --name books").await.expect(0);
    for (table, instant) in [
        ("fleet_runs", "created_at"),
        ("fleet_coverage", "read_at"),
        ("fleet_credentials", "stored_at"),
        ("fleet_audit", "at"),
    ] {
        assert_eq!(doctor(&world).await.0, "ok", "{table}");
        written(&world, table, &[instant], 2).await;
        let (result, detail) = doctor(&world).await;
        assert_eq!(result, "warning", "{table}: {detail}");
        assert!(detail.contains("ahead of now"), "{table}: {detail}");
        written(&world, table, &[instant], 0).await;
    }
}

#[tokio::test]
async fn records_of_a_clock_that_was_ahead_are_told_of_and_a_fix_has_them_as_at_the_source() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let instants = ["observed_at_utc", "last_seen_utc", "ingested_at_utc"];
    written(&world, "raw_records", &instants, 2).await;
    for kind in [MutationKind::Delete, MutationKind::Update] {
        let changed = Mutation {
            day: Some("2026-06-03".parse().unwrap()),
            ..Mutation::new("demo-us", "invoice", kind)
        };
        emulator.mutate(changed).unwrap();
    }
    world
        .run(&format!("verify {DAYS}"))
        .await
        .says("stored by a clock that was ahead")
        .says("--fix");
    let fixed = world
        .run(&format!("verify {DAYS} --fix -o json"))
        .await
        .expect(0)
        .says("they are taken as now");
    assert_eq!(differing(&fixed), Vec::<String>::new());
    let again = world.run(&format!("verify {DAYS}")).await.expect(0);
    assert!(!again.stderr.contains("ahead"), "it is mended once: {again:?}");
}
