//! The quarantine: what goes in, what comes out, and what is kept of a text.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_model::{ConnectionId, QuarantineReason, Quarantined, Record, Window};

use super::World;
use super::scene::{Scene, batch, claim, only_page, page, record, records, scene, store, tombstone, window};
use crate::{
    Batch, Claim, Committed, CoverageFilter, Effects, FinishedWindow, NextStep, NotSeen, PageCommit, Purge,
    QuarantineFilter, QuarantinedRecord, Seen,
};

pub(super) fn bad(id: &str, text: &str) -> Quarantined {
    Quarantined::new(id.to_owned(), QuarantineReason::UnreadableDate, text)
}

/// Two records of which one cannot be stored.
async fn claimed(world: &dyn World) -> (Scene, Claim) {
    let scene = scene(world, 2).await;
    let claim = claim(world, scene.segments[0]).await;
    (scene, claim)
}

async fn observe(
    world: &dyn World,
    claim: &Claim,
    at: DateTime<Utc>,
    seen: &[Record],
    quarantined: &[Quarantined],
) -> Effects {
    let page = PageCommit {
        observed_at: at,
        batches: vec![Batch {
            quarantined,
            ..batch(&claim.entity, seen)
        }],
        ..page(claim, 1, seen, NextStep::Page)
    };
    store(world, &page).await
}

async fn listed(world: &dyn World, connection: ConnectionId, id: Option<&str>) -> Vec<QuarantinedRecord> {
    let filter = QuarantineFilter {
        connection,
        entity: "invoice".to_owned(),
        id: id.map(str::to_owned),
        limit: 100,
    };
    world.ledger().quarantined(&filter).await.unwrap()
}

async fn ids(world: &dyn World, connection: ConnectionId) -> Vec<String> {
    let listed = listed(world, connection, None).await;
    listed.into_iter().map(|record| record.id).collect()
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

pub async fn what_cannot_be_stored_is_put_away_with_its_page(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let text = r#"{"Id":"2","TxnDate":"yesterday"}"#;
    let mut cut = bad("1", text);
    (cut.length, cut.reason) = (9_000_000, QuarantineReason::TooLong);
    let (seen, quarantined) = ([record("7", 1)], [bad("2", text), cut, bad("2", text)]);
    let finished = FinishedWindow {
        rows: 3,
        quarantined: 2,
        note: Some("and more".to_owned()),
        ..FinishedWindow::default()
    };
    let page = PageCommit {
        batches: vec![Batch {
            quarantined: &quarantined,
            ..batch("invoice", &seen)
        }],
        ..page(&claim, 1, &seen, NextStep::Done(finished))
    };
    let effects = store(world, &page).await;
    assert_eq!(
        effects,
        Effects {
            new: 1,
            ..Effects::default()
        }
    );
    assert_eq!(records(world, scene.connection).await.len(), 1);

    let volumes = world.ledger().volumes(scene.run).await.unwrap();
    assert_eq!(volumes[0].quarantined, 2);

    let listed_all = listed(world, scene.connection, None).await;
    let told: Vec<_> = listed_all
        .iter()
        .map(|row| {
            (
                row.id.as_str(),
                row.reason,
                row.length,
                row.kept,
                row.original.clone(),
            )
        })
        .collect();
    let length = text.len() as u64;
    assert_eq!(
        told,
        [
            ("1", QuarantineReason::TooLong, 9_000_000, length, None),
            ("2", QuarantineReason::UnreadableDate, length, length, None)
        ]
    );
    assert_eq!(
        (listed_all[0].segment_id, listed_all[0].observed_at),
        (claim.segment, claim.claimed_at)
    );
    let one = listed(world, scene.connection, Some("2")).await;
    assert_eq!((one.len(), one[0].original.as_deref()), (1, Some(text)));

    let coverage = world.ledger().coverage(&CoverageFilter::default()).await.unwrap();
    assert_eq!(
        coverage[0].note.as_deref(),
        Some("2 records quarantined; and more")
    );
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.rows, report.quarantined), (3, 2));
}

