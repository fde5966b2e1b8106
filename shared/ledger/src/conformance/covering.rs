//! Coverage: which windows are complete.

use ledgerfleet_model::segment::SegmentState;
use ledgerfleet_model::{Axis, Days, FailureKind, Lane, SegmentId, Window};

use super::World;
use super::scene::{claim, company, day, finish, kill, new_run, page, record, run_for, scene, store, submit};
use crate::{
    CoverageFilter, CoverageRow, CoverageState, FinishedWindow, Missing, NewSegment, NextStep, Steer,
};

async fn coverage(world: &dyn World, filter: CoverageFilter) -> Vec<CoverageRow> {
    world.ledger().coverage(&filter).await.unwrap()
}

pub async fn a_window_that_may_still_grow_is_open(world: &dyn World) {
    let scene = scene(world, 1).await;
    let claim = claim(world, scene.segments[0]).await;
    let finished = FinishedWindow {
        rows: 1,
        open: true,
        ..FinishedWindow::default()
    };
    store(
        world,
        &page(&claim, 1, &[record("1", 1)], NextStep::Done(finished)),
    )
    .await;
    assert_eq!(
        coverage(world, CoverageFilter::default()).await[0].state,
        CoverageState::Open
    );

    let again = run_for(world, scene.connection, Lane::Backfill, 1).await;
    finish(world, again.segments[0], &[record("1", 1), record("2", 1)]).await;
    let rows = coverage(world, CoverageFilter::default()).await;
    assert_eq!(
        (rows.len(), rows[0].state, rows[0].rows),
        (1, CoverageState::Complete, 2)
    );
    assert_eq!(rows[0].last_segment, again.segments[0]);
}

pub async fn a_window_of_which_nothing_proves_that_it_is_all_is_unproven_until_it_is_proven(
    world: &dyn World,
) {
    let unproven = |open| FinishedWindow {
        rows: 1,
        open,
        unproven: true,
        ..FinishedWindow::default()
    };
    let scene = scene(world, 1).await;
    let (rows, mut run) = ([record("1", 1)], scene.segments[0]);
    for (open, state) in [(false, CoverageState::Unproven), (true, CoverageState::Open)] {
        let claim = claim(world, run).await;
        store(world, &page(&claim, 1, &rows, NextStep::Done(unproven(open)))).await;
        let told = coverage(world, CoverageFilter::default()).await;
        assert_eq!((told.len(), told[0].state), (1, state));
        assert_eq!(
            world.ledger().connection_sums().await.unwrap()[0].open,
            1,
            "{state}"
        );
        run = run_for(world, scene.connection, Lane::Backfill, 1).await.segments[0];
    }
    finish(world, run, &rows).await;
    let told = coverage(world, CoverageFilter::default()).await;
    assert_eq!((told.len(), told[0].state), (1, CoverageState::Complete));
    assert_eq!(world.ledger().connection_sums().await.unwrap()[0].open, 0);
}

pub async fn a_failed_rerun_leaves_a_complete_day_complete(world: &dyn World) {
    let first = scene(world, 1).await;
    finish(world, first.segments[0], &[record("1", 1)]).await;
    let second = run_for(world, first.connection, Lane::Backfill, 2).await;
    kill(world, second.segments[0], FailureKind::Forbidden).await;
    kill(world, second.segments[1], FailureKind::Forbidden).await;

    let rows = coverage(world, CoverageFilter::default()).await;
    assert_eq!(rows.len(), 1, "a day that was never read is not covered");
    assert_eq!((rows[0].state, rows[0].rows), (CoverageState::Complete, 1));
    assert_eq!(
        (rows[0].last_result.as_str(), rows[0].last_segment),
        ("dead", second.segments[0])
    );
}

pub async fn a_cancelled_rerun_leaves_a_complete_day_complete(world: &dyn World) {
    let first = scene(world, 1).await;
    finish(world, first.segments[0], &[record("1", 1)]).await;
    let second = run_for(world, first.connection, Lane::Backfill, 2).await;
    world.ledger().steer_run(second.run, Steer::Cancel).await.unwrap();
    let rows = coverage(world, CoverageFilter::default()).await;
    assert_eq!((rows.len(), rows[0].state), (1, CoverageState::Complete));
    assert_eq!(
        (rows[0].last_result.as_str(), rows[0].last_segment),
        ("cancelled", second.segments[0])
    );
}

