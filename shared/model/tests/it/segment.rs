use std::time::Duration;

use ledgerfleet_model::segment::{CRASHES, Event, IDLE_CLAIMS, Settlement};
use ledgerfleet_model::{Epoch, Failure, FailureKind, Outcome, SegmentId, SegmentState, Standing, Timings};
use proptest::prelude::*;

fn on(standing: Standing, events: &[Event]) -> Standing {
    events.iter().fold(standing, |standing, event| {
        standing
            .on(*event, &Timings::default())
            .unwrap_or_else(|refused| panic!("{refused}"))
    })
}

fn crash() -> [Event; 2] {
    [Event::Claim, Event::Rescue]
}

#[test]
fn five_failures_are_retried_and_the_sixth_is_the_last() {
    let mut standing = Standing::NEW;
    for failure in 1..=5 {
        standing = on(standing, &[Event::Claim, Event::Retry]);
        assert_eq!(
            (standing.state, standing.failures),
            (SegmentState::Pending, failure)
        );
    }
    assert_eq!(
        on(standing, &[Event::Claim, Event::Retry]).state,
        SegmentState::Dead
    );
}

#[test]
fn a_committed_page_forgives_failures_and_crashes() {
    let standing = on(
        Standing::NEW,
        &[
            Event::Claim,
            Event::Retry,
            Event::Claim,
            Event::Rescue,
            Event::Claim,
        ],
    );
    assert_eq!((standing.failures, standing.crashes), (1, 1));
    let standing = on(standing, &[Event::Page]);
    assert_eq!((standing.failures, standing.crashes), (0, 0));
    assert_eq!(
        on(standing, &[Event::Rescue]).crashes,
        0,
        "an attempt that committed a page did not crash"
    );
}

#[test]
fn after_two_crashes_a_segment_is_a_suspect_and_the_third_kills_it_once_it_has_begun_alone() {
    let suspect = on(on(Standing::NEW, &crash()), &crash());
    assert!(suspect.is_suspect());
    let unbegun = on(suspect, &crash());
    assert_eq!((unbegun.state, unbegun.crashes), (SegmentState::Pending, CRASHES));
    assert_eq!(
        on(suspect, &[Event::Claim, Event::Start, Event::Rescue]).state,
        SegmentState::Dead
    );
}

#[test]
fn waiting_is_no_failure_until_it_sums_to_a_day() {
    let hour = Duration::from_hours(1);
    let mut standing = Standing::NEW;
    for _ in 0..24 {
        standing = on(standing, &[Event::Claim, Event::Later(hour)]);
        assert_eq!((standing.state, standing.failures), (SegmentState::Pending, 0));
    }
    assert_eq!(
        on(standing, &[Event::Claim, Event::Later(hour)]).state,
        SegmentState::Dead
    );
}

#[test]
fn a_wait_that_the_upstream_asked_for_is_obeyed_however_long_it_is() {
    let day = Duration::from_hours(24);
    let mut standing = Standing::NEW;
    for _ in 0..7 {
        standing = on(standing, &[Event::Claim, Event::Later(day)]);
        assert_eq!(standing.state, SegmentState::Pending);
    }
}

#[test]
fn a_segment_that_is_given_back_again_and_again_is_dead() {
    let mut standing = Standing::NEW;
    for _ in 1..IDLE_CLAIMS {
        standing = on(standing, &[Event::Claim, Event::HandBack]);
        assert_eq!(standing.state, SegmentState::Pending);
    }
    let dead = on(standing, &[Event::Claim, Event::HandBack]);
    assert_eq!(dead.state, SegmentState::Dead);
    for forgiving in [Event::Page, Event::Retry, Event::Later(Duration::ZERO)] {
        assert_eq!(
            on(standing, &[Event::Claim, forgiving]).idle_claims,
            0,
            "{forgiving:?}"
        );
    }
}

#[test]
fn a_replayed_segment_begins_anew_under_its_old_fence() {
    let dead = on(
        Standing::NEW,
        &[Event::Claim, Event::Retry, Event::Claim, Event::Dead],
    );
    let replayed = on(dead, &[Event::Replay]);
    assert_eq!(
        replayed,
        Standing {
            epoch: dead.epoch,
            ..Standing::NEW
        }
    );
}

#[test]
fn what_a_stopped_replay_withdraws_is_dead_again_under_its_old_fence() {
    let dead = on(Standing::NEW, &[Event::Claim, Event::Dead]);
    assert_eq!(on(dead, &[Event::Replay, Event::Withdraw]), dead_anew(dead.epoch));
    for state in [
        SegmentState::Running,
        SegmentState::Done,
        SegmentState::Dead,
        SegmentState::Cancelled,
    ] {
        let elsewhere = Standing {
            state,
            ..Standing::NEW
        };
        assert!(
            elsewhere.on(Event::Withdraw, &Timings::default()).is_err(),
            "{state}"
        );
    }
}

