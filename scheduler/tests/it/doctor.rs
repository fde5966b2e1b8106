//! `doctor` on the machine: what it writes to, what it reaches, and what it gives away.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use crate::world::{World, emulator};

/// What `doctor` says of that: result, detail and what to do; nothing if it says nothing.
async fn said(world: &World, what: &str) -> Option<(String, String, String)> {
    let checks: Value = world.run("doctor -o json").await.json();
    let check = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["check"] == what)?
        .clone();
    let text = |name: &str| check[name].as_str().unwrap().to_owned();
    Some((text("result"), text("detail"), text("next")))
}

#[tokio::test]
async fn all_is_well_on_a_machine_that_is() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    for what in ["spool", "disk", "open files", "upstream"] {
        let (result, detail, next) = said(&world, what).await.unwrap_or_else(|| panic!("no {what}"));
        assert_eq!((result.as_str(), next.as_str()), ("ok", ""), "{what}: {detail}");
    }
    assert_eq!(said(&world, "tracked files").await, None);
}

#[tokio::test]
async fn a_spool_that_cannot_be_written_is_told_with_its_remedy() {
    let world = World::new();
    world.run("migrate").await.expect(0);
    // Also root cannot make a folder there.
    world.write("file", "");
    symlink(world.path("file"), world.path("no-folder")).unwrap();
    let place = world.path("no-folder/spool");
    let world = world.with("LEDGERFLEET_SPOOL_DIR", place.to_str().unwrap());
    let (result, detail, next) = said(&world, "spool").await.unwrap();
    assert_eq!(result, "warning", "{detail}");
    assert!(next.contains("LEDGERFLEET_SPOOL_DIR"), "{next}");
}

#[tokio::test]
async fn an_upstream_that_takes_no_connection_is_told_by_its_server() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let server = emulator.url().trim_start_matches("http://").to_owned();
    emulator.shutdown().await;
    let (result, detail, next) = said(&world, "upstream").await.unwrap();
    assert_eq!(result, "warning", "{detail}");
    assert!(detail.contains(&server), "{detail}");
    assert!(next.contains("connection test"), "{next}");
}

#[tokio::test]
async fn a_secret_that_git_keeps_is_told_with_how_to_be_rid_of_it() {
    let world = World::new();
    world.run("migrate").await.expect(0);
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .arg("-C")
            .arg(world.path("."))
            .args(arguments)
            .output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "--quiet"]);
    assert_eq!(said(&world, "tracked files").await, None);
    git(&["add", "--force", "ledgerfleet.db.key"]);
    let (result, detail, next) = said(&world, "tracked files").await.unwrap();
    assert_eq!(result, "warning");
    assert!(detail.contains("ledgerfleet.db.key"), "{detail}");
    assert!(next.starts_with("git rm --cached"), "{next}");
}
