//! Comparing what is stored with the source.

use ledgerfleet_model::{Days, Record, SegmentId, Window};

use super::World;
use super::scene::{
    TABLE, claim, day, held, only_page, page, record, records, scene, seconds, store, tombstone, window,
};
use crate::comparing::{DayCount, NotSeen, Seen, Share, Slice, Which};
use crate::{Claim, NextStep, PageCommit};

fn dated(id: &str, on: usize, total: &str) -> Record {
    Record {
        document_date: Some(day(on)),
        payload: format!(r#"{{"Id":"{id}","TotalAmt":{total}}}"#).into(),
        ..record(id, 1)
    }
}

/// A company with records on three days and a tombstone.
async fn stored(world: &dyn World) -> (Claim, [Record; 3]) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let seen = [
        dated("1", 0, "10.50"),
        dated("2", 0, "9007199254740993.01"),
        dated("3", 4, "0"),
    ];
    let all = [&seen[..], &[tombstone("4")]].concat();
    store(world, &only_page(&claim, &all)).await;
    (claim, seen)
}

pub async fn summaries_tell_hash_day_and_total_of_a_slice(world: &dyn World) {
    let (claim, seen) = stored(world).await;
    let told = async |which: Which<'_>| {
        let slice = Slice {
            connection: claim.connection,
            table: TABLE,
            which,
            share: Share::ALL,
        };
        let mut told = world.ledger().summaries(&slice, Some("TotalAmt")).await.unwrap();
        told.sort_by(|one, other| one.id.cmp(&other.id));
        told
    };
    let all = told(Which::All).await;
    let totals: Vec<_> = all.iter().map(|told| told.total.as_deref()).collect();
    assert_eq!(
        totals[..3],
        [Some("10.50"), Some("9007199254740993.01"), Some("0")]
    );
    for (summary, record) in all.iter().zip(&seen) {
        assert_eq!(
            (
                &summary.id,
                summary.payload_hash,
                summary.document_date,
                summary.deleted
            ),
            (&record.id, record.payload_hash, record.document_date, false)
        );
        assert_eq!(
            (summary.source_version, summary.source_updated_at),
            (record.source_version, record.source_updated_at)
        );
    }
    assert!(all[3].deleted);
    let ids = |summaries: Vec<crate::RecordSummary>| -> Vec<String> {
        summaries.into_iter().map(|summary| summary.id).collect()
    };
    let (from, to) = (day(0), day(3));
    assert_eq!(ids(told(Which::Days { from, to }).await), ["1", "2"]);
    let wanted = ["3".to_owned(), "4".to_owned(), "5".to_owned()];
    assert_eq!(ids(told(Which::Ids(&wanted)).await), ["3", "4"]);
}

