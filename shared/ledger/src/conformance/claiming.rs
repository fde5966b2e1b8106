//! Claims, heartbeats, and giving back.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use ledgerfleet_model::segment::IDLE_CLAIMS;
use ledgerfleet_model::{Epoch, FailureKind, Lane, SegmentId, SegmentState};

use super::World;
use super::scene::{
    LEASE, about, claim, claim_all, due, held, later, page, record, retry, scene, seconds, settle, store,
    window, worker,
};
use crate::{DeadLetterFilter, Held, Listing, NextStep, ReplayRequest, RescueScope};

pub async fn a_claim_answers_all_that_a_worker_needs(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    assert_eq!(
        (claim.segment, claim.run, claim.connection),
        (scene.segments[0], scene.run, scene.connection)
    );
    assert_eq!(
        (claim.entity.as_str(), claim.lane, claim.work),
        ("invoice", Lane::Backfill, window(0).into())
    );
    assert_eq!(
        (claim.page_size, claim.pass, claim.page, claim.attempt),
        (1000, 1, 0, 1)
    );
    assert_eq!(
        (claim.standing.state, claim.standing.epoch),
        (SegmentState::Running, Epoch(1))
    );
    assert!(claim.standing.started && !claim.standing.progressed);
    let submitted = world.ledger().run(scene.run).await.unwrap().unwrap().created_at;
    assert!(about(claim.claimed_at, submitted), "by the ledger's clock");
    assert!(
        claim
            .trace_context
            .is_some_and(|context| context.starts_with("trace of "))
    );
}

pub async fn every_claim_tells_when_the_first_one_was(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let first = claim(world, segment).await;
    assert_eq!(first.first_claimed_at, first.claimed_at);
    world.ledger().hand_back(&[held(&first)]).await.unwrap();
    world.pass_time(Duration::from_hours(100)).await;
    let second = claim(world, segment).await;
    let between = second.claimed_at - second.first_claimed_at;
    assert!(
        (TimeDelta::hours(100)..TimeDelta::hours(101)).contains(&between),
        "{between}"
    );
}

pub async fn claims_come_in_the_order_of_their_ids(world: &dyn World) {
    let scene = scene(world, 6).await;
    let mut asked = scene.segments.clone();
    asked.reverse();
    asked.insert(2, SegmentId::new());
    let claimed: Vec<SegmentId> = claim_all(world, &asked)
        .await
        .iter()
        .map(|claim| claim.segment)
        .collect();
    asked.remove(2);
    assert_eq!(claimed, asked);
    assert!(claim_all(world, &[]).await.is_empty());
}

pub async fn a_segment_is_claimed_by_one_worker_only(world: &dyn World) {
    let scene = scene(world, 50).await;
    let workers = (0..4)
        .map(|number| worker(&format!("north-{number}")))
        .collect::<Vec<_>>();
    let claims = workers
        .iter()
        .map(|worker| world.ledger().claim(&scene.segments, worker, LEASE));
    let answers = futures::future::join_all(claims).await;
    let all: Vec<SegmentId> = answers
        .into_iter()
        .flat_map(|answer| answer.unwrap())
        .map(|claim| claim.segment)
        .collect();
    assert_eq!(all.len(), 50);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 50);
    assert!(due(world, 9).await.is_empty());
}

pub async fn every_claim_raises_the_fence(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for number in 1..=3 {
        let claim = claim(world, segment).await;
        assert_eq!(
            (claim.standing.epoch, claim.attempt),
            (Epoch(number.into()), number)
        );
        world.ledger().hand_back(&[held(&claim)]).await.unwrap();
    }
}

pub async fn a_heartbeat_tells_what_is_lost(world: &dyn World) {
    let scene = scene(world, 3).await;
    let claims = claim_all(world, &scene.segments).await;
    let all: Vec<Held> = claims.iter().map(held).collect();
    assert!(world.ledger().heartbeat(&all, LEASE).await.unwrap().is_empty());

    settle(world, &claims[0], &later(seconds(0)), FailureKind::Throttled).await;
    let older = Held {
        epoch: Epoch(0),
        ..all[1]
    };
    let unknown = Held {
        segment: SegmentId::new(),
        epoch: Epoch(1),
    };
    let asked = [all[0], older, all[1], unknown, all[2]];
    assert_eq!(
        world.ledger().heartbeat(&asked, LEASE).await.unwrap(),
        [all[0], older, unknown]
    );
    assert!(world.ledger().heartbeat(&[], LEASE).await.unwrap().is_empty());
}

