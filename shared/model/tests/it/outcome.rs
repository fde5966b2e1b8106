use std::time::Duration;

use ledgerfleet_model::outcome::outcome;
use ledgerfleet_model::{Failure, FailureKind, Outcome, Timings};
use rand::SeedableRng;
use rand::rngs::StdRng;

fn of(failure: &Failure) -> Outcome {
    outcome(failure, 0, &Timings::default(), &mut StdRng::seed_from_u64(7))
}

fn word(kind: FailureKind) -> &'static str {
    match of(&Failure::new(kind, "")) {
        Outcome::Later { .. } => "later",
        Outcome::Retry { .. } => "retry",
        Outcome::Dead => "dead",
        Outcome::HandBack => "hand back",
    }
}

#[test]
fn a_row_that_cannot_be_served_is_tried_again_where_the_upstream_says_that_the_trouble_is_its_own() {
    let timings = Timings::default();
    for (status, is_tried_again) in [(Some(500), true), (Some(400), false), (None, false)] {
        let failure = Failure {
            status,
            ..Failure::new(FailureKind::Unservable, "one of them")
        };
        let outcome = outcome(&failure, 0, &timings, &mut rand::rng());
        assert_eq!(
            matches!(outcome, Outcome::Retry { .. }),
            is_tried_again,
            "{status:?}"
        );
    }
}

#[test]
fn every_kind_of_failure_has_the_outcome_of_the_table() {
    use FailureKind as Kind;
    let table: &[(&str, &[Kind])] = &[
        (
            "hand back",
            &[Kind::Shutdown, Kind::NeedsReauthorisation, Kind::WrongMasterKey],
        ),
        (
            "later",
            &[
                Kind::Throttled,
                Kind::GateBusy,
                Kind::LockBusy,
                Kind::Braked,
                Kind::Budget,
                Kind::LedgerUnavailable,
                Kind::CoordinationUnavailable,
                Kind::WrongAppKeys,
            ],
        ),
        (
            "retry",
            &[
                Kind::Network,
                Kind::Timeout,
                Kind::UpstreamError,
                Kind::Truncated,
                Kind::UnexpectedContent,
                Kind::Unauthorised,
                Kind::Panicked,
                Kind::Stalled,
                Kind::LedgerRefused,
                Kind::UpstreamChanged,
                Kind::NotInPlan,
            ],
        ),
        (
            "dead",
            &[
                Kind::BadRequest,
                Kind::NotFound,
                Kind::Forbidden,
                Kind::Malformed,
                Kind::TooLarge,
                Kind::Unservable,
                Kind::Unstable,
                Kind::CrashLoop,
                Kind::WaitedTooLong,
                Kind::NoProgress,
            ],
        ),
    ];
    let mut seen = 0;
    for (expected, kinds) in table {
        for kind in *kinds {
            assert_eq!(word(*kind), *expected, "{kind}");
            seen += 1;
        }
    }
    assert_eq!(seen, FailureKind::ALL.len(), "the table names every kind");
}

#[test]
fn throttling_waits_as_long_as_the_upstream_asked() {
    let asked = Duration::from_secs(42);
    let failure = Failure {
        retry_after: Some(asked),
        ..Failure::new(FailureKind::Throttled, "too many")
    };
    assert_eq!(of(&failure), Outcome::Later { wait: asked });
}

#[test]
fn those_who_wait_for_one_thing_do_not_return_as_one() {
    let mut rng = StdRng::seed_from_u64(1);
    let failure = Failure::new(FailureKind::LedgerUnavailable, "");
    let waits: std::collections::BTreeSet<Duration> = (0..100)
        .filter_map(|_| match outcome(&failure, 0, &Timings::default(), &mut rng) {
            Outcome::Later { wait } => Some(wait),
            _ => None,
        })
        .collect();
    assert!(waits.len() > 90);
}

/// The shortest and the longest of a thousand waits after a failure that had so many before it.
fn waits(failure: &Failure, failures: u32) -> (Duration, Duration) {
    let mut rng = StdRng::seed_from_u64(3);
    let waits: Vec<Duration> = (0..1_000)
        .filter_map(
            |_| match outcome(failure, failures, &Timings::default(), &mut rng) {
                Outcome::Later { wait } | Outcome::Retry { wait } => Some(wait),
                _ => None,
            },
        )
        .collect();
    (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
}

#[test]
fn each_failure_doubles_what_the_next_may_wait_from_the_base_on() {
    let base = Timings::default().backoff_base;
    let own_trouble = Failure {
        status: Some(500),
        ..Failure::new(FailureKind::Unservable, "one of them")
    };
    for failure in [Failure::new(FailureKind::Network, ""), own_trouble] {
        for failures in 0..4 {
            let most = base * 2_u32.pow(failures);
            let (_, longest) = waits(&failure, failures);
            assert!(
                longest <= most && longest > most.mul_f64(0.9),
                "{:?} after {failures}: {longest:?} of {most:?}",
                failure.kind
            );
        }
    }
}

#[test]
fn who_waits_for_others_waits_between_half_and_one_and_a_half_of_the_usual_time() {
    let timings = Timings::default();
    for (kind, usual) in [
        (FailureKind::GateBusy, timings.backoff_base),
        (FailureKind::Braked, timings.backoff_base),
        (FailureKind::LockBusy, timings.lock_renewal),
    ] {
        let (shortest, longest) = waits(&Failure::new(kind, ""), 0);
        let (half, most) = (usual / 2, usual * 3 / 2);
        assert!(
            shortest >= half && shortest < half.mul_f64(1.1),
            "{kind}: {shortest:?}"
        );
        assert!(
            longest <= most && longest > most.mul_f64(0.9),
            "{kind}: {longest:?}"
        );
    }
}
