//! Pages: progress and outcome in one commit with the rows.

use ledgerfleet_model::{Axis, FailureKind, Lane, Position, Record, SegmentState};

use super::World;
use super::scene::{
    ELSEWHERE, about, claim, company, day, finish, held, kill, only_page, page, record, records, retry,
    run_for, scene, seconds, settle, store, tombstone,
};
use crate::{
    Committed, CoverageFilter, CoverageState, Effects, FinishedWindow, NextStep, ReplayRequest, RescueScope,
};

pub async fn a_last_page_ends_its_segment_with_rows_and_coverage(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let read = [record("2", 0), record("1", 0)];
    let finished = FinishedWindow {
        rows: 2,
        quarantined: 0,
        source_count: Some(2),
        open: false,
        unproven: false,
        note: Some("not in the company's plan".to_owned()),
        ..FinishedWindow::default()
    };
    let effects = store(world, &page(&claim, 1, &read, NextStep::Done(finished))).await;
    assert_eq!(
        effects,
        Effects {
            new: 2,
            ..Effects::default()
        }
    );

    assert_eq!(world.standing(claim.segment).await.state, SegmentState::Done);
    let stored = records(world, scene.connection).await;
    assert_eq!(
        (stored[0].id.as_str(), stored[0].payload.get()),
        ("1", &*read[1].payload)
    );
    assert!(about(stored[0].observed_at, claim.claimed_at) && about(stored[0].ingested_at, claim.claimed_at));
    let coverage = world.ledger().coverage(&CoverageFilter::default()).await.unwrap();
    let [row] = coverage.as_slice() else {
        panic!("one window is covered")
    };
    assert_eq!(
        (row.connection.as_str(), row.entity.as_str()),
        ("Alder & Sons", "invoice")
    );
    assert_eq!(
        (row.axis, row.from, row.to),
        (Axis::TxnDate, Some(day(0)), Some(day(0)))
    );
    assert_eq!(
        (row.state, row.rows, row.source_count),
        (CoverageState::Complete, 2, Some(2))
    );
    assert_eq!(
        (row.last_result.as_str(), row.last_segment),
        ("done", claim.segment)
    );
    assert_eq!(row.note.as_deref(), Some("not in the company's plan"));
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.done, report.empty, report.rows, report.pages, report.calls),
        (1, 0, 2, 1, 1)
    );
}

pub async fn a_page_moves_on_and_forgives_failures_and_crashes(world: &dyn World) {
    let scene = scene(world, 1).await;
    let segment = scene.segments[0];
    let first = claim(world, segment).await;
    settle(world, &first, &retry(seconds(0)), FailureKind::Timeout).await;
    claim(world, segment).await;
    world
        .ledger()
        .rescue(RescueScope::All, &ledgerfleet_model::Timings::default())
        .await
        .unwrap();
    let third = claim(world, segment).await;
    assert_eq!((third.standing.failures, third.standing.crashes), (1, 1));

    store(
        world,
        &page(&third, 1, &[record("1", 1), record("2", 1)], NextStep::Page),
    )
    .await;
    let standing = world.standing(segment).await;
    assert_eq!(
        (standing.state, standing.failures, standing.crashes),
        (SegmentState::Running, 0, 0)
    );
    assert!(standing.progressed);
    assert_eq!(records(world, scene.connection).await.len(), 2, "at once");
    assert!(
        world
            .ledger()
            .coverage(&CoverageFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.running, report.rows, report.pages, report.calls),
        (1, 2, 1, 1)
    );
}

pub async fn an_attempt_resumes_after_the_last_committed_page(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let first = claim(world, segment).await;
    store(world, &page(&first, 1, &[record("1", 1)], NextStep::Page)).await;
    store(world, &page(&first, 2, &[record("2", 1)], NextStep::Page)).await;
    world.ledger().hand_back(&[held(&first)]).await.unwrap();
    let second = claim(world, segment).await;
    assert_eq!((second.pass, second.page, second.attempt), (1, 2, 2));
    assert_eq!(second.position, *ELSEWHERE);
    assert!(!second.standing.progressed);
    assert_eq!(world.ledger().seen(segment, 1).await.unwrap().ids, 2);
}

