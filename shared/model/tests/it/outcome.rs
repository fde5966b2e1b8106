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
                Kind::LedgerUnavailable,
                Kind::CoordinationUnavailable,
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