pub async fn coverage_is_filtered_by_connection_entity_and_days(world: &dyn World) {
    let scene = scene(world, 4).await;
    let other = company(world, "Birch").await;
    let other_run = run_for(world, other, Lane::Backfill, 1).await;
    for segment in scene.segments.iter().chain(&other_run.segments) {
        finish(world, *segment, &[]).await;
    }
    let any = CoverageFilter::default;
    assert_eq!(coverage(world, any()).await.len(), 5);
    let of_one = CoverageFilter {
        connections: vec![other],
        ..any()
    };
    assert_eq!(coverage(world, of_one).await[0].connection, "Birch");
    let invoices = CoverageFilter {
        entities: vec!["invoice".to_owned(), "item".to_owned()],
        ..any()
    };
    assert_eq!(coverage(world, invoices).await.len(), 5);
    let items = CoverageFilter {
        entities: vec!["item".to_owned()],
        ..any()
    };
    assert!(coverage(world, items).await.is_empty());
    let some_days = CoverageFilter {
        connections: vec![scene.connection],
        from: Some(day(1)),
        to: Some(day(2)),
        ..any()
    };
    let days: Vec<_> = coverage(world, some_days)
        .await
        .iter()
        .map(|row| row.from)
        .collect();
    assert_eq!(days, [Some(day(1)), Some(day(2))]);
}

async fn missing(world: &dyn World, filter: CoverageFilter) -> Vec<Missing> {
    world.ledger().asked_and_not_read(&filter).await.unwrap()
}

/// First day, last day and why, in short.
fn told(missing: &[Missing]) -> Vec<(usize, usize, SegmentState, Option<FailureKind>)> {
    let number = |of: Option<chrono::NaiveDate>| (of.unwrap() - day(0)).num_days().try_into().unwrap();
    missing
        .iter()
        .map(|gap| (number(gap.from), number(gap.to), gap.state, gap.reason))
        .collect()
}

pub async fn what_was_asked_for_and_not_read_is_told_by_state_and_reason(world: &dyn World) {
    use SegmentState::{Cancelled, Dead, Pending, Running};
    let first = scene(world, 8).await;
    assert_eq!(
        told(&missing(world, CoverageFilter::default()).await),
        [(0, 7, Pending, None)]
    );
    kill(world, first.segments[0], FailureKind::Timeout).await;
    kill(world, first.segments[1], FailureKind::Timeout).await;
    kill(world, first.segments[2], FailureKind::Forbidden).await;
    finish(world, first.segments[3], &[record("1", 1)]).await;
    claim(world, first.segments[7]).await;
    assert_eq!(
        told(&missing(world, CoverageFilter::default()).await),
        [
            (2, 2, Dead, Some(FailureKind::Forbidden)),
            (0, 1, Dead, Some(FailureKind::Timeout)),
            (4, 6, Pending, None),
            (7, 7, Running, None),
        ]
    );
    world.ledger().steer_run(first.run, Steer::Cancel).await.unwrap();
    assert_eq!(
        told(&missing(world, CoverageFilter::default()).await),
        [
            (4, 7, Cancelled, None),
            (2, 2, Dead, Some(FailureKind::Forbidden)),
            (0, 1, Dead, Some(FailureKind::Timeout)),
        ]
    );
}

pub async fn days_that_were_read_through_another_window_are_not_missing(world: &dyn World) {
    use SegmentState::Pending;
    let daily = scene(world, 10).await;
    let middle = Days {
        from: day(3),
        to: day(6),
    };
    let window = Window::Dates { days: middle };
    let segment = NewSegment {
        id: SegmentId::new(),
        connection: daily.connection,
        entity: "invoice".to_owned(),
        work: window.into(),
    };
    let id = segment.id;
    submit(
        world,
        &new_run(Lane::Backfill, "three days at once"),
        vec![segment],
    )
    .await;
    let any = CoverageFilter::default;
    assert_eq!(told(&missing(world, any()).await), [(0, 9, Pending, None)]);
    finish(world, id, &[]).await;
    assert_eq!(
        told(&missing(world, any()).await),
        [(0, 2, Pending, None), (6, 9, Pending, None)]
    );
    let some_days = CoverageFilter {
        from: Some(day(2)),
        to: Some(day(6)),
        ..any()
    };
    assert_eq!(
        told(&missing(world, some_days).await),
        [(2, 2, Pending, None), (6, 6, Pending, None)]
    );
    let others = CoverageFilter {
        entities: vec!["item".to_owned()],
        ..any()
    };
    assert_eq!(missing(world, others).await, []);
}

pub async fn a_list_that_was_never_read_whole_is_missing_without_days(world: &dyn World) {
    let connection = company(world, "Alder & Sons").await;
    let whole = |entity: &str| NewSegment {
        id: SegmentId::new(),
        connection,
        entity: entity.to_owned(),
        work: Window::Whole.into(),
    };
    let (customers, items) = (whole("customer"), whole("item"));
    let read = customers.id;
    submit(world, &new_run(Lane::Backfill, "lists"), vec![customers, items]).await;
    finish(world, read, &[]).await;
    let missing = missing(world, CoverageFilter::default()).await;
    let told: Vec<_> = missing
        .iter()
        .map(|gap| (gap.entity.as_str(), gap.axis, gap.from, gap.to, gap.state))
        .collect();
    assert_eq!(told, [("item", Axis::Whole, None, None, SegmentState::Pending)]);
}
