//! How attempts end that did not finish.

use ledgerfleet_model::segment::{Settlement, WAITS};
use ledgerfleet_model::{FailureKind, Outcome, SegmentState, Timings};

use super::World;
use super::scene::{
    about, claim, claim_all, due, failure, held, later, only_page, page, record, records, retry, scene,
    seconds, settle,
};
use crate::{Committed, DeadLetterFilter, Effort, Listing, NextStep, RescueScope, Settled};

pub async fn a_wait_is_due_later_and_counts_as_waiting(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let claim = claim(world, segment).await;
    settle(world, &claim, &later(seconds(30)), FailureKind::Throttled).await;
    let standing = world.standing(segment).await;
    assert_eq!(
        (standing.state, standing.waited),
        (SegmentState::Pending, seconds(30))
    );
    assert_eq!(
        (standing.failures, standing.crashes, standing.epoch),
        (0, 0, claim.standing.epoch)
    );
    assert!(due(world, 9).await.is_empty());
    world.pass_time(seconds(31)).await;
    assert_eq!(due(world, 9).await, [segment]);
}

pub async fn a_failure_is_due_later_and_the_sixth_is_the_last(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    for failures in 1..=6 {
        let claim = claim(world, segment).await;
        settle(world, &claim, &retry(seconds(10)), FailureKind::UpstreamError).await;
        let standing = world.standing(segment).await;
        let expected = if failures == 6 {
            SegmentState::Dead
        } else {
            SegmentState::Pending
        };
        assert_eq!((standing.state, standing.failures), (expected, failures));
        assert!(due(world, 9).await.is_empty());
        world.pass_time(seconds(11)).await;
    }
    let history = world.ledger().attempts(segment).await.unwrap();
    let outcomes: Vec<&str> = history.iter().map(|attempt| attempt.outcome.as_str()).collect();
    assert_eq!(outcomes, ["retry", "retry", "retry", "retry", "retry", "dead"]);
    let numbers: Vec<u32> = history.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert!(
        history
            .windows(2)
            .all(|pair| pair[0].ended_at <= pair[1].started_at)
    );
}

pub async fn what_cannot_succeed_is_dead_with_a_reason(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let claim = claim(world, segment).await;
    let failure = ledgerfleet_model::Failure {
        request: Some("SELECT * FROM Invoice".to_owned()),
        status: Some(400),
        upstream_code: Some("4001".to_owned()),
        transaction_id: Some("1-65f3".to_owned()),
        ..failure(FailureKind::BadRequest)
    };
    let settlement = Settlement::of(
        segment,
        claim.standing,
        &Outcome::Dead,
        failure.clone(),
        &Timings::default(),
    );
    world
        .ledger()
        .settle(&settlement.unwrap(), &Effort::default())
        .await
        .unwrap();

    let letter = &world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &Listing::newest(10))
        .await
        .unwrap()[0];
    assert_eq!(
        (letter.id, letter.reason, &letter.message),
        (segment, failure.kind, &failure.message)
    );
    assert_eq!(
        (&letter.fingerprint, letter.attempts),
        (&failure.fingerprint("invoice"), 1)
    );
    assert!(about(letter.died_at, claim.claimed_at));
    let attempt = &world.ledger().attempts(segment).await.unwrap()[0];
    assert_eq!(
        (attempt.outcome.as_str(), attempt.reason.as_str()),
        ("dead", "bad_request")
    );
    assert_eq!(
        (attempt.worker.as_str(), attempt.started_at),
        ("north-1", claim.claimed_at)
    );
    assert_eq!(
        (&attempt.request, attempt.status),
        (&failure.request, failure.status)
    );
    assert_eq!(
        (&attempt.upstream_code, &attempt.transaction_id),
        (&failure.upstream_code, &failure.transaction_id)
    );
    assert!(claim_all(world, &[segment]).await.is_empty());
}

pub async fn waiting_too_long_is_death(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    // However long the upstream asks to wait: it is obeyed, and each wait counts with an hour at most.
    for _ in 0..=WAITS {
        assert_eq!(world.standing(segment).await.state, SegmentState::Pending);
        let claim = claim(world, segment).await;
        settle(world, &claim, &later(seconds(25 * 3600)), FailureKind::Throttled).await;
        world.pass_time(seconds(25 * 3600)).await;
    }
    let letter = &world
        .ledger()
        .dead_letters(&DeadLetterFilter::default(), &Listing::newest(10))
        .await
        .unwrap()[0];
    assert_eq!((letter.id, letter.reason), (segment, FailureKind::WaitedTooLong));
}

