//! What people and gates look at: status, gaps, verdicts, what there is to copy and what it costs.

use ledgerfleet_emulator::{FaultKind, FaultSpec};

use crate::fleet::Fleet;
use crate::verify::backfilled;
use crate::world::{World, emulator};

#[tokio::test]
async fn one_page_tells_of_every_company_what_it_lacks_and_costs() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let info = emulator.info();
    world.run("migrate").await.expect(0);
    world
        .run("status")
        .await
        .expect(0)
        .says("there are no connections yet");
    for company in &info.companies {
        world.connect(company).await;
    }
    let fill = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06";
    world.run(&format!("{fill}-03")).await.expect(0);
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let dead = "backfill --connection demo-us --entity invoice --from 2026-06-04 --to 2026-06-05";
    world.run(dead).await.expect(3);

    let status = world.run("status -o json").await.expect(0).json();
    let (canada, us) = (&status[0], &status[1]);
    assert_eq!(
        (&us["connection"], &us["state"]),
        (&"demo-us".into(), &"active".into())
    );
    assert_eq!(
        (&us["gaps"], &us["dead_letters"], &us["running"]),
        (&2.into(), &2.into(), &0.into())
    );
    assert!(
        us["last_success_at"].is_string() && us["calls_this_month"].as_u64() > Some(2),
        "{us}"
    );
    assert_eq!(us["warnings"], serde_json::json!([]));
    assert!(canada["last_success_at"].is_null(), "{canada}");
    assert_eq!(canada["warnings"][0], "nothing was ever read");
    let page = world.run("status").await.expect(0).says("2 dead letters");
    assert!(page.stdout.lines().count() == 3, "{page:?}");
}

#[tokio::test]
async fn gaps_fail_a_gate_on_request_and_a_company_of_which_nothing_was_asked_is_one() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.run("migrate").await.expect(0);
    world
        .run("coverage --gaps")
        .await
        .expect(0)
        .says("there are no connections");
    world.run("coverage --gaps --exit-code").await.expect(1);
    world.connect(&emulator.info().companies[0]).await;
    let gaps = world.run("coverage --gaps -o json").await.expect(0);
    assert_eq!(gaps.json()[0]["why"], "never asked for");
    assert!(!gaps.stderr.contains("no gaps"), "{gaps:?}");
    world.run("coverage --gaps --exit-code").await.expect(1);
    world.run("coverage --exit-code").await.expect(2);

    let fill = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-03";
    world.run(fill).await.expect(0);
    world
        .run("coverage --gaps --exit-code")
        .await
        .expect(0)
        .says("no gaps")
        .says("never asked for");
    let wider = "coverage --gaps --exit-code --entity invoice --from 2026-06-01 --to 2026-06-04";
    world.run(wider).await.expect(1);
}

#[tokio::test]
async fn yellow_fails_a_strict_gate_alone() {
    let emulator = emulator().await;
    let world = backfilled(&emulator).await;
    let days = "verify --connection demo-us --entity invoice --from 2026-05-30 --to 2026-06-01";
    world.run(days).await.expect(0).says("yellow");
    world.run(&format!("{days} --strict")).await.expect(1);
    let read = "verify --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-01 --strict";
    world.run(read).await.expect(0);
}

#[tokio::test]
async fn what_all_means_is_listed_and_what_it_leaves_out_is_told() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let entities = world.run("entities -o json").await.expect(0).json();
    let entities = entities.as_array().unwrap();
    let left_out = entities.iter().filter(|entity| entity["in_all"] == false);
    let names: Vec<&str> = left_out
        .map(|entity| entity["entity"].as_str().unwrap())
        .collect();
    assert!(entities.len() > 30 && !names.is_empty(), "{names:?}");
    world
        .run("entities --connector quickboks")
        .await
        .expect(2)
        .says("quickbooks");

    let all = "backfill --connection demo-us --entity all --from 2026-06-01 --to 2026-06-30 --dry-run";
    let told = world.run(all).await.expect(0).says("`all` leaves out");
    for name in names {
        assert!(told.stderr.contains(name), "{name} in {told:?}");
    }
    let told = told
        .says("at the companies' own limits")
        .says("% of the calls of a month")
        .says("with --segment day: at least")
        .says("with --segment auto: at least");
    assert!(told.stderr.contains("nothing was submitted"), "{told:?}");
}

#[tokio::test]
async fn the_daemon_introduces_itself() {
    let world = World::new();
    let serving = world.start("serve --listen 127.0.0.1:0", "serving").await;
    let version = env!("CARGO_PKG_VERSION");
    let first = format!("scheduler {version} on ledgerfleet.db: 16 segments at once");
    assert!(serving.said.contains(&first), "{}", serving.said);
    serving.end_with("INT").await.expect(130);

    let fleet = Fleet::migrated().await;
    let serving = fleet.world.start("serve --listen 127.0.0.1:0", "serving").await;
    let said = &serving.said;
    assert!(
        said.contains(&format!("scheduler {version} on postgres://")),
        "{said}"
    );
    assert!(said.contains("workers carry the segments; "), "{said}");
    assert!(
        said.contains("leads the fleet") || said.contains("no process leads yet"),
        "{said}"
    );
    serving.end_with("TERM").await.expect(143);
}

#[tokio::test]
async fn a_gate_that_is_closed_after_a_start_of_redis_is_told_and_waited_for() {
    let fleet = Fleet::migrated().await;
    fleet.world.connect(&fleet.emulator.info().companies[0]).await;
    fleet
        .world
        .run("connection test demo-us")
        .await
        .expect(5)
        .says("until the gate of demo-us opens")
        .says("connection test demo-us --wait");
    fleet
        .world
        .run("connection test demo-us --wait")
        .await
        .expect(0)
        .says("demo-us answers");
}

#[tokio::test]
async fn what_heals_itself_is_no_log_line_and_the_sixth_failure_is_a_warning_with_its_reason() {
    let emulator = emulator().await;
    let world = World::beside(&emulator).with("LEDGERFLEET_TIME_SCALE", "0.01");
    world.connect(&emulator.info().companies[0]).await;
    // Not an outage's answer: of one segment alone it may be the segment's fault.
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 500,
        code: 10_000,
    }));
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-01";
    let quiet = world.run(line).await.expect(3);
    let (said, warned) = (&quiet.stderr, quiet.stderr.matches("a segment is dead").count());
    assert_eq!(warned, 1, "{said}");
    assert!(
        said.contains("WARN") && said.contains("reason=upstream_error") && said.contains("failures=6"),
        "{said}"
    );
    assert!(
        !said.contains("is made again") && !said.contains("Retry {"),
        "{said}"
    );
    let verbose = world.run(&format!("{line} -v")).await.expect(3).stderr;
    assert_eq!(verbose.matches("is made again").count(), 6, "{verbose}");
    assert!(
        verbose.contains("wait_seconds=") && !verbose.contains("Retry {"),
        "{verbose}"
    );
}