pub async fn which_of_some_ids_are_in_quarantine_is_told(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let quarantined = [bad("2", "{}"), bad("3", "{}")];
    observe(world, &claim, claim.claimed_at, &[record("1", 1)], &quarantined).await;
    let among = async |entity: &str, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let ledger = world.ledger();
        let mut told = ledger
            .in_quarantine(scene.connection, entity, &ids)
            .await
            .unwrap();
        told.sort();
        told
    };
    assert_eq!(among("invoice", &["1", "2", "3", "4"]).await, ["2", "3"]);
    assert_eq!(among("invoice", &["3"]).await, ["3"]);
    assert!(among("bill", &["2"]).await.is_empty());
    let later = claim.claimed_at + minutes(1);
    observe(world, &claim, later, &[tombstone("2")], &[]).await;
    assert_eq!(among("invoice", &["2", "3"]).await, ["3"], "2 is gone");
    observe(world, &claim, later + minutes(1), &[], &quarantined[..1]).await;
    assert_eq!(among("invoice", &["2", "3"]).await, ["2", "3"], "2 is back");
    assert!(among("invoice", &[]).await.is_empty());
}

pub async fn a_good_version_releases_a_record(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    observe(
        world,
        &claim,
        now,
        &[record("3", 1)],
        &[bad("1", "{}"), bad("2", "{}")],
    )
    .await;
    observe(
        world,
        &claim,
        now + minutes(1),
        &[record("1", 1), record("3", 1)],
        &[],
    )
    .await;
    assert_eq!(ids(world, scene.connection).await, ["2"]);
    // Also one that is as it was before: stored, then bad, then good again.
    observe(world, &claim, now + minutes(2), &[], &[bad("1", "{}")]).await;
    assert_eq!(ids(world, scene.connection).await, ["1", "2"]);
    observe(world, &claim, now + minutes(3), &[record("1", 1)], &[]).await;
    assert_eq!(ids(world, scene.connection).await, ["2"]);
}

pub async fn what_is_gone_at_the_source_is_listed_no_more_and_its_text_is_kept(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    observe(world, &claim, now, &[], &[bad("1", "first"), bad("2", "{}")]).await;
    let before = now - minutes(1);
    observe(world, &claim, before, &[tombstone("2")], &[]).await;
    observe(world, &claim, now + minutes(1), &[tombstone("1")], &[]).await;
    assert_eq!(
        ids(world, scene.connection).await,
        ["2"],
        "that was seen after it was said to be gone"
    );
    let one = listed(world, scene.connection, Some("1")).await;
    assert_eq!(
        one[0].original.as_deref(),
        Some("first"),
        "these bytes are all that is left"
    );
    assert_eq!(one[0].deleted_at, Some(now + minutes(1)));
    // It has come back, and is as bad as it was.
    observe(world, &claim, now + minutes(2), &[], &[bad("1", "second")]).await;
    assert_eq!(ids(world, scene.connection).await, ["1", "2"]);
    assert_eq!(
        listed(world, scene.connection, Some("1")).await[0].deleted_at,
        None
    );
}

pub async fn what_waits_in_quarantine_and_is_not_seen_again_is_asked_for(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let bad = [bad("1", "{}"), bad("2", "{}"), bad("3", "{}")];
    observe(world, &claim, claim.claimed_at, &[record("4", 1)], &bad).await;
    let not_seen = async |window: &Window, seen: Seen<'_>, since: DateTime<Utc>| {
        let query = NotSeen {
            connection: scene.connection,
            table: super::scene::TABLE,
            entity: "invoice",
            window,
            seen,
            since,
        };
        world.ledger().not_seen(&query, None, 10).await.unwrap()
    };
    let (seen, later) = (Seen::Ids(&["2", "4"]), claim.claimed_at + minutes(1));
    assert_eq!(not_seen(&window(0), seen, later).await, ["1", "3"]);
    assert_eq!(not_seen(&Window::Whole, seen, later).await, ["1", "3"]);
    assert!(
        not_seen(&window(1), seen, later).await.is_empty(),
        "another day's"
    );
    assert!(
        not_seen(&window(0), seen, claim.claimed_at).await.is_empty(),
        "seen since"
    );
    let pass = Seen::Pass {
        segment: claim.segment,
        pass: 1,
    };
    assert!(not_seen(&window(0), pass, later).await.is_empty());
    observe(world, &claim, later, &[tombstone("3")], &[]).await;
    assert_eq!(not_seen(&window(0), seen, later + minutes(1)).await, ["1"]);
}

pub async fn an_older_observation_neither_enters_nor_leaves(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    observe(world, &claim, now, &[record("1", 1)], &[bad("2", "{}")]).await;
    observe(
        world,
        &claim,
        now - minutes(1),
        &[record("2", 1)],
        &[bad("1", "{}"), bad("2", "[]")],
    )
    .await;
    assert_eq!(ids(world, scene.connection).await, ["2"]);
    assert_eq!(
        listed(world, scene.connection, Some("2")).await[0]
            .original
            .as_deref(),
        Some("{}")
    );
}