/// Dead with nothing held against it.
fn dead_anew(epoch: Epoch) -> Standing {
    Standing {
        state: SegmentState::Dead,
        epoch,
        ..Standing::NEW
    }
}

#[test]
fn a_settlement_says_what_outcome_and_counters_make_of_a_failure() {
    let timings = Timings::default();
    let running = on(Standing::NEW, &[Event::Claim]);
    let settle = |standing, outcome: &Outcome| {
        let failure = Failure::new(FailureKind::Network, "the connection broke");
        Settlement::of(SegmentId::new(), standing, outcome, failure, &timings)
    };
    let retry = settle(
        running,
        &Outcome::Retry {
            wait: Duration::from_secs(7),
        },
    )
    .unwrap();
    assert_eq!(
        (retry.after().state, retry.wait()),
        (SegmentState::Pending, Duration::from_secs(7))
    );
    let last = Standing {
        failures: 5,
        ..running
    };
    let dead = settle(last, &Outcome::Retry { wait: Duration::ZERO }).unwrap();
    assert_eq!(dead.after().state, SegmentState::Dead);
    assert_eq!(dead.failure().unwrap().kind, FailureKind::Network);
    let waited = Standing {
        waited: timings.waiting_cap,
        ..running
    };
    let dead = settle(
        waited,
        &Outcome::Later {
            wait: Duration::from_secs(1),
        },
    )
    .unwrap();
    assert_eq!(dead.failure().unwrap().kind, FailureKind::WaitedTooLong);
    let back = settle(running, &Outcome::HandBack).unwrap();
    assert_eq!(
        (back.after(), back.failure()),
        (
            Standing {
                state: SegmentState::Pending,
                ..running
            },
            None
        )
    );
    assert!(
        settle(Standing::NEW, &Outcome::Dead).is_err(),
        "what is not running cannot be settled"
    );
}

#[test]
fn waiting_for_calls_is_no_reason_to_give_up_however_often_it_happens() {
    let timings = Timings::default();
    let wait = Duration::from_hours(1);
    let mut standing = Standing::NEW;
    for kind in [FailureKind::Budget, FailureKind::Throttled] {
        for _ in 0..100 {
            let running = standing.on(Event::Claim, &timings).unwrap();
            let failure = Failure::new(kind, "later");
            let settled = Settlement::of(
                SegmentId::new(),
                running,
                &Outcome::Later { wait },
                failure,
                &timings,
            );
            let settled = settled.unwrap();
            assert_eq!(settled.wait(), wait);
            standing = settled.after();
            if standing.state == SegmentState::Dead {
                break;
            }
        }
        let is_dead = standing.state == SegmentState::Dead;
        assert_eq!(is_dead, kind == FailureKind::Throttled, "{kind}: {standing:?}");
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Claim),
        2 => Just(Event::Start),
        2 => Just(Event::Page),
        1 => Just(Event::Finish),
        2 => (0..50_000u64).prop_map(|seconds| Event::Later(Duration::from_secs(seconds))),
        4 => Just(Event::Retry),
        1 => Just(Event::Dead),
        2 => Just(Event::HandBack),
        3 => Just(Event::Rescue),
        2 => Just(Event::Replay),
        1 => Just(Event::Cancel),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_events_leaves_the_state_machine(events in proptest::collection::vec(any_event(), 0..80)) {
        let timings = Timings::default();
        let mut standing = Standing::NEW;
        for event in events {
            let Ok(next) = standing.on(event, &timings) else { continue };
            let owned_before = standing.state == SegmentState::Running;
            prop_assert!(next.epoch >= standing.epoch, "the fence never falls");
            prop_assert!(next.failures <= 6 && next.crashes <= 3, "counters are bounded");
            prop_assert!(!matches!(standing.state, SegmentState::Done | SegmentState::Cancelled), "ends are final");
            if next.state == SegmentState::Running && !owned_before {
                prop_assert!(next.epoch > standing.epoch, "a new owner has a new fence");
            }
            if owned_before && matches!(event, Event::Rescue | Event::Cancel) {
                prop_assert!(next.epoch > standing.epoch, "who is taken from is fenced off");
            }
            prop_assert!(next.waited <= timings.waiting_cap || next.state == SegmentState::Dead || next.state == SegmentState::Cancelled);
            standing = next;
        }
    }
}
