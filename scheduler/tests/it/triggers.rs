//! Triggers: commands that the real program submits later.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_model::{Clock, SystemClock};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use serde_json::Value;

use crate::clocks::written;
use crate::fleet::{Fleet, Worker};
use crate::world::{World, emulator};

const BACKFILL: &str = "backfill --connection demo-us --entity invoice --from 2026-06-29 --to 2026-06-30";

fn ahead(seconds: i64) -> String {
    let at: DateTime<Utc> = SystemClock.now() + TimeDelta::seconds(seconds);
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

async fn list(world: &World) -> Vec<Value> {
    let list = world.run("trigger list -o json").await.expect(0).json();
    list.as_array().unwrap().clone()
}

async fn runs(world: &World) -> usize {
    let runs = world.run("run list -o json").await.expect(0).json();
    runs.as_array().unwrap().len()
}

async fn until_over(world: &World) {
    let is_over = async || {
        list(world)
            .await
            .iter()
            .all(|trigger| trigger["state"] != "active")
    };
    until("all triggers are over", PATIENCE, is_over).await;
}

#[tokio::test]
async fn what_cannot_be_submitted_then_is_refused_now() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    for (line, says) in [
        (format!("--at 2020-01-01T00:00:00Z -- {BACKFILL}"), "is over"),
        (
            format!("--at 2027-02-30T00:00:00Z -- {BACKFILL}"),
            "one of the calendar",
        ),
        (
            format!("--at 2027-03-14T02:30 --zone America/New_York -- {BACKFILL}"),
            "never show",
        ),
        (
            format!("--at 2027-11-07T01:30 --zone America/New_York -- {BACKFILL}"),
            "twice",
        ),
        (
            format!("--at 2027-11-07T01:30 --zone Atlantis -- {BACKFILL}"),
            "America/Guayaquil",
        ),
        (format!("-- {BACKFILL}"), "--at"),
        (format!("--cron 0 -- {BACKFILL}"), "--zone"),
        (format!("--cron 0 --zone UTC -- {BACKFILL}"), "five fields"),
        (
            format!("--at 2099-01-01T00:00:00Z -- {BACKFILL} --wait"),
            "nobody waits",
        ),
        (
            "--at 2099-01-01T00:00:00Z -- run list".to_owned(),
            "`backfill` or a `sync`",
        ),
        (
            "--at 2099-01-01T00:00:00Z -- sync status".to_owned(),
            "`backfill` or a `sync`",
        ),
        (
            "--at 2099-01-01T00:00:00Z -- sync --connection nobody".to_owned(),
            "no connection named `nobody`",
        ),
        (
            "--at 2099-01-01T00:00:00Z -- sync --entity invoyce".to_owned(),
            "invoice",
        ),
        (
            "--at 2099-01-01T00:00:00Z -- backfill --connection demo-us".to_owned(),
            "required",
        ),
    ] {
        world
            .run(&format!("trigger add {line}"))
            .await
            .expect(2)
            .says(says);
    }
    assert_eq!(list(&world).await, Vec::<Value>::new());
    let far = world
        .run(&format!(
            "trigger add --at 9999-12-31T23:59:59Z -- {BACKFILL} -o json"
        ))
        .await;
    far.expect(0);
    let line =
        format!("trigger add --at 2099-03-05T03:45:54Z --zone America/Guayaquil -o json -- {BACKFILL}");
    let made = world.run(&line).await.expect(0).json();
    assert_eq!(made["due_local"], "2099-03-04 22:45:54", "{made}");
    assert_eq!(made["due_at"], "2099-03-05T03:45:54Z");
    assert!(made["command"].as_str().unwrap().starts_with(BACKFILL), "{made}");
    let id = made["id"].as_str().unwrap();
    world
        .run(&format!("trigger cancel {}", &id[..8]))
        .await
        .expect(2)
        .says("its whole id");
    world.run(&format!("trigger cancel {id}")).await.expect(0);
    world
        .run(&format!("trigger cancel {id}"))
        .await
        .expect(2)
        .says("no active trigger");
    assert_eq!(list(&world).await[1]["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_fires_once_also_if_nobody_ran_at_its_instant_and_means_what_is_true_then() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let missed = format!("trigger add --at {} -- {BACKFILL}", ahead(10));
    world.run(&missed).await.expect(0).says("fires at");
    let gone = format!(
        "trigger add --at {} -- sync --connection demo-us --entity customer",
        ahead(10)
    );
    world.run(&gone).await.expect(0);
    let instant = SystemClock.now() + TimeDelta::seconds(10);
    until("both instants are over", PATIENCE, async || {
        SystemClock.now() > instant
    })
    .await;
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    until_over(&world).await;
    let fired = list(&world).await;
    assert!(
        fired
            .iter()
            .all(|trigger| trigger["state"] == "completed" && trigger["result"] == "fired"),
        "{fired:?}"
    );
    assert!(
        fired
            .iter()
            .all(|trigger| trigger["runs"].as_array().unwrap().len() == 1),
        "{fired:?}"
    );
    assert_eq!(runs(&world).await, 2);
    world.run("connection set demo-us --name renamed").await.expect(0);
    let by_name = format!("trigger add --at {} -- sync --connection renamed", ahead(8));
    world.run(&by_name).await.expect(0);
    world.run("connection set renamed --name demo-us").await.expect(0);
    until_over(&world).await;
    let list = list(&world).await;
    let failed: Vec<&Value> = list
        .iter()
        .filter(|trigger| trigger["result"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{list:?}");
    assert!(
        failed[0]["message"].as_str().unwrap().contains("`renamed`"),
        "{failed:?}"
    );
    server.end_with("TERM").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_schedulers_at_a_triggers_instant_one_fires_it() {
    let fleet = Fleet::migrated().await;
    let world = &fleet.world;
    world.connect(&fleet.emulator.info().companies[0]).await;
    let mut servers = Vec::new();
    for _ in 0..2 {
        servers.push(world.start("serve --listen 127.0.0.1:0", "serving http://").await);
    }
    let worker = Worker::beside(&fleet).await;
    for day in 1..=3 {
        // Of different days, so that none joins another.
        let days = format!("--from 2026-06-0{day} --to 2026-06-0{day}");
        let line = format!(
            "trigger add --at {} -- backfill --connection demo-us --entity bill {days}",
            ahead(12)
        );
        world.run(&line).await.expect(0);
    }
    // Whoever leads goes; the other is elected.
    let first = servers.remove(0);
    first.end_with("TERM").await;
    until_over(world).await;
    let list = list(world).await;
    for trigger in &list {
        assert!(
            trigger["result"] == "fired" && trigger["runs"].as_array().unwrap().len() == 1,
            "{trigger}"
        );
    }
    assert_eq!((list.len(), runs(world).await), (3, 3));
    worker.stop().await;
}

#[tokio::test]
async fn a_trigger_that_a_clock_ahead_has_put_off_is_due_at_its_next_instant_again() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let mut arguments = vec![
        "trigger",
        "add",
        "--cron",
        "0 3 1 1 *",
        "--zone",
        "America/Guayaquil",
        "-o",
        "json",
        "--",
    ];
    arguments.extend(BACKFILL.split(' '));
    let made = world
        .run_program(env!("CARGO_BIN_EXE_scheduler"), &arguments)
        .await;
    let due_at = made.expect(0).json()["due_at"].clone();
    written(&world, "fleet_triggers", &["due_at"], 800).await;
    assert_ne!(list(&world).await[0]["due_at"], due_at);
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let is_back = async || list(&world).await[0]["due_at"] == due_at;
    until("the trigger is due at its next instant", PATIENCE, is_back).await;
    server.end_with("TERM").await;
}