pub async fn a_newer_bad_version_takes_the_place_of_an_older_one(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    observe(world, &claim, now, &[record("1", 4)], &[]).await;
    observe(world, &claim, now + minutes(1), &[], &[bad("1", "first")]).await;
    observe(world, &claim, now + minutes(2), &[], &[bad("1", "second")]).await;
    let one = listed(world, scene.connection, Some("1")).await;
    assert_eq!((one[0].original.as_deref(), one[0].length), (Some("second"), 6));
    assert_eq!(one[0].observed_at, now + minutes(2));
    let kept = records(world, scene.connection).await;
    assert_eq!(kept[0].source_version, Some(4), "the last good version stays");
}

pub async fn ids_in_quarantine_count_as_seen(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let now = claim.claimed_at;
    observe(world, &claim, now, &[record("1", 1)], &[bad("2", "{}")]).await;
    let (more, others) = ([record("4", 1)], [bad("2", "{}"), bad("3", "{}")]);
    let commit = PageCommit {
        batches: vec![Batch {
            quarantined: &others,
            ..batch("invoice", &more)
        }],
        ..page(&claim, 2, &more, NextStep::Page)
    };
    store(world, &commit).await;
    let seen = world.ledger().seen(claim.segment, 1).await.unwrap();
    assert_eq!((seen.ids, seen.quarantined, seen.same), (4, 2, false));
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.rows, report.quarantined),
        (5, 0),
        "counted when the window is done"
    );
}

pub async fn a_fenced_page_puts_nothing_away(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    let held = super::scene::held(&claim);
    world.ledger().hand_back(&[held]).await.unwrap();
    let quarantined = [bad("1", "{}")];
    let commit = PageCommit {
        batches: vec![Batch {
            quarantined: &quarantined,
            ..batch("invoice", &[])
        }],
        ..only_page(&claim, &[])
    };
    assert_eq!(
        world.ledger().commit_page(&commit).await.unwrap(),
        Committed::Fenced
    );
    assert!(ids(world, scene.connection).await.is_empty());
}

pub async fn the_quarantine_of_a_removed_company_goes_with_its_records(world: &dyn World) {
    let (scene, claim) = claimed(world).await;
    observe(
        world,
        &claim,
        claim.claimed_at,
        &[record("1", 1)],
        &[bad("2", "{}")],
    )
    .await;
    world
        .ledger()
        .remove_connection(scene.connection, Purge::DeleteRecords)
        .await
        .unwrap();
    assert!(ids(world, scene.connection).await.is_empty());
}

/// What can still be told of each of these texts once it was stored: the payload, or the text that was served.
async fn told(world: &dyn World, payloads: &[String]) -> Vec<String> {
    let (scene, claim) = claimed(world).await;
    let mut told = Vec::new();
    for (payload, number) in payloads.iter().zip(1..) {
        let served = Record {
            payload: payload.as_str().into(),
            payload_hash: [number; 32],
            ..record("1", number.into())
        };
        assert_eq!(
            store(world, &page(&claim, 1, &[served], NextStep::Page))
                .await
                .same,
            0
        );
        let stored = records(world, scene.connection).await.remove(0);
        told.push(stored.original.unwrap_or_else(|| stored.payload.get().to_owned()));
    }
    told
}

pub async fn the_text_of_every_number_survives(world: &dyn World) {
    let payloads = [
        "0",
        "1.10",
        "-0.00",
        "-0",
        "100.00",
        "1e2,7",
        r#"[1E+05,{"a":2.50e-3}]"#,
        "12345678901234567890.123456789012345678901,1",
        "9007199254740993,0.1,1e131071",
    ]
    .map(|numbers| format!(r#"{{"Numbers":[{numbers}]}}"#));
    assert_eq!(told(world, &payloads).await, payloads);
}

pub async fn a_text_that_no_database_likes_survives(world: &dyn World) {
    let deep = "[".repeat(998) + &"]".repeat(998);
    let payloads = [
        r#""\u0000""#,
        r#""half \ud83d of a face""#,
        r#""é 日本 😀 \"x\" ' ; --""#,
        &deep,
    ]
    .map(|text| format!(r#"{{"A":{text}}}"#));
    assert_eq!(told(world, &payloads).await, payloads);
}
