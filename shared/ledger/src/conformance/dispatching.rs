//! What may be claimed now, and which runs have ended.

use std::collections::HashMap;
use std::time::Duration;

use ledgerfleet_model::{ConnectionState, FailureKind, Lane, Outcome, RunState, SegmentId, SegmentState};

use super::World;
use super::scene::{
    claim, claim_all, company, due, finish, kill, later, limits, record, run_for, scene, seconds, settle,
    state_of_run,
};
use crate::{ClosedRun, DispatchLimits, NewConnection, Purge, Steer};

pub async fn connections_take_turns(world: &dyn World) {
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let a = run_for(world, ash, Lane::Backfill, 20).await.segments;
    let b = run_for(world, birch, Lane::Backfill, 2).await.segments;
    assert_eq!(due(world, 1).await, [a[0], b[0], a[1], b[1], a[2], a[3]]);
}

pub async fn a_lane_comes_before_the_next(world: &dyn World) {
    let connection = company(world, "Ash").await;
    let backfill = run_for(world, connection, Lane::Backfill, 9).await.segments;
    let manual = run_for(world, connection, Lane::Manual, 2).await.segments;
    let live = run_for(world, connection, Lane::Live, 1).await.segments;
    let other = company(world, "Birch").await;
    let other = run_for(world, other, Lane::Manual, 1).await.segments;
    // Five for the first company over all lanes.
    assert_eq!(
        due(world, 2).await,
        [live[0], manual[0], other[0], manual[1], backfill[0], backfill[1]]
    );
    let ready = world.ledger().due(&limits(2)).await.unwrap();
    assert_eq!(
        (ready[0].connection, ready[0].lane, ready[5].lane),
        (connection, Lane::Live, Lane::Backfill)
    );
}

pub async fn a_connection_is_offered_its_slots_and_three_less_what_runs(world: &dyn World) {
    let scene = scene(world, 20).await;
    assert_eq!(due(world, 9).await.len(), 12);
    claim_all(world, &scene.segments[..5]).await;
    assert_eq!(due(world, 9).await, scene.segments[5..12]);
    let nothing_said = DispatchLimits {
        slots: HashMap::new(),
        total: 2000,
    };
    assert!(
        world.ledger().due(&nothing_said).await.unwrap().is_empty(),
        "one slot, if nothing is said"
    );

    let own = NewConnection {
        slots: Some(2),
        ..super::scene::new_connection("Own")
    };
    world
        .ledger()
        .add_connection(&own, &super::scene::credential(1))
        .await
        .unwrap();
    let run = run_for(world, own.id, Lane::Manual, 20).await;
    assert_eq!(
        due(world, 1).await,
        run.segments[..5],
        "its own setting comes first"
    );
}

pub async fn no_more_is_offered_than_in_all(world: &dyn World) {
    let scene = scene(world, 20).await;
    let few = DispatchLimits {
        total: 3,
        ..limits(9)
    };
    let ready = world.ledger().due(&few).await.unwrap();
    assert!(
        ready
            .iter()
            .map(|ready| ready.segment)
            .eq(scene.segments[..3].iter().copied())
    );
}

pub async fn what_waits_is_not_offered_before_its_time(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    assert_eq!(world.ledger().next_due().await.unwrap(), None);
    settle(world, &claim, &later(seconds(600)), FailureKind::Throttled).await;

    assert!(due(world, 9).await.is_empty());
    assert!(claim_all(world, &scene.segments).await.is_empty());
    let wait = world.ledger().next_due().await.unwrap().unwrap();
    assert!(wait > seconds(590) && wait <= seconds(600), "{wait:?}");

    world.pass_time(seconds(601)).await;
    assert_eq!(due(world, 9).await, scene.segments);
    assert_eq!(world.ledger().next_due().await.unwrap(), Some(Duration::ZERO));
}

pub async fn what_is_paused_is_neither_offered_nor_claimed(world: &dyn World) {
    let scene = scene(world, 1).await;
    let nothing = async || {
        assert!(due(world, 9).await.is_empty());
        assert!(claim_all(world, &scene.segments).await.is_empty());
        assert_eq!(world.ledger().next_due().await.unwrap(), None);
        assert_eq!(
            world.ledger().segment_counts().await.unwrap().oldest_due_seconds,
            0
        );
    };
    for state in [ConnectionState::Paused, ConnectionState::NeedsReauthorisation] {
        world
            .ledger()
            .set_connection_state(scene.connection, state, Some("why"))
            .await
            .unwrap();
        nothing().await;
    }
    world
        .ledger()
        .set_connection_state(scene.connection, ConnectionState::Active, None)
        .await
        .unwrap();
    world.ledger().steer_run(scene.run, Steer::Pause).await.unwrap();
    nothing().await;

    world.ledger().steer_run(scene.run, Steer::Resume).await.unwrap();
    assert_eq!(due(world, 9).await, scene.segments);
    assert_eq!(claim_all(world, &scene.segments).await.len(), 1);
}

