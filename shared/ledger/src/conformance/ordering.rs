//! The records when observations of one source arrive in any order.

use chrono::TimeDelta;
use ledgerfleet_model::{Record, RunId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::World;
use super::scene::{TABLE, claim, page, record, scene, store, tombstone};
use crate::{Claim, NextStep, PageCommit, RecordFilter};

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
        let observed_at = claim.claimed_at + TimeDelta::minutes(seen.minute);
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
