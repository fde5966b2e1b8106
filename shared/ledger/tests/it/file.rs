//! What can be wrong with a file, and what survives what happens to it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ledgerfleet_ledger::conformance::scene::{
    LEASE, claim, finish, new_run, only_page, page, record, scene, store,
};
use ledgerfleet_ledger::{
    Claims, Committed, Connections, Dispatching, Effects, LedgerError, NextStep, Pages, RescueScope, Runs,
    SqliteLedger, Steer,
};
use ledgerfleet_model::{Lane, ManualClock, Timings, WorkerName};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use crate::world::{noon, world};

async fn open(path: &Path) -> Result<SqliteLedger, LedgerError> {
    SqliteLedger::open(path, Arc::new(ManualClock::at(noon()))).await
}

/// Every file in the folder with its bytes.
fn bytes(folder: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name(), fs::read(entry.path()).unwrap())
    };
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(file).collect();
    files.sort();
    files
}

async fn is_refused_and_left_as_it_is(folder: &Path, path: &Path) -> LedgerError {
    let before = bytes(folder);
    let first = open(path).await.unwrap_err();
    let second = SqliteLedger::open_existing(path, Arc::new(ManualClock::at(noon())))
        .await
        .unwrap_err();
    assert_eq!(first.to_string(), second.to_string());
    assert!(bytes(folder) == before, "a file that is not ours was changed");
    first
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    let refusal = is_refused_and_left_as_it_is(folder.path(), &path).await;
    assert!(matches!(&refusal, LedgerError::Foreign(_)), "{refusal:?}");
    assert!(refusal.to_string().contains("notes.txt"), "{refusal}");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    for mode in [SqliteJournalMode::Delete, SqliteJournalMode::Wal] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut other = options.journal_mode(mode).connect().await.unwrap();
        sqlx::query("CREATE TABLE contacts (name TEXT)")
            .execute(&mut other)
            .await
            .unwrap();
        other.close().await.unwrap();
        let refusal = is_refused_and_left_as_it_is(folder.path(), &path).await;
        assert!(matches!(&refusal, LedgerError::Foreign(_)), "{refusal:?}");
        assert!(refusal.to_string().contains("another program"), "{refusal}");
    }
}

#[tokio::test]
async fn a_database_of_another_program_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut other = options
        .journal_mode(SqliteJournalMode::Wal)
        .connect()
        .await
        .unwrap();
    sqlx::query("CREATE TABLE contacts (name TEXT)")
        .execute(&mut other)
        .await
        .unwrap();
    // All of it is still in the log.
    assert!(matches!(open(&path).await, Err(LedgerError::Foreign(_))));
    sqlx::query("INSERT INTO contacts VALUES ('Ada')")
        .execute(&mut other)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_ledger_of_a_newer_program_is_refused_and_left_as_it_is() {
    let world = world().await;
    let mut sql = world.sql().await;
    sqlx::query("PRAGMA user_version = 4711")
        .execute(&mut sql)
        .await
        .unwrap();
    sql.close().await.unwrap();
    world.ledger.close().await;
    let refusal = is_refused_and_left_as_it_is(world.path().parent().unwrap(), &world.path()).await;
    assert!(matches!(refusal, LedgerError::NewerVersion { found: 4711, known } if known < 4711));
}

