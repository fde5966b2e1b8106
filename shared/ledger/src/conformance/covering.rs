//! Coverage: which windows are complete.

use ledgerfleet_model::{FailureKind, Lane};

use super::World;
use super::scene::{claim, company, day, finish, kill, page, record, run_for, scene, store};
use crate::{CoverageFilter, CoverageRow, CoverageState, FinishedWindow, NextStep, Steer};

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
