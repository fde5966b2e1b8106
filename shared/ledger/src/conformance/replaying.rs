//! Sending dead letters again: how much, how fast, how often.

use ledgerfleet_model::{Epoch, FailureKind, Lane, Outcome, RunState, SegmentState, Standing};

use super::World;
use super::letters::{all, kill_all, listed, replay, told};
use super::scene::{
    claim, company, daily, due, kill, new_run, page, record, retry, scene, seconds, settle, state_of_run,
    store, submit,
};
use crate::{Claim, DeadLetterFilter, NextStep, ReplayRequest, ReplayState};

pub async fn a_replay_starts_anew_and_keeps_the_history(world: &dyn World) {
    let scene = scene(world, 1).await;
    let segment = scene.segments[0];
    let first = claim(world, segment).await;
    store(world, &page(&first, 1, &[record("1", 1)], NextStep::Pass)).await;
    let second_pass = Claim {
        pass: 2,
        ..first.clone()
    };
    store(world, &page(&second_pass, 1, &[record("1", 1)], NextStep::Page)).await;
    settle(world, &first, &retry(seconds(0)), FailureKind::Network).await;
    kill(world, segment, FailureKind::Malformed).await;
    world.ledger().close_runs().await.unwrap();
    assert_eq!(state_of_run(world, scene.run).await, RunState::Dead);

    let replayed = replay(world, &all()).await;
    assert_eq!((replayed.segments, replayed.runs), (1, 1));
    assert_eq!(
        world.standing(segment).await,
        Standing {
            epoch: Epoch(2),
            ..Standing::NEW
        }
    );
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.state, report.closed_at, report.pending),
        (RunState::Active, None, 1)
    );
    assert_eq!((report.pages, report.calls, report.rows), (2, 2, 0));
    assert_eq!(due(world, 9).await, [segment]);
    assert!(listed(world, DeadLetterFilter::default()).await.is_empty());

    let again = claim(world, segment).await;
    assert_eq!(
        (again.pass, again.page, again.attempt, again.standing.epoch),
        (1, 0, 3, Epoch(3))
    );
    assert_eq!(again.first_claimed_at, again.claimed_at, "its pass begins now");
    assert_eq!(world.ledger().attempts(segment).await.unwrap().len(), 2);
    let nothing = replay(world, &all()).await;
    assert_eq!((nothing.segments, nothing.runs), (0, 0));
}

pub async fn a_replay_changes_the_size_of_pages_where_it_is_asked_to(world: &dyn World) {
    let scene = scene(world, 3).await;
    let first = claim(world, scene.segments[0]).await;
    settle(world, &first, &Outcome::Dead, FailureKind::Timeout).await;
    for (segment, asked, then) in [
        (scene.segments[0], None, first.page_size),
        (scene.segments[1], Some(7), 7),
        (scene.segments[2], Some(1), 1),
    ] {
        if segment != first.segment {
            kill(world, segment, FailureKind::Timeout).await;
        }
        let request = ReplayRequest {
            page_size: asked,
            ..all()
        };
        assert_eq!(replay(world, &request).await.segments, 1);
        assert_eq!(claim(world, segment).await.page_size, then, "{asked:?}");
    }
}

pub async fn a_replay_takes_the_oldest_first_up_to_its_limit(world: &dyn World) {
    let scene = scene(world, 3).await;
    for segment in [scene.segments[1], scene.segments[2], scene.segments[0]] {
        kill(world, segment, FailureKind::BadRequest).await;
        world.pass_time(seconds(1)).await;
    }
    let filter = DeadLetterFilter {
        run: Some(scene.run),
        ..DeadLetterFilter::default()
    };
    let request = ReplayRequest {
        filter: filter.clone(),
        most: Some(2),
        ..all()
    };
    let replayed = replay(world, &request).await;
    assert_eq!(
        (replayed.segments, replayed.runs),
        (2, 0),
        "the run had not ended"
    );
    assert_eq!(listed(world, filter).await, [scene.segments[0]]);
    assert_eq!(
        world.standing(scene.segments[2]).await.state,
        SegmentState::Pending
    );
}

