//! The guard by itself: no record ever goes back.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_ledger::conformance::ordering::{Observation, stories};
use ledgerfleet_ledger::guard::{Stored, Verdict, Version, judge, newest_of_each};
use proptest::prelude::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn version() -> impl Strategy<Value = Version> {
    let known = prop::option::weighted(0.7, 0..4i64);
    (known.clone(), known, 0..6i64, prop::bool::weighted(0.2), 0..3u8).prop_map(
        |(source_version, updated, observed, deleted, hash)| Version {
            source_version,
            source_updated_at: updated.map(at),
            observed_at: at(observed),
            deleted,
            payload_hash: [hash; 32],
        },
    )
}

/// What a ledger that does as the guard says holds after these observations, and what it replaced on the way.
fn store(observations: &[Version]) -> (Option<Stored>, Vec<(Version, Version)>) {
    let (mut stored, mut replaced) = (None::<Stored>, Vec::new());
    for incoming in observations {
        let last_seen = stored.map_or(incoming.observed_at, |stored| {
            stored.last_seen.max(incoming.observed_at)
        });
        match judge(incoming, stored.as_ref()) {
            Verdict::Keep => {}
            Verdict::Note => stored.as_mut().unwrap().last_seen = last_seen,
            Verdict::Store | Verdict::Replace | Verdict::Bury => {
                replaced.extend(stored.map(|stored| (stored.version, *incoming)));
                stored = Some(Stored {
                    version: *incoming,
                    last_seen,
                });
            }
        }
    }
    (stored, replaced)
}

proptest! {
    #[test]
    fn nothing_is_ever_newer_than_itself(version in version()) {
        prop_assert!(!version.is_newer_than(&version));
        let stored = Stored { version, last_seen: version.observed_at };
        prop_assert_eq!(judge(&version, Some(&stored)), Verdict::Keep);
    }

    #[test]
    fn of_two_observations_at_most_one_is_newer(one in version(), other in version()) {
        prop_assert!(!(one.is_newer_than(&other) && other.is_newer_than(&one)));
    }

    #[test]
    fn a_record_is_replaced_by_newer_ones_only(observations in prop::collection::vec(version(), 1..12)) {
        for (before, after) in store(&observations).1 {
            prop_assert!(after.is_newer_than(&before));
            let both_alive = !before.deleted && !after.deleted;
            if let (true, Some(old), Some(new)) = (both_alive, before.source_version, after.source_version) {
                prop_assert!(new >= old, "the source's version went back");
            }
        }
    }

    #[test]
    fn the_last_observation_of_a_source_stands(story in stories()) {
        let of = |seen: &Observation| Version {
            source_version: (!seen.gone).then_some(seen.version),
            source_updated_at: None,
            observed_at: at(seen.minute),
            deleted: seen.gone,
            payload_hash: [u8::try_from(seen.version).unwrap(); 32],
        };
        let arrivals: Vec<Version> = story.arrivals.iter().map(of).collect();
        let last = story.seen.last().map(of).unwrap();
        let stored = store(&arrivals).0.unwrap().version;
        prop_assert!(stored.says_the_same_as(&last), "{stored:?} instead of {last:?}");
    }

    #[test]
    fn storing_everything_a_second_time_changes_nothing_of_a_source_that_knows_its_versions(
        observations in prop::collection::vec((0..4i64, 0..4i64, 0..6i64), 1..12),
    ) {
        let of = |(version, updated, observed): (i64, i64, i64)| Version {
            source_version: Some(version),
            source_updated_at: Some(at(updated)),
            observed_at: at(observed),
            deleted: false,
            payload_hash: [u8::try_from(version * 64 + updated * 8 + observed).unwrap(); 32],
        };
        let observations: Vec<Version> = observations.into_iter().map(of).collect();
        let newest = observations
            .iter()
            .copied()
            .max_by_key(|one| (one.source_version, one.source_updated_at, one.observed_at));
        let (once, _) = store(&observations);
        prop_assert_eq!(once.map(|stored| stored.version), newest);
        let twice: Vec<Version> = observations.iter().chain(observations.iter().rev()).copied().collect();
        prop_assert_eq!(store(&twice).0, once);
    }
}

#[test]
fn a_tombstone_that_comes_late_does_not_bury_what_was_seen_since() {
    let alive = Version {
        source_version: Some(1),
        source_updated_at: None,
        observed_at: at(0),
        deleted: false,
        payload_hash: [1; 32],
    };
    let gone = |minute| Version {
        observed_at: at(minute),
        deleted: true,
        ..alive
    };
    let stored = Stored {
        version: alive,
        last_seen: at(3000),
    };
    assert_eq!(judge(&gone(2999), Some(&stored)), Verdict::Keep);
    assert_eq!(judge(&gone(3001), Some(&stored)), Verdict::Bury);
    assert_eq!(judge(&gone(1), None), Verdict::Store);
}

#[test]
fn a_page_is_deduplicated_and_in_the_order_of_ids() {
    use ledgerfleet_ledger::conformance::scene::record;
    let page = [
        record("b", 1),
        record("a", 2),
        record("b", 3),
        record("a", 1),
        record("b", 2),
    ];
    let kept = newest_of_each(&page, at(0));
    let told: Vec<_> = kept
        .iter()
        .map(|record| (record.id.as_str(), record.source_version))
        .collect();
    assert_eq!(told, [("a", Some(2)), ("b", Some(3))]);
}
