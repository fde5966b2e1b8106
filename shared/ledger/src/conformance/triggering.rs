//! Triggering: what is due fires once, with the run that it makes or not at all.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, Lane, RunId, TriggerId};

use super::World;
use super::scene::{company, daily, new_run, seconds};
use crate::triggers::{KEPT, LATE, NewFiring};
use crate::{Firing, FiringResult, LedgerError, NewTrigger, Trigger, TriggerState};

async fn now(world: &dyn World) -> DateTime<Utc> {
    world.ledger().clock().await.unwrap().now
}

/// Adds a trigger that is due in a minute.
async fn added(world: &dyn World, cron: Option<&str>) -> TriggerId {
    let trigger = NewTrigger {
        id: TriggerId::new(),
        cron: cron.map(str::to_owned),
        zone: chrono_tz::America::Guayaquil,
        wanted: "{\"command\":\"ü\"}".to_owned(),
        due_at: now(world).await + Duration::from_mins(1),
    };
    world.ledger().add_trigger(&trigger, "ada").await.unwrap();
    trigger.id
}

async fn trigger(world: &dyn World, id: TriggerId) -> Trigger {
    let all = world.ledger().triggers().await.unwrap();
    all.into_iter().find(|trigger| trigger.id == id).unwrap()
}

async fn due(world: &dyn World) -> Vec<TriggerId> {
    let due = world.ledger().due_triggers(10).await.unwrap();
    due.into_iter().map(|trigger| trigger.id).collect()
}

/// What it submits: a run of two segments.
fn firing(
    of: &Trigger,
    connection: ConnectionId,
    next: Option<DateTime<Utc>>,
) -> (RunId, NewFiring<'static>) {
    let run = new_run(Lane::Backfill, &RunId::new().to_string());
    let id = run.id;
    let firing = NewFiring {
        trigger: of.id,
        planned_at: of.due_at.unwrap(),
        next,
        missed: 0,
        submissions: Ok(vec![(run, Box::new(daily(connection, 2).into_iter()))]),
    };
    (id, firing)
}

async fn fire(world: &dyn World, firing: NewFiring<'_>) -> Option<Firing> {
    world.ledger().fire_trigger(firing).await.unwrap()
}

pub async fn a_trigger_fires_at_its_instant_once_and_is_over(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let id = added(world, None).await;
    let of = trigger(world, id).await;
    assert_eq!(
        (of.state, of.created_by.as_str(), &of.last),
        (TriggerState::Active, "ada", &None)
    );
    assert_eq!(of.wanted, "{\"command\":\"ü\"}");
    assert_eq!(due(world).await, []);
    assert_eq!(
        fire(world, firing(&of, connection, None).1).await,
        None,
        "not before its time"
    );
    world.pass_time(seconds(61)).await;
    assert_eq!(due(world).await, [id]);
    let of = trigger(world, id).await;
    let (run, first) = firing(&of, connection, None);
    let fired = fire(world, first).await.unwrap();
    assert_eq!(
        (fired.result, fired.runs.as_slice(), fired.missed),
        (FiringResult::Fired, [run].as_slice(), 0)
    );
    assert!(fired.late() < LATE, "{fired:?}");
    let (never, second) = firing(&of, connection, None);
    assert_eq!(fire(world, second).await, None);
    assert!(
        world.ledger().run(never).await.unwrap().is_none(),
        "nothing of it is stored"
    );
    assert_eq!(world.ledger().run(run).await.unwrap().unwrap().segments, 2);
    let over = trigger(world, id).await;
    assert_eq!((over.state, over.due_at), (TriggerState::Completed, None));
    assert_eq!(over.last.unwrap().runs, [run]);
    assert_eq!(due(world).await, []);
    assert!(
        !world.ledger().cancel_trigger(id, "ada").await.unwrap(),
        "it is over"
    );
}

pub async fn of_two_who_fire_a_trigger_at_one_moment_one_does(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    for _ in 0..5 {
        let id = added(world, None).await;
        world.pass_time(seconds(61)).await;
        let of = trigger(world, id).await;
        let ((one, first), (other, second)) = (firing(&of, connection, None), firing(&of, connection, None));
        let ledger = world.ledger();
        let (first, second) = tokio::join!(ledger.fire_trigger(first), ledger.fire_trigger(second));
        let fired: Vec<Firing> = [first.unwrap(), second.unwrap()].into_iter().flatten().collect();
        let [fired] = fired.as_slice() else {
            panic!("{fired:?}");
        };
        for run in [one, other] {
            let is_stored = ledger.run(run).await.unwrap().is_some();
            assert_eq!(is_stored, fired.runs == [run]);
        }
    }
}

