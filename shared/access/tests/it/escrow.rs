//! Between an upstream's answer and the spool: nothing there fails, and what fails all the same is written down.

use std::process::Command;
use std::time::Duration;

use ledgerfleet_access::AccessError;
use ledgerfleet_emulator::{Rotation, Switches};
use ledgerfleet_ledger::RefreshOutcome;
use ledgerfleet_model::FailureKind;

use crate::world::World;

#[tokio::test]
async fn no_number_of_an_upstream_loses_what_it_has_granted() {
    for claimed in [
        0,
        1,
        86_400,
        10_000_000_000_000,
        i64::MAX.unsigned_abs(),
        u64::MAX,
    ] {
        let world = World::start().await;
        world.emulator.set_switches(Switches {
            rotation: Rotation::EveryRefresh,
            expires_in: Some(claimed),
            ..Switches::default()
        });
        let access = world.process();
        let token = access.token(&world.connection).await.unwrap();
        assert!(world.works(&token).await, "{claimed}");
        assert_eq!(world.story().await, [RefreshOutcome::Rotated], "{claimed}");
        // It is renewed with the value that was granted, at the latest when a day is over.
        world.pass(Duration::from_hours(25));
        let token = access.token(&world.connection).await.unwrap();
        assert!(world.works(&token).await, "{claimed}");
        let traffic = world.traffic();
        assert_eq!((traffic.refreshes, traffic.superseded_uses), (2, 0), "{claimed}");
    }
}

/// The variable that makes a process fail at named steps.
const FAIL_POINTS: &str = "FAIL_POINTS";

#[test]
fn a_panic_between_answer_and_spool_is_written_down_and_told_as_uncertain() {
    let test = "escrow::a_process_that_panics_after_a_grant";
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FAIL_POINTS, "after_grant:panic@1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{run:?}");
}

/// What the test above runs in a process of its own; without the fail point it has nothing to see.
#[tokio::test]
async fn a_process_that_panics_after_a_grant() {
    if !is_told_to_fail() {
        return;
    }
    let world = World::start().await;
    world.rotate_at_every_refresh();
    let access = world.process();
    let error = world.refusal(&access).await;
    assert!(matches!(&error, AccessError::Panicked), "{error}");
    assert_eq!(error.kind(), FailureKind::Panicked);
    let lost = world.ledger.refreshes(world.connection.id, 9).await.unwrap();
    let lost: Vec<RefreshOutcome> = lost.into_iter().map(|refresh| refresh.outcome).collect();
    assert_eq!(lost, [RefreshOutcome::Lost]);
    let error = world.refusal(&access).await;
    assert!(matches!(&error, AccessError::NeedsReauthorisation(_)), "{error}");
    assert!(error.to_string().contains("uncertain"), "{error}");
    assert_eq!(world.traffic().refreshes, 1);
}

/// No setting: it tells which of two processes this is.
fn is_told_to_fail() -> bool {
    std::env::var_os(FAIL_POINTS).is_some()
}
