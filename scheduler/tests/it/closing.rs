//! The file at the end of a command: one file that holds everything, however the command ended.

use std::path::Path;
use std::time::Duration;

use ledgerfleet_emulator::RunningEmulator;
use sqlx::{Connection, SqliteConnection};

use crate::world::{World, emulator};

const DAYS: &str = "--connection demo-us --entity invoice --from 2026-03-01 --to 2026-06-30";

/// How a command is made to end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By itself, with this code.
    Itself(i32),
    /// By a signal, once it has said this; and the code.
    Signal(&'static str, &'static str, i32),
}

#[tokio::test]
async fn after_every_orderly_end_a_copy_of_the_file_alone_holds_every_record() {
    for (line, end) in [
        ("connection list", End::Itself(0)),
        ("records --connection demo-us --entity invoice", End::Itself(0)),
        ("coverage --connection nobody", End::Itself(2)),
        ("migrate", End::Itself(0)),
        ("doctor", End::Itself(0)),
        (
            "backfill --connection demo-us --entity class --from 2026-06-01 --to 2026-06-02",
            End::Itself(0),
        ),
        (
            "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-05-01",
            End::Itself(2),
        ),
        (&format!("backfill {DAYS}"), End::Signal("joined it", "INT", 130)),
        (&format!("backfill {DAYS}"), End::Signal("joined it", "TERM", 143)),
        (
            "serve --listen 127.0.0.1:0",
            End::Signal("serving http://", "TERM", 143),
        ),
        (
            "serve --listen 127.0.0.1:0",
            End::Signal("serving http://", "INT", 130),
        ),
        (&format!("verify {DAYS}"), End::Signal("", "INT", 130)),
        (&format!("verify {DAYS}"), End::Signal("", "TERM", 143)),
    ] {
        let emulator = emulator().await;
        let world = left_by_a_killed_backfill(&emulator).await;
        match end {
            End::Itself(code) => drop(world.run(line).await.expect(code)),
            End::Signal(said, signal, code) => {
                let asked = emulator.summary().requests;
                let running = world.start(line, said).await;
                while said.is_empty() && emulator.summary().requests == asked {
                    tokio::task::yield_now().await;
                }
                running.end_with(signal).await.expect(code);
            }
        }
        assert_is_one_file(&world, "ledgerfleet.db", &format!("{line} ({end:?})")).await;
    }
}

#[tokio::test]
async fn a_command_that_cannot_begin_leaves_one_file_too() {
    let emulator = emulator().await;
    let other = "LEDGERFLEET_MASTER_KEY";
    let key = "GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGE=";
    let world = left_by_a_killed_backfill(&emulator).await.with(other, key);
    world
        .run("records --connection demo-us --entity invoice")
        .await
        .expect(2);
    assert_is_one_file(&world, "ledgerfleet.db", "another master key").await;
}

#[tokio::test]
async fn the_demo_leaves_one_file() {
    let world = World::new();
    world.run("demo --days 2").await.expect(0);
    assert_is_one_file(&world, "ledgerfleet-demo.db", "demo").await;
}

#[tokio::test]
async fn a_signal_ends_a_command_that_waits_for_its_input() {
    let world = World::new();
    let pipe = world.path("token");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let line = "connection add quickbooks --name acme --realm 1 --refresh-token-file token";
    let waiting = world.start(line, "").await;
    // Opening the other end returns when the command has opened its own.
    let _writer = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(pipe))
        .await
        .unwrap()
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), waiting.end_with("INT")).await;
    ended.expect("it ends").expect(130);
}

#[tokio::test]
async fn an_empty_file_beside_a_key_is_refused_and_stays_as_it_is() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let whole = std::fs::read(world.path("ledgerfleet.db")).unwrap();
    let blank = blank_file(&world).await;
    for (kind, content) in [("no bytes", Vec::new()), ("one empty page", blank)] {
        std::fs::write(world.path("ledgerfleet.db"), &content).unwrap();
        for line in [
            "connection list",
            "migrate",
            "doctor",
            "serve --listen 127.0.0.1:0",
        ] {
            let refused = world.run(line).await.expect(1);
            let told = format!("{}{}", refused.stdout, refused.stderr);
            assert!(told.contains("is empty, but"), "{kind}, {line}: {told}");
        }
        let left = std::fs::read(world.path("ledgerfleet.db")).unwrap();
        assert_eq!(left, content, "{kind}");
    }
    std::fs::write(world.path("ledgerfleet.db"), whole).unwrap();
    world.run("connection show demo-us").await.expect(0);
}

#[tokio::test]
async fn a_log_whose_file_is_missing_or_empty_is_refused_and_kept() {
    let emulator = emulator().await;
    for content in [None, Some("")] {
        let world = left_by_a_killed_backfill(&emulator).await;
        std::fs::remove_file(world.path("ledgerfleet.db")).unwrap();
        std::fs::remove_file(world.path("ledgerfleet.db.key")).unwrap();
        if let Some(content) = content {
            world.write("ledgerfleet.db", content);
        }
        let log = std::fs::read(world.path("ledgerfleet.db-wal")).unwrap();
        world
            .run("migrate")
            .await
            .expect(1)
            .says("ledgerfleet.db-wal holds data");
        assert!(
            std::fs::read(world.path("ledgerfleet.db-wal")).unwrap() == log,
            "{content:?}"
        );
    }
}

/// A directory as a killed backfill leaves it: records that are only in the log.
async fn left_by_a_killed_backfill(emulator: &RunningEmulator) -> World {
    let world = World::beside(emulator);
    world.connect(&emulator.info().companies[0]).await;
    let running = world.start(&format!("backfill {DAYS}"), "122 segments").await;
    while records(&world.path("ledgerfleet.db")).await == 0 {
        tokio::task::yield_now().await;
    }
    running.end_with("KILL").await;
    let log = world.path("ledgerfleet.db-wal").metadata().unwrap();
    assert!(log.len() > 0, "there is nothing to bring into the file");
    world
}

/// What a switch to a write-ahead log alone leaves.
async fn blank_file(world: &World) -> Vec<u8> {
    let path = world.path("blank.db");
    let mut database = open(&path).await;
    sqlx::query("PRAGMA journal_mode = WAL")
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    let blank = std::fs::read(path).unwrap();
    assert_eq!(blank.len(), 4_096);
    blank
}

async fn assert_is_one_file(world: &World, name: &str, end: &str) {
    let file = world.path(name);
    for beside in ["-wal", "-shm"] {
        assert!(
            !world.path(&format!("{name}{beside}")).exists(),
            "{beside} is left after {end}"
        );
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    let (stored, copied) = (records(&file).await, records(&copy).await);
    assert!(stored > 0, "{end}");
    assert_eq!(stored, copied, "{end}");
}

async fn records(path: &Path) -> i64 {
    let mut database = open(path).await;
    let count = sqlx::query_scalar("SELECT count(*) FROM raw_records")
        .fetch_one(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    count
}

async fn open(path: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    SqliteConnection::connect(&url).await.unwrap()
}