pub async fn another_pass_begins_at_the_first_page(world: &dyn World) {
    let scene = scene(world, 1).await;
    let first = claim(world, scene.segments[0]).await;
    store(world, &page(&first, 1, &[record("1", 1)], NextStep::Page)).await;
    store(world, &page(&first, 2, &[record("2", 1)], NextStep::Pass)).await;
    world.ledger().hand_back(&[held(&first)]).await.unwrap();
    let second = claim(world, scene.segments[0]).await;
    assert_eq!((second.pass, second.page), (2, 0));
    assert_eq!(second.position, Position::start());

    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!(
        (report.rows, report.pages),
        (0, 2),
        "rows are those of this pass, pages those of all"
    );
    let finished = FinishedWindow {
        rows: 1,
        ..FinishedWindow::default()
    };
    store(
        world,
        &page(&second, 1, &[record("1", 1)], NextStep::Done(finished)),
    )
    .await;
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.rows, report.pages, report.calls), (1, 3, 3));
}

/// How many ids a pass saw, and whether they are those of the pass before.
async fn compared(world: &dyn World, segment: ledgerfleet_model::SegmentId, pass: u32) -> (u64, bool) {
    let seen = world.ledger().seen(segment, pass).await.unwrap();
    (seen.ids, seen.same)
}

pub async fn ids_of_two_passes_are_compared(world: &dyn World) {
    let segment = scene(world, 1).await.segments[0];
    let mut claim = claim(world, segment).await;
    store(
        world,
        &page(&claim, 1, &[record("1", 1), record("2", 1)], NextStep::Page),
    )
    .await;
    store(
        world,
        &page(&claim, 2, &[record("2", 1), record("3", 1)], NextStep::Pass),
    )
    .await;
    assert_eq!(
        compared(world, segment, 1).await,
        (3, false),
        "there is no pass before it"
    );

    claim.pass = 2;
    store(
        world,
        &page(&claim, 1, &[record("3", 1), record("2", 1)], NextStep::Page),
    )
    .await;
    assert_eq!(compared(world, segment, 2).await, (2, false));
    store(world, &page(&claim, 2, &[record("1", 1)], NextStep::Page)).await;
    assert_eq!(compared(world, segment, 2).await, (3, true));
    store(world, &page(&claim, 3, &[record("4", 1)], NextStep::Page)).await;
    assert_eq!(compared(world, segment, 2).await, (4, false));
}

pub async fn what_was_seen_is_forgotten_when_the_segment_ends(world: &dyn World) {
    let scene = scene(world, 2).await;
    let done = claim(world, scene.segments[0]).await;
    store(world, &page(&done, 1, &[record("1", 1)], NextStep::Page)).await;
    store(
        world,
        &page(
            &done,
            2,
            &[record("2", 1)],
            NextStep::Done(FinishedWindow::default()),
        ),
    )
    .await;
    assert_eq!(world.ledger().seen(scene.segments[0], 1).await.unwrap().ids, 0);

    let dead = claim(world, scene.segments[1]).await;
    store(world, &page(&dead, 1, &[record("3", 1)], NextStep::Page)).await;
    settle(
        world,
        &dead,
        &ledgerfleet_model::Outcome::Dead,
        FailureKind::Unstable,
    )
    .await;
    world.ledger().replay(&ReplayRequest::default()).await.unwrap();
    assert_eq!(world.ledger().seen(scene.segments[1], 1).await.unwrap().ids, 0);
}

pub async fn a_page_of_a_lost_claim_stores_nothing(world: &dyn World) {
    let scene = scene(world, 2).await;
    let running = claim(world, scene.segments[0]).await;
    store(world, &page(&running, 1, &[record("1", 1)], NextStep::Page)).await;
    world.ledger().hand_back(&[held(&running)]).await.unwrap();
    let commit = only_page(&running, &[]);
    assert_eq!(
        world.ledger().commit_page(&commit).await.unwrap(),
        Committed::Fenced
    );

    finish(world, scene.segments[1], &[]).await;
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.pages, report.calls, report.done), (2, 2, 1));
    kill(world, scene.segments[0], FailureKind::Malformed).await;
    let dead = world.standing(scene.segments[0]).await;
    assert_eq!(
        world.ledger().commit_page(&commit).await.unwrap(),
        Committed::Fenced
    );
    assert_eq!(world.standing(scene.segments[0]).await, dead);
}

