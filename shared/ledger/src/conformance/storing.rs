//! The records: what replaces what, and reading them.

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use ledgerfleet_model::{ConnectionId, Lane, Record};

use super::World;
use super::scene::{
    Scene, TABLE, batch, claim, company, day, finish, only_page, page, record, records, run_for, scene,
    seconds, store, tombstone,
};
use crate::{Batch, Claim, Effects, NextStep, PageCommit, RecordFilter, RecordPage, StoredRecord};

/// One of each.
const NEW: Effects = Effects {
    new: 1,
    changed: 0,
    same: 0,
    deleted: 0,
};
const CHANGED: Effects = Effects {
    new: 0,
    changed: 1,
    same: 0,
    deleted: 0,
};
const SAME: Effects = Effects {
    new: 0,
    changed: 0,
    same: 1,
    deleted: 0,
};
const DELETED: Effects = Effects {
    new: 0,
    changed: 0,
    same: 0,
    deleted: 1,
};

/// A page that goes on for ever: for observations at any time, in any order.
async fn observe(world: &dyn World, claim: &Claim, at: DateTime<Utc>, seen: &[Record]) -> Effects {
    store(
        world,
        &PageCommit {
            observed_at: at,
            ..page(claim, 1, seen, NextStep::Page)
        },
    )
    .await
}

async fn claimed(world: &dyn World) -> (Scene, Claim) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    (scene, claim)
}

