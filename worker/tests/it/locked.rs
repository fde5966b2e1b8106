//! A table of records that somebody holds a lock on: its own entity waits, and nothing else does.

use std::time::Duration;

use ledgerfleet_model::RunState;
use ledgerfleet_testkit::wait::until;
use sqlx::{Connection, PgConnection};

use crate::fleet::Fleet;
use crate::world::options;

/// Longer than a quiet machine takes for them, and much shorter than if each had to wait for a lock.
const PATIENCE: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_table_of_records_slows_its_own_entity_alone() {
    for sessions in [2, 5] {
        held_with(sessions).await;
    }
}

/// One table is held, of a database with which a worker has so many sessions.
async fn held_with(sessions: u32) {
    let mut fleet = Fleet::with(options(), Some(1_000.0), Vec::new()).await;
    let mut session = PgConnection::connect(&fleet.postgres.url("postgres"))
        .await
        .unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE raw.qbo_invoice IN ACCESS EXCLUSIVE MODE")
        .execute(&mut session)
        .await
        .unwrap();
    let held = fleet.world.submit(&["invoice"], 30, 1_000).await;
    fleet.start_worker_with(&[("LEDGERFLEET_DATABASE_CONNECTIONS", sessions.to_string())]);
    until("the lock is waited for", PATIENCE, async || {
        let waiting =
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'raw.qbo_invoice'::regclass";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&mut session).await.unwrap();
        waiting > 0
    })
    .await;
    let free = fleet.world.submit(&["journal_entry"], 30, 1_000).await;
    until("the other entity is done", PATIENCE, async || {
        let report = fleet.world.parts.ledger.run(free).await.unwrap().unwrap();
        report.state == RunState::Done
    })
    .await;
    let lost = "SELECT count(*) FROM fleet.segments WHERE entity = 'journal_entry' AND crashes > 0";
    let lost: i64 = sqlx::query_scalar(lost).fetch_one(&mut session).await.unwrap();
    assert_eq!(lost, 0, "segments whose worker could not say that it lives");

    session.close().await.unwrap();
    let report = fleet.end_of(held).await;
    assert_eq!((report.state, report.dead), (RunState::Done, 0), "{report:?}");
    fleet.world.assert_truth(&["invoice", "journal_entry"], 30).await;
}
