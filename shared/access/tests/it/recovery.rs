//! What a process that has ended leaves in the spool.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ledgerfleet_access::Access;
use ledgerfleet_ledger::{Purge, RefreshOutcome};
use ledgerfleet_model::{ConnectionState, RefusalCause};
use ledgerfleet_vault::{MasterKey, Vault};
use secrecy::{ExposeSecret, SecretString};

use crate::world::{World, text};

/// A process that was granted the next value and ends before the ledger has it.
async fn world_with_a_killed_process() -> World {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    drop(interrupted(&world).await);
    assert_eq!((world.spooled().len(), world.traffic().rotations), (1, 1));
    world
}

/// The same process while it lives.
async fn interrupted(world: &World) -> Access {
    let access = world.process();
    world.refuse_to_store(true).await;
    world.refusal(&access).await;
    world.refuse_to_store(false).await;
    access
}

/// That the connection works, and no value was sent that another had replaced.
async fn nothing_was_lost(world: &World, access: &Access) {
    let token = access.token(&world.connection).await.unwrap();
    assert!(world.works(&token).await);
    assert_eq!(world.spooled().len(), 0);
    assert_eq!(world.traffic().refreshes, 1);
    world.pass(Duration::from_hours(1));
    let token = access.token(&world.connection).await.unwrap();
    assert!(world.works(&token).await);
    assert_eq!(
        (world.traffic().refreshes, world.traffic().superseded_uses),
        (2, 0)
    );
}

#[tokio::test]
async fn what_a_killed_process_was_granted_is_stored_at_the_next_start() {
    let world = world_with_a_killed_process().await;
    let next = world.process();
    next.recover().await;
    assert_eq!(world.stored().await.0.version, 2);
    assert_eq!(world.story().await, [RefreshOutcome::Recovered]);
    nothing_was_lost(&world, &next).await;
}

#[tokio::test]
async fn or_before_the_next_refresh_of_a_process_that_runs() {
    let world = world_with_a_killed_process().await;
    nothing_was_lost(&world, &world.process()).await;
}

#[tokio::test]
async fn a_process_that_lives_is_left_its_time() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let alive = interrupted(&world).await;
    let sibling = world.process();
    sibling.recover().await;
    assert_eq!(world.stored().await.0.version, 1);
    // Its time is over: whoever refreshes next stores what it could not.
    world.pass(Duration::from_secs(101));
    nothing_was_lost(&world, &sibling).await;
    assert!(world.works(&alive.token(&world.connection).await.unwrap()).await);
    assert_eq!(world.stored().await.0.version, 3);
}

#[tokio::test]
async fn a_connection_that_was_stopped_because_of_the_dead_value_goes_on() {
    let world = world_with_a_killed_process().await;
    let refused = world.stored().await.0.stored_at.unwrap();
    let id = world.connection.id;
    assert!(
        world
            .ledger
            .park_connection(id, refused, RefusalCause::Credential, "refused")
            .await
            .unwrap()
    );
    world.process().recover().await;
    let connection = world.ledger.connection(id).await.unwrap().unwrap();
    assert_eq!(
        (connection.state, connection.state_reason),
        (ConnectionState::Active, None)
    );
}

#[tokio::test]
async fn two_processes_that_start_at_once_store_it_once() {
    let world = world_with_a_killed_process().await;
    let (one, other) = (world.process(), world.process());
    tokio::join!(one.recover(), other.recover());
    assert_eq!(world.stored().await.0.version, 2);
    assert_eq!(world.story().await, [RefreshOutcome::Recovered]);
    nothing_was_lost(&world, &one).await;
}

#[tokio::test]
async fn what_a_person_has_brought_meanwhile_wins() {
    let world = world_with_a_killed_process().await;
    let brought = world.emulator.info().companies[1].refresh_token.clone();
    world.replace(&SecretString::from(brought.clone())).await;
    world.process().recover().await;
    assert_eq!(world.spooled().len(), 0);
    assert_eq!(world.story().await, [RefreshOutcome::Superseded]);
    assert_eq!(world.stored_secret().await.expose_secret(), brought);
}

#[tokio::test]
async fn what_belongs_to_a_removed_connection_is_given_up_and_to_another_ledger_is_left() {
    let world = world_with_a_killed_process().await;
    let elsewhere = World::start().await;
    elsewhere.process_with_spool(&world.spool()).recover().await;
    assert_eq!(world.spooled().len(), 1);
    world
        .ledger
        .remove_connection(world.connection.id, Purge::KeepRecords)
        .await
        .unwrap();
    world.process().recover().await;
    assert_eq!(world.spooled().len(), 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_kept_aside_and_stops_nobody() {
    let spoil: [fn(&str) -> String; 4] = [
        |text| text[..text.len() / 2].to_owned(),
        |_| String::new(),
        |text| text.replace(r#""replaces":1"#, r#""replaces":2"#),
        |text| {
            let at = text.len() - 20;
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        },
    ];
    for spoil in spoil {
        let world = world_with_a_killed_process().await;
        let path = world.spooled().remove(0);
        let spoilt = spoil(&fs::read_to_string(&path).unwrap());
        fs::write(&path, &spoilt).unwrap();
        let next = world.process();
        next.recover().await;
        next.recover().await;
        let kept = world.spooled();
        assert_eq!(kept.len(), 1);
        assert!(
            kept[0].to_str().unwrap().ends_with(".granted.unusable"),
            "{kept:?}"
        );
        assert_eq!(fs::read_to_string(&kept[0]).unwrap(), spoilt);
        assert_eq!(world.stored().await.0.version, 1);
        // What it held is lost, and a person is told, once the intent of the killed process has ended.
        world.pass(Duration::from_secs(101));
        let error = world.refusal(&next).await;
        assert!(error.to_string().contains("connect the company again"), "{error}");
    }
}

#[tokio::test]
async fn a_file_sealed_with_another_key_is_left_to_those_who_have_it() {
    let world = world_with_a_killed_process().await;
    let other = Vault::new(MasterKey::generate());
    let stranger = world.process_with(&world.endpoints(), other.into());
    stranger.recover().await;
    assert!(world.spooled()[0].to_str().unwrap().ends_with(".granted"));
    nothing_was_lost(&world, &world.process()).await;
}

#[tokio::test]
async fn the_spool_tells_nothing_and_is_its_owners_alone() {
    let world = world_with_a_killed_process().await;
    let path = world.spooled().remove(0);
    let written = fs::read_to_string(&path).unwrap();
    let exchanged = world.stored_secret().await;
    private(&path, 0o600);
    private(&world.spool(), 0o700);
    let next = world.process();
    next.recover().await;
    let access = next.token(&world.connection).await.unwrap();
    let granted = world.stored_secret().await;
    for secret in [exchanged.expose_secret(), granted.expose_secret(), text(&access)] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) {}

#[tokio::test]
async fn a_folder_that_cannot_be_made_stops_nobody() {
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let file = world.spool();
    fs::write(&file, "in the way").unwrap();
    let access = world.process_with_spool(&file.join("spool"));
    access.recover().await;
    assert!(world.works(&access.token(&world.connection).await.unwrap()).await);
}

#[tokio::test]
async fn a_value_that_has_not_rotated_needs_no_spool() {
    let world = World::start().await;
    let access = interrupted(&world).await;
    assert_eq!((world.spooled().len(), world.traffic().rotations), (0, 0));
    assert!(world.works(&access.token(&world.connection).await.unwrap()).await);
    assert_eq!(world.story().await, [RefreshOutcome::Granted]);
}
