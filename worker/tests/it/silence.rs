//! A database that is there and says nothing.

use std::net::SocketAddr;
use std::process::Child;
use std::time::Duration;

use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{FaultProxy, LineFaults, PrivatePostgres, Settings};

use crate::fleet::Fleet;
use crate::world::options;

const ENTITIES: &[&str] = &["invoice", "journal_entry"];

/// A fleet of one worker, and the line on which it talks with its database.
async fn behind_a_line() -> (Fleet, FaultProxy) {
    let on_a_port = Settings {
        tcp: true,
        ..Settings::default()
    };
    let postgres = PrivatePostgres::start_with(&on_a_port);
    let mut fleet = Fleet::around(postgres, options(), Some(40.0), Vec::new()).await;
    let database: SocketAddr = ([127, 0, 0, 1], fleet.postgres.port()).into();
    let line = FaultProxy::start(database).await;
    let url = format!("postgres://postgres@{}/postgres", line.address());
    fleet.start_worker_with(&[("LEDGERFLEET_DATABASE_URL", url)]);
    (fleet, line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_stop_ends_in_time_although_its_database_is_silent() {
    for silent_from_the_start in [false, true] {
        let (mut fleet, line) = behind_a_line().await;
        if silent_from_the_start {
            line.set_both(&LineFaults::blackhole());
            until("it has come to its database", PATIENCE, async || {
                line.seen().connections > 0
            })
            .await;
        } else {
            let run = fleet.world.submit(ENTITIES, 60, 1_000).await;
            fleet.until_done(run, 20).await;
            line.set_both(&LineFaults::blackhole());
        }
        fleet.signal(0, "-TERM");
        let ended = code_of(fleet.workers.remove(0)).await;
        assert_eq!(ended, Some(143), "silent from the start: {silent_from_the_start}");
    }
}

/// The code that a process ends with in the time that every process has for it.
async fn code_of(mut process: Child) -> Option<i32> {
    let ended = tokio::task::spawn_blocking(move || process.wait().unwrap());
    let ended = tokio::time::timeout(Duration::from_secs(25), ended).await;
    ended.expect("it has ended").unwrap().code()
}