pub async fn what_is_handed_back_is_due_at_once_and_counts_as_nothing(world: &dyn World) {
    let scene = scene(world, 3).await;
    let first = claim(world, scene.segments[0]).await;
    settle(world, &first, &retry(seconds(0)), FailureKind::Network).await;
    let claims = claim_all(world, &scene.segments).await;
    let before = world.standing(scene.segments[0]).await;
    let mut back: Vec<Held> = claims[..2].iter().map(held).collect();
    back.push(Held {
        epoch: Epoch(7),
        ..held(&claims[2])
    });

    assert_eq!(world.ledger().hand_back(&back).await.unwrap(), 2);
    assert_eq!(world.ledger().hand_back(&back).await.unwrap(), 0);
    assert_eq!(world.ledger().hand_back(&[]).await.unwrap(), 0);
    let after = world.standing(scene.segments[0]).await;
    assert_eq!(
        after,
        ledgerfleet_model::Standing {
            state: SegmentState::Pending,
            ..before
        }
    );
    assert_eq!(due(world, 9).await.len(), 2);
    assert_eq!(world.ledger().attempts(scene.segments[1]).await.unwrap().len(), 0);
}

/// Claims a segment and gives it back, so often.
async fn claim_in_vain(world: &dyn World, segment: SegmentId, times: u32) {
    for _ in 0..times {
        let claim = claim(world, segment).await;
        assert_eq!(world.ledger().hand_back(&[held(&claim)]).await.unwrap(), 1);
    }
}

pub async fn what_is_claimed_again_and_again_in_vain_is_dead(world: &dyn World) {
    let scene = scene(world, 2).await;
    let segment = scene.segments[0];
    claim_in_vain(world, segment, IDLE_CLAIMS - 1).await;
    assert_eq!(world.standing(segment).await.state, SegmentState::Pending);
    let claims = claim_all(world, &scene.segments).await;
    let both = [held(&claims[0]), held(&claims[1])];
    assert_eq!(world.ledger().hand_back(&both).await.unwrap(), 2);
    assert_eq!(world.standing(segment).await.state, SegmentState::Dead);
    assert_eq!(
        world.standing(scene.segments[1]).await.state,
        SegmentState::Pending,
        "only that one"
    );
    let listing = Listing::newest(10);
    let letters = world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &listing)
        .await;
    let letter = &letters.unwrap()[0];
    assert_eq!((letter.id, letter.reason), (segment, FailureKind::NoProgress));
    assert!(letter.message.contains("50 times") && letter.message.contains("north-1"));
    let history = world.ledger().attempts(segment).await.unwrap();
    assert_eq!((history.len(), history[0].outcome.as_str()), (1, "dead"));

    world.ledger().replay(&ReplayRequest::default()).await.unwrap();
    assert_eq!(
        world.standing(segment).await.idle_claims,
        0,
        "a replay begins anew"
    );
}

pub async fn a_page_a_failure_and_a_wait_begin_the_count_of_vain_claims_anew(world: &dyn World) {
    let scene = scene(world, 3).await;
    for (segment, outcome) in
        scene
            .segments
            .iter()
            .zip([Some(retry(seconds(0))), Some(later(seconds(0))), None])
    {
        claim_in_vain(world, *segment, IDLE_CLAIMS - 1).await;
        let claim = claim(world, *segment).await;
        if let Some(outcome) = outcome {
            settle(world, &claim, &outcome, FailureKind::GateBusy).await;
        } else {
            store(world, &page(&claim, 1, &[record("1", 1)], NextStep::Page)).await;
            world.ledger().hand_back(&[held(&claim)]).await.unwrap();
        }
        let standing = world.standing(*segment).await;
        assert_eq!((standing.state, standing.idle_claims), (SegmentState::Pending, 0));
        claim_in_vain(world, *segment, IDLE_CLAIMS - 1).await;
        assert_eq!(world.standing(*segment).await.state, SegmentState::Pending);
    }
}

pub async fn a_worker_learns_what_it_holds(world: &dyn World) {
    let scene = scene(world, 3).await;
    let claims = claim_all(world, &scene.segments[..2]).await;
    world
        .ledger()
        .claim(&scene.segments[2..], &worker("south-1"), LEASE)
        .await
        .unwrap();
    let mut held_by_north = world.ledger().held_by(&worker("north-1")).await.unwrap();
    held_by_north.sort_by_key(|held| held.segment);
    assert_eq!(held_by_north, [held(&claims[0]), held(&claims[1])]);
    world.ledger().hand_back(&held_by_north).await.unwrap();
    assert!(
        world
            .ledger()
            .held_by(&worker("north-1"))
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_suspect_has_not_started_before_it_says_so(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for _ in 0..2 {
        claim(world, segment).await;
        world
            .ledger()
            .rescue(RescueScope::All, &ledgerfleet_model::Timings::default())
            .await
            .unwrap();
    }
    let suspect = claim(world, segment).await;
    assert!(suspect.standing.is_suspect() && !suspect.standing.started);
    let older = Held {
        epoch: Epoch(1),
        ..held(&suspect)
    };
    assert!(!world.ledger().start(older).await.unwrap());
    assert!(!world.standing(segment).await.started);
    assert!(world.ledger().start(held(&suspect)).await.unwrap());
    assert!(world.standing(segment).await.started);
}
