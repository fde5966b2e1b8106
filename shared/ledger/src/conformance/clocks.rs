//! Clocks that were ahead.

use std::time::Duration;

use ledgerfleet_model::{FailureKind, Lane, Outcome, RefusalCause, Timings, Window, WorkerName};

use super::World;
use super::hinting::{hint, in_sync};
use super::letters::{all, replay};
use super::scene::{
    TABLE, claim, claim_all, company, due, finish, later, record, records, run_for, scene, seconds, settle,
    tombstone, window,
};
use crate::syncing::Planned;
use crate::{NotSeen, RefreshIntent, ReplayRequest, RescueScope, Seen};

const TWO_DAYS: Duration = Duration::from_hours(48);
pub async fn what_a_clock_that_was_ahead_has_put_off_is_brought_back_and_what_waits_rightly_is_not(
    world: &dyn World,
) {
    let ledger = world.ledger();
    let scene = scene(world, 3).await;
    world.set_clock_back(TWO_DAYS).await;
    assert!(due(world, 9).await.is_empty(), "all of it is due in two days");
    assert_eq!(ledger.bring_back().await.unwrap(), 4, "and the credential");
    assert_eq!(due(world, 9).await.len(), 3);
    assert_eq!(ledger.bring_back().await.unwrap(), 0, "once");

    let waiting = claim(world, scene.segments[0]).await;
    let day = Duration::from_hours(24);
    settle(world, &waiting, &later(day), FailureKind::Throttled).await;
    assert_eq!(
        ledger.bring_back().await.unwrap(),
        0,
        "a company may ask for a day"
    );
    assert_eq!(due(world, 9).await, scene.segments[1..]);
}

pub async fn a_replay_that_takes_days_keeps_its_rate_and_one_of_a_clock_that_was_ahead_is_brought_back(
    world: &dyn World,
) {
    const LETTERS: usize = 26 * 60;
    let ledger = world.ledger();
    let scene = scene(world, LETTERS).await;
    for claims in scene.segments.chunks(500) {
        for claim in claim_all(world, claims).await {
            settle(world, &claim, &Outcome::Dead, FailureKind::BadRequest).await;
        }
    }
    let slowly = ReplayRequest {
        per_minute: Some(1),
        ..all()
    };
    assert_eq!(replay(world, &slowly).await.segments, LETTERS as u64);
    assert_eq!(
        ledger.bring_back().await.unwrap(),
        0,
        "26 h are what was asked for"
    );
    assert_eq!(due(world, 99).await.len(), 1);
    world.set_clock_back(TWO_DAYS).await;
    assert_eq!(ledger.bring_back().await.unwrap(), LETTERS as u64 + 1);
    assert!(due(world, 99).await.len() > 1);
}

pub async fn a_credential_and_a_hint_of_a_clock_that_was_ahead_are_of_now(world: &dyn World) {
    let ledger = world.ledger();
    let connection = in_sync(world, "alder").await;
    ledger.store_hints(&[hint("a", "alder", "1")]).await.unwrap();
    world.set_clock_back(TWO_DAYS).await;
    assert_eq!(ledger.bring_back().await.unwrap(), 2);
    world.pass_time(seconds(1)).await;
    assert_eq!(ledger.gathered_hints(9).await.unwrap().len(), 1);
    let now = ledger.clock().await.unwrap().now;
    let parked = ledger.park_connection(connection, now, RefusalCause::Credential, "invalid_grant");
    assert!(parked.await.unwrap(), "nothing newer than that is stored");
    assert_eq!(ledger.bring_back().await.unwrap(), 0, "once");
}

pub async fn a_lease_and_an_intent_of_a_clock_that_was_ahead_end(world: &dyn World) {
    let ledger = world.ledger();
    let scene = scene(world, 1).await;
    claim(world, scene.segments[0]).await;
    let (lost, here) = (WorkerName("lost".to_owned()), WorkerName("here".to_owned()));
    let intend = |worker| ledger.intend_refresh(scene.connection, 1, worker, seconds(100), seconds(0));
    assert_eq!(intend(&lost).await.unwrap(), Some(RefreshIntent::Taken));
    world.set_clock_back(TWO_DAYS).await;
    let timings = Timings::default();
    let rescue = || ledger.rescue(RescueScope::Expired, &timings);
    assert!(rescue().await.unwrap().is_empty());
    assert!(matches!(
        intend(&here).await.unwrap(),
        Some(RefreshIntent::Held { .. })
    ));

    assert_eq!(ledger.bring_back().await.unwrap(), 2);
    world.pass_time(seconds(1)).await;
    assert_eq!(rescue().await.unwrap().len(), 1);
    assert_eq!(intend(&here).await.unwrap(), Some(RefreshIntent::Taken));
}