#[tokio::test]
async fn an_empty_file_becomes_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    fs::write(&path, "").unwrap();
    assert!(open(&path).await.unwrap().connections().await.unwrap().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_a_new_ledger_and_the_files_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("books.db")).await.unwrap();
    let modes: Vec<u32> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert!(
        modes.len() > 1 && modes.iter().all(|mode| *mode == 0o600),
        "{modes:?}"
    );
    ledger.close().await;
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("missing").join("ledger.db");
    let error = open(&nowhere).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Unavailable(..)) && error.is_passing(),
        "{error:?}"
    );
    assert!(error.to_string().contains("missing"), "{error}");
    let error = open(folder.path()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unavailable(..)), "{error:?}");

    let absent = folder.path().join("absent.db");
    let error = SqliteLedger::open_existing(&absent, Arc::new(ManualClock::at(noon())))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, LedgerError::Unavailable(..)) && !absent.exists(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_may_not_be_written_can_still_be_read() {
    let world = world().await;
    let scene = scene(&world, 1).await;
    finish(&world, scene.segments[0], &[record("1", 1)]).await;
    world.ledger.close().await;
    let path = world.path();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();

    let ledger = open(&path).await.unwrap();
    assert_eq!(ledger.runs(9).await.unwrap().len(), 1);
    // A superuser may write all the same.
    if fs::OpenOptions::new().append(true).open(&path).is_err() {
        let written = ledger.steer_run(scene.run, Steer::Cancel).await;
        assert!(matches!(written, Err(LedgerError::ReadOnly(_))), "{written:?}");
    }
}

#[tokio::test]
async fn several_processes_may_make_one_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledgers = futures::future::join_all((0..4).map(|_| open(&path))).await;
    for ledger in ledgers {
        assert!(ledger.unwrap().connections().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn two_handles_on_one_file_never_claim_one_segment() {
    let world = world().await;
    let other = world.again().await;
    let scene = scene(&world, 60).await;
    let (north, south) = (WorkerName("north-1".to_owned()), WorkerName("south-1".to_owned()));
    let mut claimed = Vec::new();
    for few in scene.segments.chunks(20) {
        let (one, two) = tokio::join!(
            world.ledger.claim(few, &north, LEASE),
            other.claim(few, &south, LEASE)
        );
        claimed.extend(
            one.unwrap()
                .into_iter()
                .chain(two.unwrap())
                .map(|claim| claim.segment),
        );
    }
    claimed.sort();
    assert_eq!(claimed, scene.segments);
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for() {
    let world = world().await;
    let other = world.again().await;
    let mut sql = world.sql().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut sql).await.unwrap();
    let submit = tokio::spawn(async move {
        let run = new_run(Lane::Manual, "patient");
        other.submit(&run, &mut std::iter::empty()).await
    });
    assert!(
        world.ledger.runs(9).await.unwrap().is_empty(),
        "reading waits for nobody"
    );
    sqlx::query("COMMIT").execute(&mut sql).await.unwrap();
    assert!(!submit.await.unwrap().unwrap().attached);
}

/// Copies the files as a power cut would leave them: nothing is closed, nothing checkpointed.
async fn after_a_power_cut(path: &Path, folder: &Path) -> SqliteLedger {
    for suffix in ["", "-wal"] {
        let mut from = path.as_os_str().to_owned();
        from.push(suffix);
        fs::copy(&from, folder.join(format!("ledger.db{suffix}"))).unwrap();
    }
    open(&folder.join("ledger.db")).await.unwrap()
}

#[tokio::test]
async fn what_was_committed_survives_a_power_cut_and_nothing_else_does() {
    let world = world().await;
    let scene = scene(&world, 3).await;
    finish(&world, scene.segments[0], &[record("1", 1)]).await;
    let running = claim(&world, scene.segments[1]).await;
    store(&world, &page(&running, 1, &[record("2", 1)], NextStep::Page)).await;
    let mut sql = world.sql().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut sql).await.unwrap();
    sqlx::query("UPDATE fleet_segments SET state = 'done'")
        .execute(&mut sql)
        .await
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let revived = after_a_power_cut(&world.path(), folder.path()).await;
    let report = revived.run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.done, report.running, report.pending, report.rows),
        (1, 1, 1, 2)
    );
    let rescued = revived
        .rescue(RescueScope::All, &Timings::default())
        .await
        .unwrap();
    assert_eq!((rescued.len(), rescued[0].segment), (1, running.segment));
    let worker = WorkerName("north-2".to_owned());
    let resumed = revived.claim(&[running.segment], &worker, LEASE).await.unwrap();
    assert_eq!((resumed[0].page, resumed[0].attempt), (1, 2));
    let last = [record("3", 1)];
    assert_eq!(
        revived.commit_page(&only_page(&resumed[0], &last)).await.unwrap(),
        Committed::Stored(Effects {
            new: 1,
            ..Effects::default()
        })
    );
}

#[tokio::test]
async fn a_copy_that_sqlite_has_made_becomes_a_ledger_with_a_log_again() {
    let world = world().await;
    scene(&world, 2).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let vacuum = sqlx::query("VACUUM INTO ?").bind(copy.to_str().unwrap());
    vacuum.execute(&mut world.sql().await).await.unwrap();
    let ledger = open(&copy).await.unwrap();
    assert_eq!(ledger.runs(9).await.unwrap()[0].segments, 2);
    let mut sql = SqliteConnectOptions::new()
        .filename(&copy)
        .connect()
        .await
        .unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_refused_by_each_and_a_link_is_the_file_itself() {
    let folder = tempfile::tempdir().unwrap();
    let clock = || Arc::new(ManualClock::at(noon()));
    let path = folder.path().join("books.db");
    SqliteLedger::open(&path, clock()).await.unwrap().close().await;

    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let by_link = SqliteLedger::open(&link, clock()).await.unwrap();
    assert_eq!(by_link.path(), path.canonicalize().unwrap());
    by_link.close().await;

    let twin = folder.path().join("twin.db");
    std::fs::hard_link(&path, &twin).unwrap();
    for name in [&path, &twin, &link] {
        let refused = SqliteLedger::open(name, clock()).await.unwrap_err();
        assert!(refused.to_string().contains("2 names"), "{refused}");
    }
    std::fs::remove_file(twin).unwrap();
    SqliteLedger::open(&path, clock()).await.unwrap().close().await;
}
