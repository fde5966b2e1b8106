//! A database that is there and says nothing, or has no session to spare, while somebody waits for a run.

use std::time::Duration;

use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{FaultProxy, LineFaults, PrivatePostgres, Settings};

use crate::fleet::{DATABASE, Fleet, Worker};
use crate::world::Ended;

const BACKFILL: &str =
    "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-05 --wait -o json";
const WAITING: &str = "still waiting";

/// The time that every process has for its end.
const END: Duration = Duration::from_secs(25);

/// A fleet with a company, whose database is on a port.
async fn fleet() -> Fleet {
    let on_a_port = Settings {
        tcp: true,
        ..Settings::default()
    };
    let fleet = Fleet::migrated_around(PrivatePostgres::start_with(&on_a_port)).await;
    fleet.world.connect(&fleet.emulator.info().companies[0]).await;
    fleet
}

/// A line to its database, and the URL that leads there.
async fn line_to(fleet: &Fleet) -> (FaultProxy, String) {
    let line = FaultProxy::start(([127, 0, 0, 1], fleet.postgres.port()).into()).await;
    let url = format!("postgres://postgres@{}/postgres", line.address());
    (line, url)
}

fn is_done(ended: &Ended) {
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("the database answers again"), "{ended:?}");
}

#[tokio::test]
async fn whoever_begins_to_wait_while_the_database_stands_still_waits_on_and_hears_the_end() {
    let fleet = fleet().await;
    let (line, url) = line_to(&fleet).await;
    let behind = fleet.world.elsewhere(DATABASE, &url);
    let worker = Worker::beside(&fleet).await;
    line.set_both(&LineFaults::blackhole());
    let backfill = behind.start(BACKFILL, WAITING).await;
    line.heal();
    is_done(&backfill.end().await);

    line.set_both(&LineFaults::blackhole());
    let watch = behind.start("run watch last -o json", WAITING).await;
    line.heal();
    is_done(&watch.end().await);
    worker.stop().await;
}

#[tokio::test]
async fn whoever_waits_when_the_database_falls_silent_waits_on_and_hears_the_end() {
    let fleet = fleet().await;
    let (line, url) = line_to(&fleet).await;
    let behind = fleet.world.elsewhere(DATABASE, &url);
    let mut backfill = behind.start(BACKFILL, "5 segments").await;
    line.set_both(&LineFaults::blackhole());
    backfill.until(WAITING).await;
    // The run ends while nobody can say so.
    let worker = Worker::beside(&fleet).await;
    fleet.world.run("run watch last").await.expect(0);
    line.heal();
    is_done(&backfill.end().await);
    worker.stop().await;
}

#[tokio::test]
async fn whoever_waits_and_has_no_session_for_a_while_waits_on_and_hears_the_end() {
    let fleet = fleet().await;
    let sql = |statement: &str| fleet.postgres.command(statement);
    sql("CREATE ROLE guest LOGIN INHERIT IN ROLE postgres CONNECTION LIMIT 0");
    let url = format!("postgres://guest@127.0.0.1:{}/postgres", fleet.postgres.port());
    let guest = fleet.world.elsewhere(DATABASE, &url);
    let worker = Worker::beside(&fleet).await;
    let mut backfill = guest.start(BACKFILL, WAITING).await;
    sql("ALTER ROLE guest CONNECTION LIMIT -1");
    backfill.until("5 segments").await;
    is_done(&backfill.end().await);
    worker.stop().await;
}

#[tokio::test]
async fn whoever_is_told_to_stop_ends_in_time_although_the_database_is_silent() {
    let fleet = fleet().await;
    let (line, url) = line_to(&fleet).await;
    let behind = fleet.world.elsewhere(DATABASE, &url);
    let submitted = "5 segments";
    for (command, said) in [
        (BACKFILL, Some(submitted)),
        ("run watch last", None),
        ("serve --listen 127.0.0.1:0", Some("serving")),
    ] {
        for silent_from_the_start in [false, true] {
            line.heal();
            let before = line.seen().connections;
            let said = said.filter(|_| !silent_from_the_start);
            if silent_from_the_start {
                line.set_both(&LineFaults::blackhole());
            }
            let running = behind.start(command, said.unwrap_or_default()).await;
            until("it has come to its database", PATIENCE, async || {
                line.seen().connections > before
            })
            .await;
            line.set_both(&LineFaults::blackhole());
            let ended = tokio::time::timeout(END, running.end_with("TERM")).await;
            let case = format!("`{command}`, silent from the start: {silent_from_the_start}");
            let ended = ended.unwrap_or_else(|_| panic!("{case}: it goes on"));
            assert_eq!(ended.code, 143, "{case}: {ended:?}");
        }
    }
}