pub async fn a_run_ends_when_all_its_segments_have(world: &dyn World) {
    let connection = company(world, "Ash").await;
    let good = run_for(world, connection, Lane::Backfill, 2).await;
    let bad = run_for(world, connection, Lane::Backfill, 2).await;
    let empty = run_for(world, connection, Lane::Backfill, 0).await;
    finish(world, good.segments[0], &[record("1", 1)]).await;
    finish(world, bad.segments[0], &[]).await;
    kill(world, bad.segments[1], FailureKind::BadRequest).await;
    let last = claim(world, good.segments[1]).await;

    let mut closed = world.ledger().close_runs().await.unwrap();
    closed.sort_by_key(|closed| closed.run);
    let expected = [
        ClosedRun {
            run: bad.run,
            state: RunState::Dead,
        },
        ClosedRun {
            run: empty.run,
            state: RunState::Done,
        },
    ];
    assert_eq!(closed, expected);
    assert_eq!(
        state_of_run(world, good.run).await,
        RunState::Active,
        "one still runs"
    );

    super::scene::store(world, &super::scene::only_page(&last, &[])).await;
    let closed = world.ledger().close_runs().await.unwrap();
    assert_eq!(
        closed,
        [ClosedRun {
            run: good.run,
            state: RunState::Done
        }]
    );
    assert!(
        world
            .ledger()
            .run(good.run)
            .await
            .unwrap()
            .unwrap()
            .closed_at
            .is_some()
    );
    assert!(world.ledger().close_runs().await.unwrap().is_empty());
}

pub async fn a_run_whose_segments_were_all_cancelled_is_cancelled(world: &dyn World) {
    let scene = scene(world, 2).await;
    world
        .ledger()
        .remove_connection(scene.connection, Purge::KeepRecords)
        .await
        .unwrap();
    let closed = world.ledger().close_runs().await.unwrap();
    assert_eq!(
        closed,
        [ClosedRun {
            run: scene.run,
            state: RunState::Cancelled
        }]
    );
}

pub async fn a_run_whose_company_was_removed_on_the_way_is_cancelled(world: &dyn World) {
    let scene = scene(world, 2).await;
    finish(world, scene.segments[0], &[]).await;
    let ledger = world.ledger();
    ledger
        .remove_connection(scene.connection, Purge::KeepRecords)
        .await
        .unwrap();
    let closed = ledger.close_runs().await.unwrap();
    assert_eq!(
        closed[0].state,
        RunState::Cancelled,
        "not done: a day of it was never read"
    );
}

pub async fn a_paused_run_is_not_closed(world: &dyn World) {
    let scene = scene(world, 1).await;
    finish(world, scene.segments[0], &[]).await;
    world.ledger().steer_run(scene.run, Steer::Pause).await.unwrap();
    assert!(world.ledger().close_runs().await.unwrap().is_empty());
    world.ledger().steer_run(scene.run, Steer::Resume).await.unwrap();
    assert_eq!(world.ledger().close_runs().await.unwrap().len(), 1);
}

pub async fn segments_are_counted_by_state(world: &dyn World) {
    let SegmentStates { done, dead, running } = segment_states(world).await;
    world.pass_time(seconds(90)).await;
    let counts = world.ledger().segment_counts().await.unwrap();
    let count = |state| counts.by_state.get(&state).copied().unwrap_or(0);
    assert_eq!(count(SegmentState::Pending), 2);
    assert_eq!(
        (
            count(SegmentState::Done),
            count(SegmentState::Dead),
            count(SegmentState::Running)
        ),
        (1, 1, 1)
    );
    assert!(
        (90..95).contains(&counts.oldest_due_seconds),
        "{}",
        counts.oldest_due_seconds
    );
    for (segment, state) in [
        (done, SegmentState::Done),
        (dead, SegmentState::Dead),
        (running, SegmentState::Running),
    ] {
        assert_eq!(world.standing(segment).await.state, state);
    }
}

struct SegmentStates {
    done: SegmentId,
    dead: SegmentId,
    running: SegmentId,
}

/// One done, one dead, one running, one that waits and one that is due.
async fn segment_states(world: &dyn World) -> SegmentStates {
    let segments = scene(world, 5).await.segments;
    finish(world, segments[0], &[]).await;
    kill(world, segments[1], FailureKind::Forbidden).await;
    claim(world, segments[2]).await;
    let waiting = claim(world, segments[3]).await;
    settle(
        world,
        &waiting,
        &Outcome::Later { wait: seconds(3600) },
        FailureKind::GateBusy,
    )
    .await;
    SegmentStates {
        done: segments[0],
        dead: segments[1],
        running: segments[2],
    }
}
