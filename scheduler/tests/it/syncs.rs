//! `sync`: companies are brought in sync from the command line, and it is told how far they are.

use serde_json::Value;

use crate::world::{World, emulator};

fn rows(status: &Value) -> Vec<(&str, &str)> {
    let rows = status.as_array().unwrap().iter();
    rows.map(|row| (row["entity"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn what_a_removal_has_cancelled_is_asked_for_anew_after_the_company_is_added_again() {
    const DAYS: &str = "--connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-05 -o json";
    let emulator = emulator().await;
    let us = &emulator.info().companies[0];
    for command in [
        "sync --connection demo-us --entity customer -o json",
        &format!("backfill {DAYS}"),
    ] {
        let world = World::beside(&emulator);
        let token = world.write("token", &emulator.consent(&us.name).unwrap());
        world.connect_with("demo-us", &us.realm, &token).await.expect(0);
        world.run("connection pause demo-us").await.expect(0);
        world.run(command).await.expect(1);
        world
            .run("connection remove demo-us --purge-data --yes")
            .await
            .expect(0);
        let token = world.write("token", &emulator.consent(&us.name).unwrap());
        world.connect_with("demo-us", &us.realm, &token).await.expect(0);
        let again = world.run(command).await.expect(0).json();
        assert_eq!(again["cancelled"], 0, "{again}");
        assert!(again["rows"].as_u64().unwrap() > 0, "{again}");
    }
}

#[tokio::test]
async fn a_company_is_brought_in_sync_and_the_next_time_only_what_has_changed_is_read() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    world
        .run("sync status")
        .await
        .expect(0)
        .says("demo-us was never synced: scheduler sync --connection demo-us");
    let line = "sync --connection demo-us --entity invoice,customer,tax_code -o json";
    let first = world.run(line).await.expect(0).json();
    assert_eq!(
        (&first["done"], &first["dead"]),
        (&3.into(), &0.into()),
        "{first}"
    );
    let verify = "verify --connection demo-us --entity invoice,customer --from 2026-01-01 --to 2026-06-30";
    world.run(verify).await.expect(0);

    let next = world.run(line).await.expect(0).json();
    assert_eq!(
        (&next["done"], &next["calls"]),
        (&2.into(), &2.into()),
        "changes, and a list: {next}"
    );
    let status = world.run("sync status -o json").await.expect(0).json();
    assert_eq!(
        rows(&status),
        [
            ("customer", "in sync"),
            ("invoice", "in sync"),
            ("tax_code", "in sync")
        ]
    );
    assert!(status[1]["lag_seconds"].as_i64().unwrap() < 600, "{status}");
    assert!(status[1]["checkpoint"].is_string() && status[1]["next_at"].is_string());

    let full = world.run(&format!("{line} --full")).await.expect(0).json();
    assert_eq!(full["done"], 3);
    let since = world
        .run(&format!("{line} --since 2026-06-01T00:00:00Z"))
        .await
        .expect(0)
        .json();
    assert_eq!(since["dead"], 0, "{since}");
}

#[tokio::test]
async fn an_interval_below_a_minute_a_time_without_a_zone_and_unknown_names_are_refused() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    for (line, says) in [
        ("connection set demo-us --sync-every 59s", "at least 1m"),
        ("connection set demo-us --sync-every fast", "at least 1m"),
        ("sync --since 2026-03-05T04:07:00", "zone"),
        ("sync --since 2026-02-30T04:07:00Z", "calendar"),
        ("sync --since 9999-01-01T00:00:00Z", "lies ahead"),
        ("sync --full --since 2026-03-05T04:07:00Z", "cannot be used with"),
        ("sync --connection nobody", "no connection named `nobody`"),
        ("sync --entity invoyce", "invoice"),
    ] {
        world.run(line).await.expect(2).says(says);
    }
    world
        .run("connection set demo-us --sync-every 10m")
        .await
        .expect(0)
        .says("every 10 min");
    world
        .run("connection set demo-us --sync-every off")
        .await
        .expect(0)
        .says("not synced");
    world.run("sync --entity customer").await.expect(0);
    let status = world.run("sync status -o json").await.expect(0).json();
    assert_eq!(rows(&status), [("customer", "off")]);
    assert!(status[0]["next_at"].is_null());
}