pub async fn a_replay_beside_an_equal_unfinished_run_reopens_both(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = new_run(Lane::Backfill, "invoices of March");
        let segments = daily(connection, 1);
        let segment = segments[0].id;
        assert!(!submit(world, &run, segments).await.attached);
        runs.push(run.id);
        if runs.len() < 3 {
            kill(world, segment, FailureKind::BadRequest).await;
            world.ledger().close_runs().await.unwrap();
        }
    }
    let replayed = replay(world, &all()).await;
    assert_eq!((replayed.segments, replayed.runs), (2, 2));
    for run in &runs {
        assert_eq!(state_of_run(world, *run).await, RunState::Active);
    }
    let joined = submit(world, &new_run(Lane::Backfill, "invoices of March"), Vec::new()).await;
    assert_eq!((joined.run, joined.attached), (runs[2], true));
}

pub async fn a_paced_replay_makes_its_segments_due_one_step_after_the_other(world: &dyn World) {
    let scene = scene(world, 5).await;
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    let paced = ReplayRequest {
        per_minute: Some(2),
        ..all()
    };
    let replayed = replay(world, &paced).await;
    assert_eq!(replayed.segments, 5);
    for number in 1..=5 {
        // One and only one is due in each half minute.
        world.pass_time(seconds(1)).await;
        assert_eq!(due(world, 9).await, scene.segments[..number]);
        world.pass_time(seconds(29)).await;
    }
}

pub async fn an_equal_request_that_is_not_over_is_continued_at_its_pace(world: &dyn World) {
    let scene = scene(world, 3).await;
    let [a, b, c] = scene.segments[..] else {
        panic!("three days");
    };
    kill_all(world, &[a, b], FailureKind::BadRequest).await;
    let paced = ReplayRequest {
        per_minute: Some(1),
        ..all()
    };
    let first = replay(world, &paced).await;
    assert_eq!((first.segments, first.continued), (2, false));
    let again = ReplayRequest {
        asked_by: "grace".to_owned(),
        ..paced.clone()
    };
    let second = replay(world, &again).await;
    assert_eq!(
        (second.replay_id, second.segments, second.continued),
        (first.replay_id, 0, true)
    );

    // What has died since is sent under the same replay, after all that it has sent.
    kill(world, c, FailureKind::BadRequest).await;
    let third = replay(world, &paced).await;
    assert_eq!(
        (third.replay_id, third.segments, third.continued),
        (first.replay_id, 1, true)
    );
    world.pass_time(seconds(62)).await;
    assert_eq!(due(world, 9).await, [a, b]);
    world.pass_time(seconds(60)).await;
    assert_eq!(due(world, 9).await, [a, b, c]);
    assert_eq!(told(world, first.replay_id).await.segments, 3);
    assert_eq!(world.ledger().replayed_total().await.unwrap(), 3);
}

pub async fn a_canary_that_is_asked_for_twice_sends_no_more_until_it_is_over(world: &dyn World) {
    let scene = scene(world, 5).await;
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    let canary = ReplayRequest {
        most: Some(2),
        ..all()
    };
    let first = replay(world, &canary).await;
    let again = replay(world, &canary).await;
    assert_eq!((first.segments, again.segments, again.continued), (2, 0, true));
    assert_eq!(again.replay_id, first.replay_id);
    for segment in &scene.segments[..2] {
        super::scene::finish(world, *segment, &[]).await;
    }
    assert_eq!(told(world, first.replay_id).await.state, ReplayState::Over);
    let next = replay(world, &canary).await;
    assert_eq!((next.segments, next.continued), (2, false));
    assert_ne!(next.replay_id, first.replay_id);
    assert_eq!(
        listed(world, DeadLetterFilter::default()).await,
        [scene.segments[4]]
    );
}

pub async fn two_equal_replays_at_once_send_each_letter_once(world: &dyn World) {
    let scene = scene(world, 12).await;
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    let canary = ReplayRequest {
        most: Some(5),
        ..all()
    };
    let (one, two) = tokio::join!(replay(world, &canary), replay(world, &canary));
    assert_eq!(one.segments + two.segments, 5);
    assert_eq!(one.replay_id, two.replay_id);
    assert_eq!(told(world, one.replay_id).await.segments, 5);
    assert_eq!(listed(world, DeadLetterFilter::default()).await.len(), 7);
}
