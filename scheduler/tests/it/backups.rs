//! Backups: whole also while work goes on, checked, and of use when they are needed.

use std::os::unix::fs::PermissionsExt;

use crate::world::{World, emulator};

const BACKFILL: &str =
    "backfill --connection demo-us --entity invoice,bill --from 2026-06-01 --to 2026-06-20 --wait -o json";

#[tokio::test]
async fn a_backup_of_a_ledger_at_work_is_put_in_its_place_after_the_loss_and_goes_on_to_the_truth() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    world
        .run(&BACKFILL.replace("--to 2026-06-20", "--to 2026-06-02"))
        .await
        .expect(0);
    let work = world.start(BACKFILL, "handed to it").await;
    let backup = world
        .run("backup copy.db -o json")
        .await
        .expect(0)
        .says("ledgerfleet.db.key");
    assert_eq!(backup.json()["connections"], 1, "{backup:?}");
    assert!(backup.json()["records"].as_u64().unwrap() > 0, "{backup:?}");
    let mode = world.path("copy.db").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    work.end_with("KILL").await;
    server.end_with("KILL").await;

    // Over the file, with the log of the one that was there still beside it.
    let log = std::fs::read(world.path("ledgerfleet.db-wal")).unwrap();
    assert!(!log.is_empty());
    std::fs::copy(world.path("copy.db"), world.path("ledgerfleet.db")).unwrap();
    world.run("status").await.expect(1).says("ledgerfleet.db-wal");
    assert_eq!(std::fs::read(world.path("ledgerfleet.db-wal")).unwrap(), log);
    let copy = std::fs::read(world.path("copy.db")).unwrap();
    assert_eq!(std::fs::read(world.path("ledgerfleet.db")).unwrap(), copy);

    std::fs::remove_file(world.path("ledgerfleet.db-wal")).unwrap();
    std::fs::remove_file(world.path("ledgerfleet.db-shm")).unwrap();
    let run = world.run(BACKFILL).await.expect(0).json();
    assert_eq!(run["done"], 40, "{run}");
    let verify =
        "verify --connection demo-us --entity invoice,bill --from 2026-06-01 --to 2026-06-20 --strict";
    world.run(verify).await.expect(0);
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_says_why_and_leaves_nothing() {
    let world = World::new();
    world
        .run("backup copy.db")
        .await
        .expect(2)
        .says("there is no ledger");
    world.write("empty.db", "");
    let empty = world.elsewhere("LEDGERFLEET_DATABASE_URL", "sqlite://empty.db");
    empty
        .run("backup copy.db")
        .await
        .expect(2)
        .says("there is no ledger");

    world.run("migrate").await.expect(0);
    world.write("taken.db", "something else");
    world
        .run("backup taken.db")
        .await
        .expect(2)
        .says("exists already");
    assert_eq!(
        std::fs::read_to_string(world.path("taken.db")).unwrap(),
        "something else"
    );
    std::os::unix::fs::symlink("nowhere.db", world.path("link.db")).unwrap();
    world.run("backup link.db").await.expect(2).says("exists already");
    world
        .run("backup ledgerfleet.db")
        .await
        .expect(2)
        .says("exists already");
    world
        .run("backup no/such/folder/copy.db")
        .await
        .expect(5)
        .says("cannot be written");

    world.write("diary.db", &"dear diary, ".repeat(400));
    let foreign = world.elsewhere("LEDGERFLEET_DATABASE_URL", "sqlite://diary.db");
    foreign
        .run("backup copy.db")
        .await
        .expect(1)
        .says("is not a ledger");
    let mut bytes = std::fs::read(world.path("ledgerfleet.db")).unwrap();
    bytes[4_096..].fill(0xff);
    std::fs::write(world.path("damaged.db"), bytes).unwrap();
    let damaged = world.elsewhere("LEDGERFLEET_DATABASE_URL", "sqlite://damaged.db");
    damaged.run("backup copy.db").await.expect(1);

    let fleet = world
        .elsewhere("LEDGERFLEET_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .with("LEDGERFLEET_REDIS_URL", "redis://127.0.0.1:1");
    fleet.run("backup copy.db").await.expect(2).says("pg_dump");

    let mut left: Vec<_> = std::fs::read_dir(world.directory.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    left.retain(|name| name == "copy.db" || name.to_string_lossy().starts_with(".ledgerfleet"));
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_full_disk_ends_a_backup_and_keeps_the_ledger() {
    let world = World::new();
    world.run("migrate").await.expect(0);
    let program = env!("CARGO_BIN_EXE_scheduler");
    // A limit of one's own on the size of files is what a quota or a full disk is: the write fails.
    let limited = format!("trap '' XFSZ; ulimit -f 64; exec {program} backup copy.db");
    let ended = world.run_program("bash", &["-c", &limited]).await.expect(5);
    assert!(ended.stderr.contains("copy.db cannot be written"), "{ended:?}");
    assert!(!world.path("copy.db").exists());
    world.run("backup copy.db").await.expect(0);
}

#[tokio::test]
async fn shells_complete_commands_and_every_command_has_its_page() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&format!("completions {shell}")).await.expect(0).stdout;
        assert!(script.contains("backfill"), "{shell}: {script}");
    }
    world.run("completions tcsh").await.expect(2);
    world.run("man pages").await.expect(0);
    let page = std::fs::read_to_string(world.path("pages/scheduler-connection-add-quickbooks.1")).unwrap();
    assert!(page.contains("refresh"), "{page}");
    assert!(world.path("pages/scheduler.1").exists());
}