pub async fn no_step_of_a_claim_that_another_has_taken_over_is_stored(world: &dyn World) {
    let scene = scene(world, 1).await;
    let late = claim(world, scene.segments[0]).await;
    store(world, &page(&late, 1, &[record("1", 1)], NextStep::Page)).await;
    world.ledger().hand_back(&[held(&late)]).await.unwrap();
    // Running again, so that nothing but the epoch tells the two apart.
    claim(world, scene.segments[0]).await;
    let standing = world.standing(scene.segments[0]).await;
    let gone = [tombstone("1"), record("2", 1)];
    for next in [
        NextStep::Page,
        NextStep::Beside,
        NextStep::Pass,
        NextStep::Done(FinishedWindow::default()),
    ] {
        let commit = page(&late, 2, &gone, next);
        let committed = world.ledger().commit_page(&commit).await.unwrap();
        assert_eq!(committed, Committed::Fenced, "{:?}", commit.next);
        assert_eq!(
            world.standing(scene.segments[0]).await,
            standing,
            "{:?}",
            commit.next
        );
        let stored = records(world, scene.connection).await;
        let stored: Vec<_> = stored
            .iter()
            .map(|record| (record.id.as_str(), record.deleted_at.is_some()))
            .collect();
        assert_eq!(stored, [("1", false)], "{:?}", commit.next);
    }
    let report = world.ledger().run(scene.run).await.unwrap().unwrap();
    assert_eq!((report.pages, report.calls, report.done), (1, 1, 0));
}

pub async fn a_page_that_is_stored_twice_counts_once(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let run = run_for(world, connection, Lane::Manual, 1).await;
    let claim = claim(world, run.segments[0]).await;
    let read = [record("1", 1)];
    store(world, &page(&claim, 1, &read, NextStep::Page)).await;
    // The first answer was lost on its way.
    let effects = store(world, &page(&claim, 1, &read, NextStep::Page)).await;
    assert_eq!(
        effects,
        Effects {
            same: 1,
            ..Effects::default()
        }
    );
    let report = world.ledger().run(run.run).await.unwrap().unwrap();
    assert_eq!((report.rows, report.pages), (1, 1));
    assert_eq!(world.ledger().seen(run.segments[0], 1).await.unwrap().ids, 1);
}

pub async fn a_page_of_megabytes_is_stored_whole(world: &dyn World) {
    let scene = scene(world, 2).await;
    let long = |id: &str, version, length| Record {
        payload: format!(r#"{{"Id":"{id}","Text":"{}"}}"#, "x".repeat(length)).into(),
        ..record(id, version)
    };
    let lengths = [700_000, 0, 700_000, 3_000_000, 0, 100];
    let of = |versions: [i64; 6]| -> Vec<Record> {
        let all = lengths.iter().zip(versions).enumerate();
        all.map(|(id, (length, version))| long(&id.to_string(), version, *length))
            .collect()
    };
    let six = Effects {
        new: 6,
        ..Effects::default()
    };
    assert_eq!(finish(world, scene.segments[0], &of([1; 6])).await, six);
    let some = Effects {
        changed: 3,
        same: 3,
        ..Effects::default()
    };
    assert_eq!(
        finish(world, scene.segments[1], &of([2, 1, 1, 2, 1, 2])).await,
        some
    );
    let mut stored: Vec<(String, Option<i64>, usize)> = records(world, scene.connection)
        .await
        .into_iter()
        .map(|record| (record.id, record.source_version, record.payload.get().len()))
        .collect();
    stored.sort();
    let empty = r#"{"Id":"0","Text":""}"#.len();
    let expected = lengths.iter().zip([2, 1, 1, 2, 1, 2]).enumerate();
    let expected: Vec<_> = expected
        .map(|(id, (length, version))| (id.to_string(), Some(version), empty + length))
        .collect();
    assert_eq!(stored, expected);
}