pub async fn a_trigger_that_fires_late_says_so_and_one_that_recurs_goes_on(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let id = added(world, Some("0 * * * *")).await;
    world.pass_time(seconds(60 + 40 * 60)).await;
    let of = trigger(world, id).await;
    let next = now(world).await + Duration::from_hours(1);
    let late = NewFiring {
        missed: 2,
        ..firing(&of, connection, Some(next)).1
    };
    let fired = fire(world, late).await.unwrap();
    assert_eq!((fired.result, fired.missed), (FiringResult::Late, 2));
    assert!(fired.late() >= Duration::from_mins(39), "{fired:?}");
    let on = trigger(world, id).await;
    assert_eq!(on.state, TriggerState::Active);
    assert!(
        (on.due_at.unwrap() - next).num_milliseconds().abs() < 1,
        "to the microsecond"
    );
    assert_eq!(on.last.unwrap().result, FiringResult::Late);
    assert_eq!(due(world).await, []);
    let again = firing(&of, connection, Some(next)).1;
    assert_eq!(fire(world, again).await, None, "that instant has had its firing");
}

pub async fn what_cannot_be_submitted_is_told_and_a_company_that_is_gone_stores_nothing(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let id = added(world, None).await;
    world.pass_time(seconds(61)).await;
    let of = trigger(world, id).await;
    let stranger = firing(&of, ConnectionId::new(), None).1;
    let refused = world.ledger().fire_trigger(stranger).await;
    assert!(
        matches!(refused, Err(LedgerError::NoSuchConnection(_))),
        "{refused:?}"
    );
    assert_eq!(due(world).await, [id], "it is due still");
    let failed = NewFiring {
        submissions: Err("there is no connection named `birch`".to_owned()),
        ..firing(&of, connection, None).1
    };
    let fired = fire(world, failed).await.unwrap();
    assert_eq!((fired.result, fired.runs.len()), (FiringResult::Failed, 0));
    let over = trigger(world, id).await;
    assert_eq!(over.state, TriggerState::Completed);
    assert!(over.last.unwrap().message.unwrap().contains("birch"));
}

pub async fn a_trigger_that_was_cancelled_does_not_fire(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let (id, other) = (added(world, None).await, added(world, Some("0 0 * * *")).await);
    world.pass_time(seconds(61)).await;
    let of = trigger(world, id).await;
    assert!(world.ledger().cancel_trigger(id, "ada").await.unwrap());
    assert!(!world.ledger().cancel_trigger(id, "ada").await.unwrap());
    assert!(
        !world
            .ledger()
            .cancel_trigger(TriggerId::new(), "ada")
            .await
            .unwrap()
    );
    assert_eq!(due(world).await, [other]);
    assert_eq!(fire(world, firing(&of, connection, None).1).await, None);
    let all = world.ledger().triggers().await.unwrap();
    let states: Vec<_> = all.iter().map(|trigger| (trigger.id, trigger.state)).collect();
    assert_eq!(
        states,
        [(other, TriggerState::Active), (id, TriggerState::Cancelled)],
        "what is over comes last"
    );
}

pub async fn old_firings_are_forgotten_and_the_last_of_a_trigger_that_lives_is_not(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let (once, daily) = (added(world, None).await, added(world, Some("0 0 * * *")).await);
    world.pass_time(seconds(61)).await;
    let of = trigger(world, once).await;
    fire(world, firing(&of, connection, None).1).await.unwrap();
    for _ in 0..3 {
        let (of, next) = (
            trigger(world, daily).await,
            now(world).await + Duration::from_mins(1),
        );
        fire(world, firing(&of, connection, Some(next)).1).await.unwrap();
        world.pass_time(seconds(61)).await;
    }
    assert_eq!(world.ledger().prune_triggers(10).await.unwrap(), 0);
    world.pass_time(KEPT + seconds(1)).await;
    assert_eq!(
        world.ledger().prune_triggers(10).await.unwrap(),
        4,
        "two and one of three, and the one that is over"
    );
    let all = world.ledger().triggers().await.unwrap();
    let [left] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert!(left.id == daily && left.last.is_some(), "{left:?}");
}

pub async fn a_trigger_is_moved_from_where_it_is_due_and_fires_at_an_instant_that_was_noted_before(
    world: &dyn World,
) {
    let connection = company(world, "Alder").await;
    let id = added(world, Some("* * * * *")).await;
    world.pass_time(seconds(61)).await;
    let first = trigger(world, id).await;
    let due_at = first.due_at.unwrap();
    let later = due_at + Duration::from_hours(24);
    assert!(
        fire(world, firing(&first, connection, Some(later)).1)
            .await
            .is_some()
    );
    let moved = async |from, to| world.ledger().move_trigger(id, from, to).await.unwrap();
    assert!(!moved(due_at, due_at).await, "it is due elsewhere");
    assert!(moved(later, due_at).await);
    let again = trigger(world, id).await;
    assert_eq!(again.due_at, Some(due_at));
    assert!(
        fire(world, firing(&again, connection, None).1).await.is_some(),
        "that instant was noted before"
    );
    assert!(!moved(due_at, later).await, "it is over");
}