pub async fn a_total_has_all_its_digits_whether_it_stands_there_as_a_number_or_as_a_text(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let amounts = [
        ("1", "9007199254740993.01", Some("9007199254740993.01")),
        ("2", r#""9007199254740993.01""#, Some("9007199254740993.01")),
        ("3", r#""-0.10""#, Some("-0.10")),
        ("4", "-0.10", Some("-0.10")),
        ("5", "null", None),
    ];
    let mut all = amounts.map(|(id, amount, _)| dated(id, 0, amount)).to_vec();
    all.push(Record {
        payload: r#"{"Id":"6"}"#.into(),
        ..record("6", 1)
    });
    store(world, &only_page(&claim, &all)).await;
    let slice = Slice {
        connection: claim.connection,
        table: TABLE,
        which: Which::All,
        share: Share::ALL,
    };
    let mut told = world.ledger().summaries(&slice, Some("TotalAmt")).await.unwrap();
    told.sort_by(|one, other| one.id.cmp(&other.id));
    let told: Vec<_> = told.iter().map(|summary| summary.total.as_deref()).collect();
    let expected = amounts.iter().map(|(_, _, total)| *total).chain([None]);
    assert_eq!(told, expected.collect::<Vec<_>>());
}

pub async fn a_slice_is_read_share_by_share(world: &dyn World) {
    let (claim, _) = stored(world).await;
    let mut told = Vec::new();
    for number in 0..3 {
        let share = Share { number, of: 3 };
        let slice = Slice {
            connection: claim.connection,
            table: TABLE,
            which: Which::All,
            share,
        };
        let of_it = world.ledger().summaries(&slice, None).await.unwrap();
        assert!(of_it.iter().all(|summary| share.has(&summary.id)));
        told.extend(of_it.into_iter().map(|summary| summary.id));
    }
    told.sort();
    assert_eq!(told, ["1", "2", "3", "4"]);
}

pub async fn what_is_distrusted_is_stored_again_when_it_is_read_again(world: &dyn World) {
    let scene = scene(world, 2).await;
    let first = claim(world, scene.segments[0]).await;
    let spoilt = |id| dated(id, 0, "4.00");
    let seen = |id| Record {
        payload: dated(id, 0, "2796.93").payload,
        ..spoilt(id)
    };
    store(
        world,
        &only_page(&first, &[spoilt("1"), spoilt("2"), tombstone("3")]),
    )
    .await;
    let ids = ["1", "3", "9"].map(str::to_owned);
    let ledger = world.ledger();
    let distrusted = ledger.distrust(scene.connection, TABLE, &ids).await.unwrap();
    assert_eq!(distrusted, 1, "a tombstone has nothing to be stored again");
    let second = claim(world, scene.segments[1]).await;
    let read_again = [seen("1"), seen("2")];
    let again = PageCommit {
        observed_at: first.claimed_at + seconds(60),
        ..only_page(&second, &read_again)
    };
    let effects = store(world, &again).await;
    assert_eq!((effects.changed, effects.same), (1, 1));
    let all = records(world, scene.connection).await;
    let holds = |id: &str, amount: &str| {
        let stored = all.iter().find(|record| record.id == id).unwrap();
        stored.payload.get().contains(amount)
    };
    assert!(holds("1", "2796.93") && holds("2", "4.00"));
}

pub async fn records_are_counted_by_day_and_in_all(world: &dyn World) {
    let (claim, _) = stored(world).await;
    let ledger = world.ledger();
    let counts = ledger
        .day_counts(claim.connection, TABLE, day(0), day(9))
        .await
        .unwrap();
    let expected = [(0, 2), (4, 1)].map(|(on, records)| DayCount {
        day: day(on),
        records,
    });
    assert_eq!(counts, expected);
    let count = ledger.record_count(claim.connection, TABLE).await.unwrap();
    assert_eq!(count, 4, "with a tombstone, which has no day");
}

pub async fn what_a_reading_did_not_bring_is_told(world: &dyn World) {
    let (claim, _) = stored(world).await;
    let not_seen = async |window: &Window, seen: Seen<'_>| {
        let query = NotSeen {
            connection: claim.connection,
            table: TABLE,
            entity: "invoice",
            window,
            seen,
            since: claim.claimed_at + seconds(60),
        };
        let mut ids = world.ledger().not_seen(&query, None, 10).await.unwrap();
        ids.sort();
        ids
    };
    let first_day = window(0);
    assert_eq!(not_seen(&first_day, Seen::Ids(&["2"])).await, ["1"]);
    assert_eq!(not_seen(&Window::Whole, Seen::Ids(&["2"])).await, ["1", "3"]);
    let nothing = Seen::Pass {
        segment: SegmentId::new(),
        pass: 1,
    };
    assert_eq!(not_seen(&first_day, nothing).await, ["1", "2"]);
    let days = Days {
        from: day(1),
        to: day(4),
    };
    assert!(not_seen(&Window::Dates { days }, nothing).await.is_empty());
}

pub async fn what_a_reading_did_not_bring_is_told_in_parts_until_all_is_told(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let mut expected: Vec<String> = (0..1_007).map(|id| id.to_string()).collect();
    expected.sort();
    let all: Vec<Record> = expected.iter().map(|id| dated(id, 0, "1")).collect();
    store(world, &page(&claim, 1, &all, NextStep::Page)).await;
    for window in [window(0), Window::Whole] {
        let query = NotSeen {
            connection: claim.connection,
            table: TABLE,
            entity: "invoice",
            window: &window,
            seen: Seen::Ids(&["7"]),
            since: claim.claimed_at + seconds(60),
        };
        let mut told: Vec<String> = Vec::new();
        loop {
            let after = told.last().cloned();
            let part = world
                .ledger()
                .not_seen(&query, after.as_deref(), 100)
                .await
                .unwrap();
            assert!(part.len() <= 100);
            if part.is_empty() {
                break;
            }
            told.extend(part);
        }
        let expected: Vec<_> = expected.iter().filter(|id| *id != "7").collect();
        assert_eq!(
            told.iter().collect::<Vec<_>>(),
            expected,
            "none left out, none twice"
        );
    }
}

pub async fn what_was_observed_after_a_reading_began_is_not_missed_by_it(world: &dyn World) {
    let (claim, _) = stored(world).await;
    let query = NotSeen {
        connection: claim.connection,
        table: TABLE,
        entity: "invoice",
        window: &Window::Whole,
        seen: Seen::Ids(&[]),
        since: claim.claimed_at - seconds(60),
    };
    assert!(
        world
            .ledger()
            .not_seen(&query, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn the_pages_of_a_pass_count_together_as_seen(world: &dyn World) {
    let scene = scene(world, 2).await;
    let first = claim(world, scene.segments[0]).await;
    let all = ["1", "2", "3"].map(|id| dated(id, 1, "1"));
    store(world, &only_page(&first, &all)).await;
    let second = claim(world, scene.segments[1]).await;
    store(world, &page(&second, 1, &all[..1], NextStep::Page)).await;
    store(world, &page(&second, 2, &all[2..], NextStep::Page)).await;
    let query = NotSeen {
        connection: scene.connection,
        table: TABLE,
        entity: "invoice",
        window: &window(1),
        seen: Seen::Pass {
            segment: second.segment,
            pass: 1,
        },
        since: second.claimed_at + seconds(60),
    };
    assert_eq!(world.ledger().not_seen(&query, None, 10).await.unwrap(), ["2"]);
    assert_eq!(records(world, scene.connection).await.len(), 3);
    for (pass, ids, expected) in [
        (1, ["1", "3"].as_slice(), false),
        (1, &["3", "2", "1"], true),
        (1, &["2"], true),
        (1, &[], false),
        (2, &["1", "3"], true),
    ] {
        let brings = world.ledger().brings_new(second.segment, pass, ids).await;
        assert_eq!(brings.unwrap(), expected, "{ids:?} in pass {pass}");
    }
}

pub async fn what_is_stored_beside_the_pages_is_neither_progress_nor_seen(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    store(world, &page(&claim, 1, &[dated("1", 0, "1")], NextStep::Page)).await;
    let before = world.standing(claim.segment).await;
    let beside = [dated("2", 3, "1"), tombstone("3")];
    store(world, &page(&claim, 1, &beside, NextStep::Beside)).await;
    assert_eq!(world.standing(claim.segment).await, before);
    assert_eq!(world.ledger().seen(claim.segment, 1).await.unwrap().ids, 1);
    assert_eq!(records(world, scene.connection).await.len(), 3);
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.pages, report.rows, report.calls), (1, 1, 2));
    world.ledger().hand_back(&[held(&claim)]).await.unwrap();
    let late = page(&claim, 1, &beside, NextStep::Beside);
    assert_eq!(
        world.ledger().commit_page(&late).await.unwrap(),
        crate::Committed::Fenced
    );
}
