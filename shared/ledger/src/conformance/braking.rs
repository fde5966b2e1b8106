//! A replay whose cause returns is stopped: what nobody has claimed goes back as it was.

use ledgerfleet_model::{FailureKind, Outcome, SegmentId, SegmentState, Standing};

use super::World;
use super::letters::{all, kill_all, listed, replay, told};
use super::scene::{claim, due, finish, kill, scene, settle, state_of_run};
use crate::{DeadLetter, DeadLetterFilter, Listing, ReplayState, WhichReplays};

async fn letters(world: &dyn World) -> Vec<DeadLetter> {
    world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &Listing::oldest(100))
        .await
        .unwrap()
}

fn what_was(letters: &[DeadLetter]) -> Vec<(SegmentId, FailureKind, String, String, String, u32)> {
    let of = |letter: &DeadLetter| {
        (
            letter.id,
            letter.reason,
            letter.message.clone(),
            letter.fingerprint.clone(),
            // To the second: a ledger whose time is made to pass may round.
            letter.died_at.format("%T").to_string(),
            letter.attempts,
        )
    };
    letters.iter().map(of).collect()
}

pub async fn a_replay_whose_cause_returns_gives_back_what_nobody_has_claimed(world: &dyn World) {
    let scene = scene(world, 5).await;
    let [done, running, relapsed, ..] = scene.segments[..] else {
        panic!("five days");
    };
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    world.ledger().close_runs().await.unwrap();
    let before = letters(world).await;
    let replayed = replay(world, &all()).await;
    assert!(world.ledger().stop_replays().await.unwrap().is_empty());

    finish(world, done, &[]).await;
    let held = claim(world, running).await;
    kill(world, relapsed, FailureKind::BadRequest).await;
    assert_eq!(told(world, replayed.replay_id).await.state, ReplayState::Stopping);
    let withdrawn = world.ledger().stop_replays().await.unwrap();
    assert_eq!(
        (withdrawn.len(), withdrawn[0].segments, withdrawn[0].finished),
        (1, 2, true)
    );
    assert!(
        world.ledger().stop_replays().await.unwrap().is_empty(),
        "once is enough"
    );

    // The two that nobody has claimed are what they were; what is claimed goes on.
    assert_eq!(what_was(&letters(world).await)[..2], what_was(&before)[3..]);
    for segment in &scene.segments[3..] {
        let standing = world.standing(*segment).await;
        assert_eq!(
            standing,
            Standing {
                state: SegmentState::Dead,
                epoch: standing.epoch,
                ..Standing::NEW
            }
        );
        assert_eq!(world.ledger().attempts(*segment).await.unwrap().len(), 1);
    }
    assert!(due(world, 9).await.is_empty());
    assert_eq!(
        settle(world, &held, &Outcome::Dead, FailureKind::Timeout).await,
        crate::Settled::Settled
    );

    let report = told(world, replayed.replay_id).await;
    assert_eq!(
        (
            report.state,
            report.segments,
            report.withdrawn,
            report.done,
            report.dead
        ),
        (ReplayState::Stopped, 5, 2, 1, 4)
    );
    assert_eq!(
        (report.stopped_by, report.asked_by.as_str()),
        (Some(relapsed), "ada")
    );
    let print = &before[0].fingerprint;
    assert_eq!(report.stopped_fingerprint.as_ref(), Some(print));
    let why = report.stopped_reason.unwrap();
    assert!(
        why.contains(&relapsed.to_string()) && why.contains("bad_request"),
        "{why}"
    );
    assert!(letters(world).await.iter().all(|letter| {
        letter.replay_id == replayed.replay_id && letter.replay_stopped.as_deref() == Some(why.as_str())
    }));
    world.ledger().close_runs().await.unwrap();
    assert_eq!(
        state_of_run(world, scene.run).await,
        ledgerfleet_model::RunState::Dead
    );
}

pub async fn the_replays_of_a_run_are_told(world: &dyn World) {
    let first = scene(world, 2).await;
    let other = super::scene::company(world, "Birch").await;
    let second = super::scene::run_for(world, other, ledgerfleet_model::Lane::Manual, 1).await;
    let of_run = async |run| -> Vec<_> {
        let replays = world.ledger().replays(WhichReplays::OfRun(run), 9).await.unwrap();
        replays.into_iter().map(|replay| replay.replay_id).collect()
    };
    assert!(of_run(first.run).await.is_empty());
    kill_all(world, &first.segments, FailureKind::BadRequest).await;
    let sent = replay(world, &all()).await.replay_id.unwrap();
    assert_eq!(of_run(first.run).await, [sent]);
    assert!(of_run(second.run).await.is_empty());
}

pub async fn another_cause_does_not_stop_a_replay(world: &dyn World) {
    let scene = scene(world, 3).await;
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    let replayed = replay(world, &all()).await;
    kill(world, scene.segments[0], FailureKind::Forbidden).await;
    assert!(world.ledger().stop_replays().await.unwrap().is_empty());
    assert_eq!(told(world, replayed.replay_id).await.state, ReplayState::Going);
    assert_eq!(due(world, 9).await, scene.segments[1..]);
}

pub async fn a_death_stops_no_replay_that_the_segment_is_not_part_of(world: &dyn World) {
    let scene = scene(world, 3).await;
    let [a, b, c] = scene.segments[..] else {
        panic!("three days");
    };
    kill_all(world, &[a, b], FailureKind::BadRequest).await;
    replay(world, &all()).await;
    kill(world, c, FailureKind::BadRequest).await;
    assert!(world.ledger().stop_replays().await.unwrap().is_empty());
}

pub async fn what_was_claimed_and_waits_for_its_next_attempt_is_not_withdrawn(world: &dyn World) {
    let scene = scene(world, 3).await;
    let [relapsed, waiting, untouched] = scene.segments[..] else {
        panic!("three days");
    };
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    replay(world, &all()).await;
    let held = claim(world, waiting).await;
    settle(
        world,
        &held,
        &super::scene::retry(super::scene::seconds(60)),
        FailureKind::Timeout,
    )
    .await;
    kill(world, relapsed, FailureKind::BadRequest).await;
    world.ledger().stop_replays().await.unwrap();
    assert_eq!(world.standing(waiting).await.state, SegmentState::Pending);
    assert_eq!(world.standing(untouched).await.state, SegmentState::Dead);
}

pub async fn a_stopped_replay_may_be_asked_for_again(world: &dyn World) {
    let scene = scene(world, 3).await;
    kill_all(world, &scene.segments, FailureKind::BadRequest).await;
    let first = replay(world, &all()).await;
    kill(world, scene.segments[0], FailureKind::BadRequest).await;
    // Until it has come to a stop nothing is sent under it, and nothing is sent twice.
    world.ledger().stop_replays().await.unwrap();
    let second = replay(world, &all()).await;
    assert_eq!((second.segments, second.continued), (3, false));
    assert_ne!(second.replay_id, first.replay_id);
    assert!(listed(world, DeadLetterFilter::default()).await.is_empty());
    for segment in &scene.segments {
        finish(world, *segment, &[]).await;
    }
    assert_eq!(told(world, second.replay_id).await.state, ReplayState::Over);
    assert_eq!(told(world, first.replay_id).await.state, ReplayState::Stopped);
}
