//! What happens when SQLite cannot do what it is told.

use std::sync::Arc;

use ledgerfleet_model::{ConnectionId, Environment, ManualClock, RunId, SegmentId, Window};
use tempfile::TempDir;

use super::SqliteLedger;
use crate::{
    Claims, Connections, Dispatching, LedgerError, NewConnection, NewRun, NewSegment, Runs, SealedCredential,
};

async fn ledger() -> (SqliteLedger, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db"), Arc::new(clock))
        .await
        .unwrap();
    (ledger, folder)
}

async fn company(ledger: &SqliteLedger) -> Result<ConnectionId, LedgerError> {
    company_with_secret(ledger, 100).await
}

async fn company_with_secret(ledger: &SqliteLedger, length: usize) -> Result<ConnectionId, LedgerError> {
    let new = NewConnection {
        id: ConnectionId::new(),
        name: ConnectionId::new().to_string(),
        connector: "quickbooks".to_owned(),
        account: "1".to_owned(),
        environment: Environment::Sandbox,
        time_zone: chrono_tz::UTC,
        requests_per_second: None,
        slots: None,
    };
    let credential = SealedCredential {
        version: 1,
        sealed: "x".repeat(length),
        stored_at: None,
    };
    ledger
        .add_connection(&new, &credential)
        .await
        .map(|connection| connection.id)
}

fn run() -> NewRun {
    NewRun {
        id: RunId::new(),
        lane: ledgerfleet_model::Lane::Manual,
        connections: Vec::new(),
        entities: Vec::new(),
        from: None,
        to: None,
        axis: ledgerfleet_model::Axis::Whole,
        segmenting: "whole".to_owned(),
        page_size: 1000,
        request_key: RunId::new().to_string(),
        trace_context: None,
    }
}

async fn submit(ledger: &SqliteLedger, run: &NewRun, connection: ConnectionId) -> Result<u64, LedgerError> {
    let mut segments = (0..500).map(|number| NewSegment {
        id: SegmentId::new(),
        connection,
        entity: format!("entity_{number}"),
        work: Window::Whole.into(),
    });
    ledger
        .submit(run, &mut segments)
        .await
        .map(|submitted| submitted.segments)
}

/// Changes how the one connection that writes behaves.
async fn tell_writer(ledger: &SqliteLedger, pragma: &'static str) {
    sqlx::query(pragma).execute(&ledger.writer).await.unwrap();
}

/// No more pages than there are.
const NO_ROOM: &str = "PRAGMA max_page_count = 1";
const ROOM: &str = "PRAGMA max_page_count = 1073741823";

#[tokio::test]
async fn a_full_disk_stores_nothing_and_is_over_when_there_is_room_again() {
    let (ledger, _folder) = ledger().await;
    let connection = company(&ledger).await.unwrap();
    tell_writer(&ledger, NO_ROOM).await;
    let run = run();
    let error = submit(&ledger, &run, connection).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Full(_)) && error.is_passing(),
        "{error:?}"
    );
    assert!(ledger.run(run.id).await.unwrap().is_none());
    tell_writer(&ledger, ROOM).await;
    assert_eq!(submit(&ledger, &run, connection).await.unwrap(), 500);
}

#[tokio::test]
async fn a_transaction_that_sqlite_has_undone_by_itself_does_not_block_the_next() {
    let (ledger, _folder) = ledger().await;
    tell_writer(&ledger, NO_ROOM).await;
    // A statement of one row keeps no journal of its own: when it fails for want of room, all is rolled back.
    let error = company_with_secret(&ledger, 1_000_000).await.unwrap_err();
    assert!(matches!(error, LedgerError::Full(_)), "{error:?}");
    tell_writer(&ledger, ROOM).await;
    company_with_secret(&ledger, 1_000_000).await.unwrap();
    assert_eq!(ledger.connections().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_that_refuses_writes_is_read_only() {
    let (ledger, _folder) = ledger().await;
    tell_writer(&ledger, "PRAGMA query_only = 1").await;
    let error = company(&ledger).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::ReadOnly(_)) && error.is_passing(),
        "{error:?}"
    );
    assert!(ledger.connections().await.unwrap().is_empty());
    let checked = ledger.check_writable().await;
    assert!(matches!(&checked, Err(LedgerError::ReadOnly(_))), "{checked:?}");
    tell_writer(&ledger, "PRAGMA query_only = 0").await;
    ledger.check_writable().await.unwrap();
    company(&ledger).await.unwrap();
}

#[tokio::test]
async fn a_database_that_others_hold_for_long_is_unavailable() {
    let (ledger, _folder) = ledger().await;
    let other = SqliteLedger::open(ledger.path(), ledger.clock.clone())
        .await
        .unwrap();
    let theirs = other.write("hold").await.unwrap();
    tell_writer(&ledger, "PRAGMA busy_timeout = 1").await;
    let error = company(&ledger).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Unavailable(..)) && error.is_passing(),
        "{error:?}"
    );
    drop(theirs);
    // Their rollback is on its way.
    tell_writer(&ledger, "PRAGMA busy_timeout = 5000").await;
    company(&ledger).await.unwrap();
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_named_and_nothing_of_the_call_is_stored() {
    let (ledger, _folder) = ledger().await;
    let connection = company(&ledger).await.unwrap();
    submit(&ledger, &run(), connection).await.unwrap();
    let spoil = "UPDATE fleet_segments SET axis = 'sideways'";
    sqlx::query(spoil).execute(&ledger.writer).await.unwrap();
    let id: String = sqlx::query_scalar("SELECT id FROM fleet_segments LIMIT 1")
        .fetch_one(&ledger.readers)
        .await
        .unwrap();
    let worker = ledgerfleet_model::WorkerName("north-1".to_owned());
    let lease = std::time::Duration::from_secs(20);
    let error = ledger
        .claim(&[id.parse().unwrap()], &worker, lease)
        .await
        .unwrap_err();
    assert!(matches!(&error, LedgerError::Corrupt(_)), "{error:?}");
    assert!(error.to_string().contains("sideways"), "{error}");
    assert!(ledger.held_by(&worker).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_all_or_nothing_and_a_ledger_that_works() {
    let (ledger, _folder) = ledger().await;
    let connection = company(&ledger).await.unwrap();
    let mut stored = 0;
    // From one that asks and leaves to one that almost waits to the end.
    for patience in 0..60 {
        let run = run();
        tokio::select! {
            biased;
            () = yields(patience * 100) => {}
            submitted = submit(&ledger, &run, connection) => stored += submitted.unwrap(),
        }
        let segments = ledger
            .run(run.id)
            .await
            .unwrap()
            .map_or(0, |report| report.segments);
        assert!(segments == 0 || segments == 500, "{segments}");
    }
    stored += submit(&ledger, &run(), connection).await.unwrap();
    assert!(stored >= 500);
}

async fn yields(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}