pub async fn syncs_that_a_clock_that_was_ahead_has_noted_are_due_again(world: &dyn World) {
    let ledger = world.ledger();
    let connection = company(world, "Alder").await;
    let usual = Duration::from_mins(5);
    let both = Planned {
        recount: true,
        reread: true,
    };
    let in_a_day = ledger.clock().await.unwrap().now + chrono::TimeDelta::days(1);
    ledger
        .schedule_sync(connection, Some(Duration::from_hours(48)), in_a_day)
        .await
        .unwrap();
    ledger.sync_planned(connection, both, in_a_day).await.unwrap();
    ledger.note_untold(connection, "invoice").await.unwrap();
    let due = async || ledger.due_syncs(usual, 9).await.unwrap().len();
    assert_eq!(due().await, 0, "every other day");
    world.set_clock_back(TWO_DAYS).await;
    assert_eq!(
        due().await,
        1,
        "no clock that is right has put it off for three days"
    );
    assert_eq!(ledger.bring_back().await.unwrap(), 3, "and the credential");
    let now = ledger.clock().await.unwrap().now;
    let schedule = ledger.sync_schedules(&[connection]).await.unwrap().remove(0);
    assert!(
        schedule.recounted_at.unwrap() <= now && schedule.reread_at.unwrap() <= now,
        "{schedule:?}"
    );
    let state = ledger.sync_states(&[connection]).await.unwrap().remove(0);
    assert!(
        state.attempted_at <= now && state.untold_at.unwrap() <= now,
        "{state:?}"
    );
    assert_eq!(ledger.bring_back().await.unwrap(), 0, "once");
}

pub async fn rows_of_a_clock_that_was_ahead_are_replaced_deleted_and_revived(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let first = run_for(world, connection, Lane::Backfill, 1).await;
    let ids = ["replaced", "deleted", "revived", "same"];
    finish(world, first.segments[0], &ids.map(|id| record(id, 1))).await;
    let second = run_for(world, connection, Lane::Manual, 1).await;
    world.pass_time(seconds(60)).await;
    finish(world, second.segments[0], &[tombstone("revived")]).await;

    world.set_clock_back(TWO_DAYS).await;
    let third = run_for(world, connection, Lane::Live, 1).await;
    let unversioned = |id: &str| ledgerfleet_model::Record {
        source_version: None,
        source_updated_at: None,
        payload_hash: [9; 32],
        ..record(id, 1)
    };
    let seen_now = [
        unversioned("replaced"),
        tombstone("deleted"),
        record("revived", 1),
        record("same", 1),
    ];
    let effects = finish(world, third.segments[0], &seen_now).await;
    assert_eq!((effects.changed, effects.deleted), (2, 1), "{effects:?}");
    let live: Vec<String> = records(world, connection)
        .await
        .into_iter()
        .filter(|row| row.deleted_at.is_none())
        .map(|row| row.id)
        .collect();
    assert_eq!(live, ["replaced", "revived", "same"]);
}

pub async fn rows_of_a_clock_that_was_ahead_are_missed_by_a_reading(world: &dyn World) {
    let scene = scene(world, 1).await;
    finish(world, scene.segments[0], &[record("1", 1), record("2", 1)]).await;
    world.set_clock_back(TWO_DAYS).await;
    let window: Window = window(0);
    let query = NotSeen {
        connection: scene.connection,
        table: TABLE,
        entity: "invoice",
        window: &window,
        seen: Seen::Ids(&["1"]),
        since: world.ledger().clock().await.unwrap().now,
    };
    let missed = world.ledger().not_seen(&query, None, 10).await.unwrap();
    assert_eq!(missed, ["2"]);
}

pub async fn rows_of_a_clock_that_was_ahead_are_counted_and_brought_back(world: &dyn World) {
    let ledger = world.ledger();
    let scene = scene(world, 1).await;
    finish(world, scene.segments[0], &[record("1", 1), record("2", 1)]).await;
    let ahead = async || ledger.records_ahead(scene.connection, TABLE).await.unwrap();
    assert_eq!(ahead().await, 0);
    world.set_clock_back(TWO_DAYS).await;
    assert_eq!(ahead().await, 2);
    assert_eq!(
        ledger.records_ahead(scene.connection, "qbo_item").await.unwrap(),
        0
    );
    assert_eq!(
        ledger.bring_back_records(scene.connection, TABLE).await.unwrap(),
        2
    );
    assert_eq!(ahead().await, 0);
    assert_eq!(
        ledger.bring_back_records(scene.connection, TABLE).await.unwrap(),
        0
    );
}

pub async fn a_ledger_tells_that_its_clock_was_ahead(world: &dyn World) {
    scene(world, 1).await;
    let clock = world.ledger().clock().await.unwrap();
    assert_eq!(clock.was_ahead(), None);
    world.set_clock_back(TWO_DAYS).await;
    let ahead = world.ledger().clock().await.unwrap().was_ahead().unwrap();
    assert!((ahead.num_minutes() - 48 * 60).abs() <= 1, "{ahead}");
}
