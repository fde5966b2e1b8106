//! The records when observations of one source arrive in any order.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_model::{Record, RunId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::World;
use super::scene::{TABLE, claim, page, record, scene, store, tombstone};
use crate::guard::{Stored, Verdict, Version, judge};
use crate::{Claim, Effects, NextStep, PageCommit, RecordFilter};

/// What a source shows of one record at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    pub minute: i64,
    pub version: i64,
    pub gone: bool,
}

/// What a source shows of a record over time, and the same in the order of its arrival.
#[derive(Debug, Clone)]
pub struct Story {
    pub seen: Vec<Observation>,
    pub arrivals: Vec<Observation>,
}

/// Stories of a source that does not go back: a record changes, may be deleted, and may come back, changed.
pub fn stories() -> impl Strategy<Value = Story> {
    let lives = (rises(0..4), 0..3usize, rises(0..4));
    let seen = lives.prop_map(|(first, gone, second)| {
        let alive = first.iter().map(|rise| (*rise, false));
        let missing = (0..gone).map(|_| (0, true));
        let back = second
            .iter()
            .enumerate()
            .map(|(place, rise)| (rise + i64::from(place == 0), false));
        let mut version = 0;
        let mut observed = |(minute, (rise, gone))| {
            version += rise;
            Observation {
                minute,
                version,
                gone,
            }
        };
        (0..)
            .zip(alive.chain(missing).chain(back))
            .map(&mut observed)
            .collect::<Vec<_>>()
    });
    let not_empty = seen.prop_filter("something is seen", |seen| !seen.is_empty());
    not_empty.prop_flat_map(|seen| {
        (Just(seen.clone()), Just(seen).prop_shuffle()).prop_map(|(seen, arrivals)| Story { seen, arrivals })
    })
}

fn rises(times: std::ops::Range<usize>) -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(0..3i64, times)
}

/// Whatever the order in which observations arrive, the last one stands.
pub async fn the_last_observation_stands_whatever_the_order_of_arrival(world: &dyn World) {
    let claim = claim(world, scene(world, 1).await.segments[0]).await;
    let handle = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let told = tokio::task::block_in_place(|| {
        runner.run(&stories(), |story| {
            handle.block_on(play(world, &claim, &story));
            Ok(())
        })
    });
    told.unwrap();
}

async fn play(world: &dyn World, claim: &Claim, story: &Story) {
    let id = RunId::new().to_string();
    for seen in &story.arrivals {
        let shown: [Record; 1] = [if seen.gone {
            tombstone(&id)
        } else {
            record(&id, seen.version)
        }];
        let observed_at = claim.claimed_at - TimeDelta::days(3) + TimeDelta::minutes(seen.minute);
        store(
            world,
            &PageCommit {
                observed_at,
                ..page(claim, 1, &shown, NextStep::Page)
            },
        )
        .await;
    }
    let filter = RecordFilter {
        connection: claim.connection,
        table: TABLE.to_owned(),
        id: Some(id),
        from: None,
        to: None,
        limit: 1,
    };
    let stored = &world.ledger().records(&filter).await.unwrap()[0];
    let last = story.seen.last().unwrap();
    assert_eq!(stored.deleted_at.is_some(), last.gone, "{story:?}");
    if !last.gone {
        assert_eq!(stored.source_version, Some(last.version), "{story:?}");
    }
}

/// A record as one observation may show it, of which little or much is known.
#[derive(Debug, Clone, Copy)]
struct Sight {
    version: Option<i64>,
    updated: Option<i64>,
    minute: i64,
    gone: bool,
    text: u8,
}

fn sights() -> impl Strategy<Value = Vec<Sight>> {
    let known = prop::option::weighted(0.7, 0..4i64);
    // Some days apart, so that what is seen again is sometimes noted.
    let minute = prop_oneof![0..4i64, 1440..1444i64, 2880..2884i64];
    let sight = (known.clone(), known, minute, prop::bool::weighted(0.25), 0..3u8);
    let sight = sight.prop_map(|(version, updated, minute, gone, text)| Sight {
        version,
        updated,
        minute,
        gone,
        text,
    });
    prop::collection::vec(sight, 1..8)
}

