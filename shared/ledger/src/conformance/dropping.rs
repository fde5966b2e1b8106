//! Dropping: dead letters that nobody wants to see any more.

use ledgerfleet_model::{FailureKind, Lane, SegmentState};

use super::World;
use super::letters::{all, drop_all, listed, replay};
use super::scene::{company, day, kill, run_for, scene, seconds};
use crate::{CoverageFilter, DeadLetterFilter, Dropped, ReplayRequest};

pub async fn a_dropped_letter_is_dead_and_found_only_by_who_asks_for_it(world: &dyn World) {
    let scene = scene(world, 3).await;
    for segment in &scene.segments {
        kill(world, *segment, FailureKind::BadRequest).await;
        world.pass_time(seconds(1)).await;
    }
    let [a, b, c] = scene.segments[..] else {
        panic!("three days");
    };
    assert_eq!(drop_all(world, &[b]).await, 1);
    assert_eq!(drop_all(world, &[b]).await, 0, "twice is once");
    let dropped = DeadLetterFilter {
        dropped: Dropped::Only,
        ..DeadLetterFilter::default()
    };
    assert_eq!(listed(world, DeadLetterFilter::default()).await, [c, a]);
    assert_eq!(listed(world, dropped.clone()).await, [b]);
    let groups = |filter: DeadLetterFilter| async move {
        let groups = world.ledger().dead_letter_groups(&filter, 10).await.unwrap();
        groups.into_iter().map(|group| group.count).collect::<Vec<_>>()
    };
    assert_eq!(groups(DeadLetterFilter::default()).await, [2]);
    assert_eq!(groups(dropped.clone()).await, [1]);

    // Its day is as incomplete as it was.
    assert_eq!(world.standing(b).await.state, SegmentState::Dead);
    world.ledger().close_runs().await.unwrap();
    assert_eq!(world.ledger().run(scene.run).await.unwrap().unwrap().dead, 3);
    let filter = CoverageFilter {
        from: Some(day(1)),
        to: Some(day(1)),
        ..CoverageFilter::default()
    };
    let missing = world.ledger().asked_and_not_read(&filter).await.unwrap();
    assert_eq!(missing.len(), 1);

    // It is not sent again with all the others, but on its own demand; then it is hidden no more.
    assert_eq!(replay(world, &all()).await.segments, 2);
    assert_eq!(world.standing(b).await.state, SegmentState::Dead);
    let request = ReplayRequest {
        filter: dropped.clone(),
        ..all()
    };
    assert_eq!(replay(world, &request).await.segments, 1);
    kill(world, b, FailureKind::BadRequest).await;
    assert_eq!(listed(world, DeadLetterFilter::default()).await, [b]);
    assert!(listed(world, dropped).await.is_empty());
}

pub async fn a_drop_takes_only_what_its_filter_lets_through(world: &dyn World) {
    let scene = scene(world, 2).await;
    let other = company(world, "Birch").await;
    let others = run_for(world, other, Lane::Backfill, 1).await;
    for segment in scene.segments.iter().chain(&others.segments) {
        kill(world, *segment, FailureKind::BadRequest).await;
        world.pass_time(seconds(1)).await;
    }
    let of_birch = DeadLetterFilter {
        connections: vec![other],
        ..DeadLetterFilter::default()
    };
    assert_eq!(
        world.ledger().drop_dead_letters(&of_birch, "ada").await.unwrap(),
        1
    );
    assert_eq!(
        listed(world, DeadLetterFilter::default()).await,
        [scene.segments[1], scene.segments[0]]
    );
}
