//! Taking segments back from lost workers.

use ledgerfleet_model::segment::{CRASHES, IDLE_CLAIMS};
use ledgerfleet_model::{FailureKind, SegmentId, SegmentState, Timings};

use super::World;
use super::scene::{LEASE, claim, claim_all, due, held, page, record, scene, seconds, store, worker};
use crate::{DeadLetterFilter, Listing, NextStep, RescueScope, Rescued};

async fn rescue(world: &dyn World, scope: RescueScope) -> Vec<Rescued> {
    world.ledger().rescue(scope, &Timings::default()).await.unwrap()
}

pub async fn only_what_has_expired_is_taken_back(world: &dyn World) {
    let scene = scene(world, 2).await;
    let first = claim(world, scene.segments[0]).await;
    world.pass_time(seconds(15)).await;
    claim(world, scene.segments[1]).await;
    assert!(rescue(world, RescueScope::Expired).await.is_empty());
    world.pass_time(seconds(6)).await;

    let rescued = rescue(world, RescueScope::Expired).await;
    let expected = Rescued {
        segment: first.segment,
        state: SegmentState::Pending,
        worker: "north-1".to_owned(),
    };
    assert_eq!(rescued, [expected]);
    let standing = world.standing(first.segment).await;
    assert_eq!(
        (standing.epoch, standing.crashes),
        (first.standing.epoch.next(), 1)
    );
    assert_eq!(due(world, 9).await, [first.segment]);
    let history = world.ledger().attempts(first.segment).await.unwrap();
    assert_eq!((history.len(), history[0].outcome.as_str()), (1, "crash"));
    assert!(history[0].message.contains("north-1"));
}

pub async fn everything_is_taken_back_on_request(world: &dyn World) {
    let scene = scene(world, 3).await;
    claim_all(world, &scene.segments[..2]).await;
    let rescued: Vec<SegmentId> = rescue(world, RescueScope::All)
        .await
        .into_iter()
        .map(|rescued| rescued.segment)
        .collect();
    assert_eq!(rescued, scene.segments[..2]);
    assert!(rescue(world, RescueScope::All).await.is_empty());
}

pub async fn a_segment_whose_burial_is_refused_is_put_off_and_keeps_no_other_from_being_rescued(
    world: &dyn World,
) {
    let scene = scene(world, 2).await;
    let [doomed, other] = [scene.segments[0], scene.segments[1]];
    for _ in 1..=2 {
        let claim = claim(world, doomed).await;
        if claim.standing.is_suspect() {
            assert!(world.ledger().start(held(&claim)).await.unwrap());
        }
        rescue(world, RescueScope::All).await;
    }
    let last = claim(world, doomed).await;
    assert!(world.ledger().start(held(&last)).await.unwrap());
    claim(world, other).await;
    world.refuse_burials(true).await;

    let rescued = rescue(world, RescueScope::All).await;
    let states: Vec<_> = rescued.iter().map(|rescued| rescued.state).collect();
    assert_eq!(states, [SegmentState::Pending; 2]);
    assert_eq!(due(world, 9).await, [other], "the first one is due much later");
    let standing = world.standing(doomed).await;
    assert_eq!(
        standing.epoch,
        last.standing.epoch.next(),
        "its attempt is fenced off"
    );

    world.refuse_burials(false).await;
    world.pass_time(Timings::default().backoff_cap).await;
    let again = claim(world, doomed).await;
    assert!(world.ledger().start(held(&again)).await.unwrap());
    rescue(world, RescueScope::All).await;
    assert_eq!(world.standing(doomed).await.state, SegmentState::Dead);
}

pub async fn what_is_put_off_is_due_after_its_wait_and_counts_as_nothing(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let claimed = claim(world, segment).await;
    assert!(
        world
            .ledger()
            .postpone(held(&claimed), seconds(900))
            .await
            .unwrap()
    );
    assert!(
        !world
            .ledger()
            .postpone(held(&claimed), seconds(900))
            .await
            .unwrap(),
        "no longer held"
    );
    assert!(due(world, 9).await.is_empty());
    world.pass_time(seconds(900)).await;
    assert_eq!(due(world, 9).await, [segment]);
    let standing = world.standing(segment).await;
    assert_eq!(
        (standing.failures, standing.crashes, standing.waited),
        (0, 0, seconds(0))
    );
}

pub async fn the_third_crash_without_a_page_is_a_crash_loop(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for crash in 1..=3 {
        let claim = claim(world, segment).await;
        if claim.standing.is_suspect() {
            assert!(world.ledger().start(held(&claim)).await.unwrap());
        }
        let expected = if crash == 3 {
            SegmentState::Dead
        } else {
            SegmentState::Pending
        };
        assert_eq!(rescue(world, RescueScope::All).await[0].state, expected);
    }
    let letter = &world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &Listing::newest(10))
        .await
        .unwrap()[0];
    assert_eq!((letter.id, letter.reason), (segment, FailureKind::CrashLoop));
    let history = world.ledger().attempts(segment).await.unwrap();
    assert!(history.len() == 3 && history.iter().all(|attempt| attempt.outcome == "crash"));
}

pub async fn a_crash_after_a_page_is_not_counted(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for number in 1..=4 {
        let claim = claim(world, segment).await;
        store(
            world,
            &page(&claim, number, &[record(&number.to_string(), 1)], NextStep::Page),
        )
        .await;
        assert_eq!(
            rescue(world, RescueScope::All).await[0].state,
            SegmentState::Pending
        );
        assert_eq!(world.standing(segment).await.crashes, 0);
    }
    assert_eq!(
        world.ledger().attempts(segment).await.unwrap().len(),
        4,
        "recorded all the same"
    );
}

pub async fn a_crash_before_a_suspect_has_started_is_not_counted(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for crashes in [1, 2, 2, 2] {
        claim(world, segment).await;
        rescue(world, RescueScope::All).await;
        let standing = world.standing(segment).await;
        assert_eq!(
            (standing.state, standing.crashes),
            (SegmentState::Pending, crashes)
        );
    }
}

pub async fn a_suspect_that_never_starts_is_dead_in_the_end(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for _ in 0..CRASHES + IDLE_CLAIMS {
        assert_eq!(world.standing(segment).await.state, SegmentState::Pending);
        claim(world, segment).await;
        rescue(world, RescueScope::All).await;
    }
    let listing = Listing::newest(10);
    let letters = world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &listing)
        .await;
    assert_eq!(letters.unwrap()[0].reason, FailureKind::NoProgress);
}

pub async fn a_heartbeat_or_a_page_keeps_a_segment_from_being_rescued(world: &dyn World) {
    let scene = scene(world, 2).await;
    let claims = claim_all(world, &scene.segments).await;
    world.pass_time(seconds(15)).await;
    assert!(
        world
            .ledger()
            .heartbeat(&[held(&claims[0])], LEASE)
            .await
            .unwrap()
            .is_empty()
    );
    store(world, &page(&claims[1], 1, &[record("1", 1)], NextStep::Page)).await;
    world.pass_time(seconds(15)).await;
    assert!(rescue(world, RescueScope::Expired).await.is_empty());
    assert_eq!(world.ledger().held_by(&worker("north-1")).await.unwrap().len(), 2);
    world.pass_time(seconds(6)).await;
    assert_eq!(rescue(world, RescueScope::Expired).await.len(), 2);
}