/// Whatever arrives in whatever order, each observation does what the guard says, and nothing else.
pub async fn every_observation_is_judged_as_the_guard_says(world: &dyn World) {
    let claim = claim(world, scene(world, 1).await.segments[0]).await;
    let handle = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let told = tokio::task::block_in_place(|| {
        runner.run(&sights(), |sights| {
            handle.block_on(judge_each(world, &claim, &sights));
            Ok(())
        })
    });
    told.unwrap();
}

async fn judge_each(world: &dyn World, claim: &Claim, sights: &[Sight]) {
    let id = RunId::new().to_string();
    let mut expected: Option<Stored> = None;
    for sight in sights {
        let (shown, observed_at) = (
            [shown(&id, claim, *sight)],
            claim.claimed_at - TimeDelta::days(3) + TimeDelta::minutes(sight.minute),
        );
        let incoming = Version::of(&shown[0], observed_at);
        let verdict = judge(&incoming, expected.as_ref());
        let commit = PageCommit {
            observed_at,
            ..page(claim, 1, &shown, NextStep::Page)
        };
        let effects = store(world, &commit).await;
        assert_eq!(
            effects,
            effects_of(verdict, sight.gone),
            "{sight:?} of {sights:?}"
        );
        expected = after(verdict, incoming, expected);
        let found = stored(world, claim, &id).await;
        assert_eq!(Some(found), expected.map(told), "after {sight:?} of {sights:?}");
    }
}

fn shown(id: &str, claim: &Claim, sight: Sight) -> Record {
    Record {
        source_version: sight.version,
        source_updated_at: sight
            .updated
            .map(|minute| claim.claimed_at - TimeDelta::days(3) + TimeDelta::minutes(minute)),
        payload_hash: [sight.text; 32],
        deleted: sight.gone,
        ..record(id, 0)
    }
}

fn effects_of(verdict: Verdict, gone: bool) -> Effects {
    let mut effects = Effects::default();
    match verdict {
        Verdict::Store if gone => effects.deleted = 1,
        Verdict::Store => effects.new = 1,
        Verdict::Replace => effects.changed = 1,
        Verdict::Bury => effects.deleted = 1,
        Verdict::Note | Verdict::Keep => effects.same = 1,
    }
    effects
}

/// What is stored after a verdict.
fn after(verdict: Verdict, incoming: Version, before: Option<Stored>) -> Option<Stored> {
    let last_seen = before.map_or(incoming.observed_at, |before| {
        before.last_seen.max(incoming.observed_at)
    });
    let version = match verdict {
        Verdict::Keep => return before,
        Verdict::Note => before?.version,
        Verdict::Store | Verdict::Replace => incoming,
        // It keeps its last payload.
        Verdict::Bury => Version {
            deleted: true,
            observed_at: incoming.observed_at,
            ..before?.version
        },
    };
    Some(Stored { version, last_seen })
}

/// What a reader sees of it.
type Told = (
    Option<i64>,
    Option<DateTime<Utc>>,
    DateTime<Utc>,
    DateTime<Utc>,
    bool,
    String,
);

fn told(stored: Stored) -> Told {
    let version = stored.version;
    let hash = format!("{:02x}", version.payload_hash[0]).repeat(32);
    (
        version.source_version,
        version.source_updated_at,
        version.observed_at,
        stored.last_seen,
        version.deleted,
        hash,
    )
}

async fn stored(world: &dyn World, claim: &Claim, id: &str) -> Told {
    let filter = RecordFilter {
        connection: claim.connection,
        table: TABLE.to_owned(),
        id: Some(id.to_owned()),
        from: None,
        to: None,
        limit: 1,
    };
    let record = world.ledger().records(&filter).await.unwrap().remove(0);
    (
        record.source_version,
        record.source_updated_at,
        record.observed_at,
        record.last_seen_at,
        record.deleted_at.is_some(),
        record.payload_hash,
    )
}