pub async fn waits_for_one_reason_share_a_row_of_history(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let story = [
        (later(seconds(10)), FailureKind::Throttled),
        (later(seconds(5)), FailureKind::Throttled),
        (later(seconds(1)), FailureKind::LockBusy),
        (later(seconds(2)), FailureKind::Throttled),
        (retry(seconds(3)), FailureKind::Network),
        (retry(seconds(3)), FailureKind::Network),
        (later(seconds(4)), FailureKind::Throttled),
        (retry(seconds(5)), FailureKind::Throttled),
        (later(seconds(6)), FailureKind::Throttled),
    ];
    for (outcome, kind) in story {
        let claim = claim(world, segment).await;
        settle(world, &claim, &outcome, kind).await;
        world.pass_time(seconds(11)).await;
    }
    let history = world.ledger().attempts(segment).await.unwrap();
    let rows: Vec<(u32, &str, &str, u32, u32)> = history
        .iter()
        .map(|row| {
            let millis = std::time::Duration::from_secs_f64(row.waited_seconds).as_millis();
            (
                row.attempt,
                row.outcome.as_str(),
                row.reason.as_str(),
                row.times,
                millis.try_into().unwrap(),
            )
        })
        .collect();
    let expected = [
        (1, "later", "throttled", 2, 15_000),
        (3, "later", "lock_busy", 1, 1_000),
        (4, "later", "throttled", 1, 2_000),
        (5, "retry", "network", 1, 3_000),
        (6, "retry", "network", 1, 3_000),
        (7, "later", "throttled", 1, 4_000),
        (8, "retry", "throttled", 1, 5_000),
        (9, "later", "throttled", 1, 6_000),
    ];
    assert_eq!(rows, expected);
    assert!(history[0].ended_at > history[0].started_at + chrono::TimeDelta::seconds(10));
}

pub async fn a_settlement_counts_its_calls(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let settlement = Settlement::of(
        claim.segment,
        claim.standing,
        &retry(seconds(0)),
        failure(FailureKind::Timeout),
        &Timings::default(),
    );
    world
        .ledger()
        .settle(
            &settlement.unwrap(),
            &Effort {
                calls: 3,
                ..Effort::default()
            },
        )
        .await
        .unwrap();
    super::scene::finish(world, claim.segment, &[]).await;
    assert_eq!(world.ledger().run(scene.run).await.unwrap().unwrap().calls, 4);
}

pub async fn whoever_lost_the_fence_writes_nothing(world: &dyn World) {
    let scene = scene(world, 1).await;
    let segment = scene.segments[0];
    let zombie = claim(world, segment).await;
    world
        .ledger()
        .rescue(RescueScope::All, &Timings::default())
        .await
        .unwrap();
    let owner = claim(world, segment).await;
    let standing = world.standing(segment).await;
    let history = world.ledger().attempts(segment).await.unwrap().len();
    let before = serde_json::to_value(world.ledger().run(scene.run).await.unwrap().unwrap()).unwrap();

    let read = [record("1", 1)];
    for next in [NextStep::Page, NextStep::Pass] {
        let commit = page(&zombie, 1, &read, next);
        assert_eq!(
            world.ledger().commit_page(&commit).await.unwrap(),
            Committed::Fenced
        );
    }
    let commit = only_page(&zombie, &read);
    assert_eq!(
        world.ledger().commit_page(&commit).await.unwrap(),
        Committed::Fenced
    );
    for outcome in [
        later(seconds(9)),
        retry(seconds(9)),
        Outcome::Dead,
        Outcome::HandBack,
    ] {
        assert_eq!(
            settle(world, &zombie, &outcome, FailureKind::Network).await,
            Settled::Fenced
        );
    }
    assert!(!world.ledger().start(held(&zombie)).await.unwrap());
    assert_eq!(world.ledger().hand_back(&[held(&zombie)]).await.unwrap(), 0);
    assert_eq!(
        world
            .ledger()
            .heartbeat(&[held(&zombie)], seconds(900))
            .await
            .unwrap(),
        [held(&zombie)]
    );

    assert_eq!(world.standing(segment).await, standing);
    assert_eq!(world.ledger().attempts(segment).await.unwrap().len(), history);
    assert!(records(world, scene.connection).await.is_empty());
    let mut after = serde_json::to_value(world.ledger().run(scene.run).await.unwrap().unwrap()).unwrap();
    after["seconds"] = before["seconds"].clone();
    assert_eq!(after, before);
    assert_eq!(
        settle(world, &owner, &retry(seconds(0)), FailureKind::Network).await,
        Settled::Settled
    );
}