async fn only_record(world: &dyn World, connection: ConnectionId) -> StoredRecord {
    let mut records = records(world, connection).await;
    assert_eq!(records.len(), 1);
    records.remove(0)
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

pub async fn an_equal_record_writes_nothing(world: &dyn World) {
    let scene = scene(world, 2).await;
    assert_eq!(finish(world, scene.segments[0], &[record("1", 1)]).await, NEW);
    let before = only_record(world, scene.connection).await;
    world.pass_time(seconds(3600)).await;
    assert_eq!(finish(world, scene.segments[1], &[record("1", 1)]).await, SAME);
    let after = only_record(world, scene.connection).await;
    assert!(after.ingested_at <= before.ingested_at, "nothing was stored anew");
    assert!(after.observed_at <= before.observed_at && after.last_seen_at <= before.last_seen_at);
}

pub async fn a_record_seen_again_after_a_day_is_noted(world: &dyn World) {
    let scene = scene(world, 2).await;
    finish(world, scene.segments[0], &[record("1", 1)]).await;
    world.pass_time(seconds(25 * 3600)).await;
    let claim = claim(world, scene.segments[1]).await;
    assert_eq!(
        observe(world, &claim, claim.claimed_at, &[record("1", 1)]).await,
        SAME
    );
    let stored = only_record(world, scene.connection).await;
    assert_eq!(stored.last_seen_at, claim.claimed_at);
    let long_ago = claim.claimed_at - minutes(60);
    assert!(
        stored.ingested_at < long_ago && stored.observed_at < long_ago,
        "nothing else was written"
    );

    // A newer version that was read before: it was seen since all the same.
    assert_eq!(observe(world, &claim, long_ago, &[record("1", 2)]).await, CHANGED);
    assert_eq!(
        only_record(world, scene.connection).await.last_seen_at,
        claim.claimed_at
    );
}

pub async fn an_older_version_never_replaces_a_newer_one(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    let of = |version, updated: Option<i64>, text: &str| Record {
        source_version: version,
        source_updated_at: updated.map(|at| now + minutes(at)),
        payload_hash: [text.as_bytes()[0]; 32],
        payload: format!(r#"{{"Id":"1","text":"{text}"}}"#).into(),
        ..record("1", 0)
    };
    // The version comes first, then the time of the change, then the time of observation.
    assert_eq!(
        observe(world, &claim, now, &[of(Some(3), Some(10), "a")]).await,
        NEW
    );
    assert_eq!(
        observe(world, &claim, now + minutes(9), &[of(Some(2), Some(99), "b")]).await,
        SAME
    );
    assert_eq!(
        observe(world, &claim, now + minutes(9), &[of(Some(3), Some(9), "c")]).await,
        SAME
    );
    assert_eq!(
        observe(world, &claim, now, &[of(Some(3), Some(10), "d")]).await,
        SAME,
        "not newer"
    );
    assert_eq!(
        observe(world, &claim, now - minutes(5), &[of(Some(3), Some(11), "e")]).await,
        CHANGED
    );
    // What one side does not know does not count.
    assert_eq!(
        observe(world, &claim, now - minutes(6), &[of(None, Some(10), "f")]).await,
        SAME
    );
    assert_eq!(
        observe(world, &claim, now - minutes(6), &[of(None, None, "g")]).await,
        SAME
    );
    assert_eq!(
        observe(world, &claim, now - minutes(4), &[of(None, None, "h")]).await,
        CHANGED
    );
    assert_eq!(
        only_record(world, scene.connection).await.payload.get(),
        r#"{"Id":"1","text":"h"}"#
    );
}

pub async fn of_two_records_with_one_id_the_newer_counts(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let twice = [record("1", 1), record("1", 3), record("1", 2)];
    let effects = store(world, &only_page(&claim, &twice)).await;
    assert_eq!(
        effects,
        Effects {
            new: 1,
            same: 2,
            ..Effects::default()
        }
    );
    assert_eq!(only_record(world, scene.connection).await.source_version, Some(3));
}

pub async fn a_tombstone_is_judged_by_its_time_alone(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    observe(world, &claim, now, &[record("1", 9)]).await;
    assert_eq!(
        observe(world, &claim, now - minutes(1), &[tombstone("1")]).await,
        SAME,
        "it was alive since"
    );
    assert_eq!(
        observe(world, &claim, now + minutes(2), &[tombstone("1")]).await,
        DELETED
    );
    assert_eq!(
        observe(world, &claim, now + minutes(3), &[tombstone("1")]).await,
        SAME,
        "it is gone already"
    );
    assert_eq!(
        observe(world, &claim, now + minutes(1), &[record("1", 10)]).await,
        SAME,
        "it is gone since"
    );
    assert_eq!(
        only_record(world, scene.connection).await.deleted_at,
        Some(now + minutes(2)),
        "the first time it was missed"
    );
    assert_eq!(
        observe(world, &claim, now + minutes(4), &[record("1", 9)]).await,
        CHANGED,
        "it is back"
    );
    assert_eq!(only_record(world, scene.connection).await.deleted_at, None);
    assert_eq!(
        observe(world, &claim, now, &[tombstone("2")]).await,
        DELETED,
        "never seen alive"
    );
}

pub async fn a_tombstone_keeps_the_last_payload(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    observe(world, &claim, claim.claimed_at, &[record("1", 4)]).await;
    observe(world, &claim, claim.claimed_at + minutes(1), &[tombstone("1")]).await;
    let stored = only_record(world, scene.connection).await;
    assert_eq!(
        (stored.payload.get(), stored.source_version),
        (&*record("1", 4).payload, Some(4))
    );
    assert_eq!(stored.observed_at, claim.claimed_at + minutes(1));
}

pub async fn companies_and_tables_do_not_mix(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let other = company(world, "Birch").await;
    let other_run = run_for(world, other, Lane::Manual, 1).await;
    observe(world, &claim, claim.claimed_at, &[record("1", 1)]).await;
    finish(world, other_run.segments[0], &[record("1", 2)]).await;
    let seen = [record("1", 3)];
    let customers = PageCommit {
        batches: vec![Batch {
            table: "qbo_customer",
            ..batch("invoice", &seen)
        }],
        ..page(&claim, 2, &seen, NextStep::Page)
    };
    assert_eq!(store(world, &customers).await, NEW);
    assert_eq!(only_record(world, scene.connection).await.source_version, Some(1));
    assert_eq!(only_record(world, other).await.source_version, Some(2));
}

pub async fn records_are_found_by_id_and_date(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let dated = |id: &str, number| Record {
        document_date: number,
        ..record(id, 1)
    };
    let seen = [
        dated("a", Some(day(2))),
        dated("b", Some(day(1))),
        dated("c", Some(day(2))),
        dated("d", None),
    ];
    store(world, &only_page(&claim, &seen)).await;
    let any = RecordFilter {
        connection: scene.connection,
        table: TABLE.to_owned(),
        id: None,
        from: None,
        to: None,
        limit: 100,
    };
    let found = async |filter: RecordFilter| {
        let records = world.ledger().records(&filter).await.unwrap();
        records.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(
        found(any.clone()).await,
        ["a", "c", "b", "d"],
        "newest date first, then by id"
    );
    assert_eq!(
        found(RecordFilter {
            limit: 2,
            ..any.clone()
        })
        .await,
        ["a", "c"]
    );
    assert_eq!(
        found(RecordFilter {
            id: Some("b".to_owned()),
            ..any.clone()
        })
        .await,
        ["b"]
    );
    assert_eq!(
        found(RecordFilter {
            from: Some(day(2)),
            ..any.clone()
        })
        .await,
        ["a", "c"]
    );
    assert_eq!(
        found(RecordFilter {
            to: Some(day(1)),
            ..any.clone()
        })
        .await,
        ["b"]
    );
    assert!(
        found(RecordFilter {
            table: "qbo_item".to_owned(),
            ..any
        })
        .await
        .is_empty()
    );
}

pub async fn stubs_are_streamed_by_id(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let seen = [record("10", 1), tombstone("9"), record("2", 5)];
    store(world, &only_page(&claim, &seen)).await;
    let stubs: Vec<_> = world
        .ledger()
        .record_stubs(scene.connection, TABLE)
        .try_collect()
        .await
        .unwrap();
    let told: Vec<_> = stubs
        .iter()
        .map(|stub| (stub.id.as_str(), stub.source_version, stub.deleted))
        .collect();
    assert_eq!(
        told,
        [("10", Some(1), false), ("2", Some(5), false), ("9", None, true)]
    );
    let listed = records(world, scene.connection).await;
    assert_eq!(stubs[1].payload_hash, listed[1].payload_hash);
    let first = record("2", 5).payload_hash[0];
    assert!(stubs[1].payload_hash.len() == 64 && stubs[1].payload_hash.starts_with(&format!("{first:02x}")));
}

pub async fn a_page_of_a_thousand_records_is_stored(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let text = "x".repeat(2000);
    let large = |number: i64| {
        let record = record(&format!("{:04}", 999 - number), number);
        Record {
            payload: format!(r#"{{"text":"{text}"}}"#).into(),
            ..record
        }
    };
    let mut seen: Vec<Record> = (0..1000).map(large).collect();
    assert_eq!(
        observe(world, &claim, claim.claimed_at, &seen).await,
        Effects {
            new: 1000,
            ..Effects::default()
        }
    );
    for record in &mut seen[..400] {
        record.source_version = Some(5000);
        record.payload_hash = [7; 32];
    }
    let effects = observe(world, &claim, claim.claimed_at, &seen).await;
    assert_eq!(
        effects,
        Effects {
            changed: 400,
            same: 600,
            ..Effects::default()
        }
    );
    assert_eq!(records(world, scene.connection).await.len(), 1000);
}

pub async fn pages_of_records_go_by_id_and_tell_what_was_stored_since(world: &dyn World) {
    let scene = scene(world, 1).await;
    let records = [record("1", 1), record("10", 1), record("2", 1), tombstone("3")];
    finish(world, scene.segments[0], &records).await;
    let after_id = |after: &str, deleted, updated_since| RecordPage {
        connection: scene.connection,
        table: TABLE.to_owned(),
        after: after.to_owned(),
        from: None,
        to: None,
        updated_since,
        deleted,
        limit: 2,
    };
    let ids = async |page: RecordPage| {
        let rows = world.ledger().record_page(&page).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(after_id("", None, None)).await, ["1", "10"]);
    assert_eq!(ids(after_id("10", None, None)).await, ["2", "3"]);
    assert_eq!(ids(after_id("", Some(true), None)).await, ["3"]);
    assert_eq!(ids(after_id("10", Some(false), None)).await, ["2"]);
    let horizon = world.ledger().seen_horizon().await.unwrap();
    assert_eq!(
        ids(after_id("", None, Some(horizon))).await.len(),
        2,
        "what was just stored is behind it"
    );
    world.pass_time(seconds(3_600)).await;
    let horizon = world.ledger().seen_horizon().await.unwrap();
    assert!(ids(after_id("", None, Some(horizon))).await.is_empty());
}
