//! Brakes: what fails for everybody is tried by one at a time.

use std::time::Duration;

use ledgerfleet_model::{ConnectionId, FailureKind};

use super::World;
use super::scene::seconds;
use crate::brakes::STALE;
use crate::{Brake, BrakeScope, Setback};

fn table() -> BrakeScope {
    BrakeScope::Table("qbo_invoice".to_owned())
}

async fn fails(world: &dyn World, scope: &BrakeScope, witness: &str) -> Brake {
    let trouble = Setback {
        scope: scope.clone(),
        witness: witness.to_owned(),
        reason: FailureKind::UpstreamError,
        message: "HTTP 503",
        limit: 3,
        pause: seconds(60),
        longest: seconds(60),
    };
    world.ledger().note_trouble(&trouble).await.unwrap()
}

async fn close(world: &dyn World, scope: &BrakeScope) {
    for witness in ["one", "two", "three"] {
        fails(world, scope, witness).await;
    }
}

async fn waits(world: &dyn World, scope: &BrakeScope) -> bool {
    let asked = world
        .ledger()
        .may_probe(std::slice::from_ref(scope), seconds(60))
        .await;
    asked.unwrap().is_some()
}

pub async fn a_brake_closes_when_different_segments_have_failed_in_a_row(world: &dyn World) {
    let one = BrakeScope::Connection(ConnectionId::new());
    for witness in ["one", "one", "two", "one"] {
        assert!(!fails(world, &one, witness).await.is_closed(), "{witness}");
    }
    assert!(!waits(world, &one).await);
    let brake = fails(world, &one, "three").await;
    assert_eq!((brake.scope.clone(), brake.failures), (one.clone(), 5));
    assert_eq!(
        (brake.reason, brake.message.as_str()),
        (FailureKind::UpstreamError, "HTTP 503")
    );
    assert!(brake.probe_in.unwrap() <= seconds(60));
    assert!(waits(world, &one).await);
    let other = BrakeScope::Connection(ConnectionId::new());
    assert!(
        !fails(world, &other, "one").await.is_closed(),
        "another company's is open"
    );
    assert!(!waits(world, &other).await);
    assert_eq!(world.ledger().brakes().await.unwrap().len(), 2);
}

pub async fn one_at_a_time_may_probe_a_closed_brake(world: &dyn World) {
    close(world, &table()).await;
    assert!(waits(world, &table()).await);
    world.pass_time(seconds(61)).await;
    assert!(!waits(world, &table()).await, "this one probes");
    assert!(waits(world, &table()).await, "and others wait");
    world.pass_time(seconds(61)).await;
    assert!(!waits(world, &table()).await);
}

pub async fn a_success_opens_a_brake_and_forgets_its_failures(world: &dyn World) {
    close(world, &table()).await;
    assert_eq!(world.ledger().release(&[table()]).await.unwrap(), 1);
    assert!(!waits(world, &table()).await);
    assert!(world.ledger().brakes().await.unwrap().is_empty());
    assert!(!fails(world, &table(), "one").await.is_closed());
}

pub async fn probes_are_farther_apart_with_every_failure_up_to_a_bound(world: &dyn World) {
    let pauses: [u64; 4] = [20, 40, 60, 60];
    for pause in pauses {
        let trouble = Setback {
            scope: table(),
            witness: "one".to_owned(),
            reason: FailureKind::LedgerUnavailable,
            message: "permission denied",
            limit: 1,
            pause: seconds(20),
            longest: seconds(60),
        };
        let brake = world.ledger().note_trouble(&trouble).await.unwrap();
        let wait = brake.probe_in.unwrap();
        assert!(wait > seconds(pause - 5) && wait <= seconds(pause), "{wait:?}");
    }
}

pub async fn a_brake_of_which_nothing_is_heard_is_none(world: &dyn World) {
    close(world, &table()).await;
    world.pass_time(STALE + Duration::from_secs(1)).await;
    assert!(world.ledger().brakes().await.unwrap().is_empty());
    assert!(!waits(world, &table()).await);
    assert!(
        !fails(world, &table(), "four").await.is_closed(),
        "it begins anew"
    );
}

pub async fn a_brake_of_a_clock_that_was_ahead_is_none(world: &dyn World) {
    close(world, &table()).await;
    world.set_clock_back(Duration::from_hours(48)).await;
    assert!(world.ledger().brakes().await.unwrap().is_empty());
    assert!(!waits(world, &table()).await);
    assert!(
        !fails(world, &table(), "four").await.is_closed(),
        "it begins anew"
    );
}
