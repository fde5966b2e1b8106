//! Pausing, resuming and cancelling runs.

use ledgerfleet_model::segment::Event;
use ledgerfleet_model::{RunId, RunState, SegmentState, Timings};

use super::World;
use super::scene::{claim, due, finish, held, only_page, page, record, records, scene, state_of_run, store};
use crate::{Committed, NextStep, Steer};

pub async fn a_pause_takes_running_segments_back_and_fences_their_workers(world: &dyn World) {
    let scene = scene(world, 2).await;
    let running = claim(world, scene.segments[0]).await;
    store(world, &page(&running, 1, &[record("1", 1)], NextStep::Page)).await;
    let before = world.standing(running.segment).await;

    let state = world.ledger().steer_run(scene.run, Steer::Pause).await.unwrap();
    assert_eq!(state, Some(RunState::Paused));
    let after = world.standing(running.segment).await;
    assert_eq!(Ok(after), before.on(Event::Pause, &Timings::default()));
    let late = page(&running, 2, &[], NextStep::Page);
    assert_eq!(
        world.ledger().commit_page(&late).await.unwrap(),
        Committed::Fenced
    );
    assert_eq!(
        world
            .ledger()
            .heartbeat(&[held(&running)], late.lease)
            .await
            .unwrap(),
        [held(&running)]
    );
    assert_eq!(world.ledger().attempts(running.segment).await.unwrap().len(), 0);
    assert!(due(world, 9).await.is_empty());
}

pub async fn a_resumed_run_goes_on_after_its_last_page(world: &dyn World) {
    let scene = scene(world, 1).await;
    let running = claim(world, scene.segments[0]).await;
    store(world, &page(&running, 1, &[record("1", 1)], NextStep::Page)).await;
    world.ledger().steer_run(scene.run, Steer::Pause).await.unwrap();
    let state = world.ledger().steer_run(scene.run, Steer::Resume).await.unwrap();
    assert_eq!(state, Some(RunState::Active));
    assert_eq!(due(world, 9).await, scene.segments);
    let again = claim(world, scene.segments[0]).await;
    assert_eq!((again.pass, again.page), (1, 1));
    store(world, &only_page(&again, &[record("2", 1)])).await;
    assert_eq!(records(world, scene.connection).await.len(), 2);
}

pub async fn a_cancel_ends_every_unfinished_segment(world: &dyn World) {
    let scene = scene(world, 4).await;
    finish(world, scene.segments[0], &[record("1", 1)]).await;
    super::scene::kill(
        world,
        scene.segments[1],
        ledgerfleet_model::FailureKind::BadRequest,
    )
    .await;
    let running = claim(world, scene.segments[2]).await;
    store(world, &page(&running, 1, &[record("2", 1)], NextStep::Page)).await;

    let state = world.ledger().steer_run(scene.run, Steer::Cancel).await.unwrap();
    assert_eq!(state, Some(RunState::Cancelled));
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.done, report.dead, report.cancelled), (1, 1, 2));
    assert!(report.closed_at.is_some());
    let standing = world.standing(running.segment).await;
    assert_eq!(
        (standing.state, standing.epoch),
        (SegmentState::Cancelled, running.standing.epoch.next())
    );
    let late = only_page(&running, &[]);
    assert_eq!(
        world.ledger().commit_page(&late).await.unwrap(),
        Committed::Fenced
    );
    assert_eq!(world.ledger().seen(running.segment, 1).await.unwrap().ids, 0);
    assert_eq!(
        records(world, scene.connection).await.len(),
        2,
        "what is stored stays stored"
    );
}

pub async fn a_run_that_is_over_stays_as_it_is(world: &dyn World) {
    let scene = scene(world, 1).await;
    let resumed = world.ledger().steer_run(scene.run, Steer::Resume).await.unwrap();
    assert_eq!(resumed, Some(RunState::Active), "nothing to resume");
    world.ledger().steer_run(scene.run, Steer::Cancel).await.unwrap();
    let closed_at = world.ledger().run(scene.run).await.unwrap().unwrap().closed_at;
    for steer in [Steer::Pause, Steer::Resume, Steer::Cancel] {
        let state = world.ledger().steer_run(scene.run, steer).await.unwrap();
        assert_eq!(state, Some(RunState::Cancelled));
    }
    assert_eq!(state_of_run(world, scene.run).await, RunState::Cancelled);
    assert_eq!(
        world.ledger().run(scene.run).await.unwrap().unwrap().closed_at,
        closed_at
    );
}

pub async fn an_unknown_run_has_no_state(world: &dyn World) {
    assert_eq!(
        world
            .ledger()
            .steer_run(RunId::new(), Steer::Cancel)
            .await
            .unwrap(),
        None
    );
    assert!(world.ledger().run(RunId::new()).await.unwrap().is_none());
    assert!(world.ledger().volumes(RunId::new()).await.unwrap().is_empty());
}
