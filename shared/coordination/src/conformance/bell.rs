//! What every bell must do.

use std::time::Duration;

use ledgerfleet_model::{Lane, SegmentId};

use super::World;

const PATIENCE: Duration = Duration::from_millis(200);

fn ids(many: usize) -> Vec<SegmentId> {
    (0..many).map(|_| SegmentId::new()).collect()
}

/// Live before manual before backfill, and each in the order it was offered.
pub async fn lanes_are_served_in_their_order(world: &impl World) {
    let (bell, ids) = (world.bell(), ids(6));
    bell.replace(Lane::Backfill, &ids[3..]).await.unwrap();
    bell.replace(Lane::Manual, &ids[1..3]).await.unwrap();
    bell.replace(Lane::Live, &ids[..1]).await.unwrap();
    let mut popped = bell.pop(4, PATIENCE).await.unwrap();
    while popped.len() < ids.len() {
        let more = bell.pop(4, PATIENCE).await.unwrap();
        assert!(!more.is_empty(), "{popped:?}");
        popped.extend(more);
    }
    assert_eq!(popped, ids);
}

/// The set that is replaced takes its stale ids with it.
pub async fn replacing_a_lane_drops_what_it_held(world: &impl World) {
    let (bell, ids) = (world.bell(), ids(3));
    bell.replace(Lane::Backfill, &ids[..2]).await.unwrap();
    bell.replace(Lane::Backfill, &ids[2..]).await.unwrap();
    assert_eq!(bell.ready(Lane::Backfill).await.unwrap(), 1);
    assert_eq!(bell.pop(9, PATIENCE).await.unwrap(), ids[2..]);
    bell.replace(Lane::Backfill, &ids).await.unwrap();
    bell.replace(Lane::Backfill, &[]).await.unwrap();
    assert_eq!(bell.ready(Lane::Backfill).await.unwrap(), 0);
}

/// Waiting needs no second look.
pub async fn whoever_waits_is_served_when_the_set_is_filled(world: &impl World) {
    let (bell, ids) = (world.bell(), ids(2));
    let (one, other) = (world.bell(), world.bell());
    let waiting = async {
        let patience = Duration::from_secs(2);
        tokio::join!(async { one.pop(1, patience).await.unwrap() }, async {
            other.pop(1, patience).await.unwrap()
        })
    };
    let filling = async {
        world.pass(Duration::from_millis(50)).await;
        bell.replace(Lane::Manual, &ids).await.unwrap();
    };
    let ((first, second), ()) = tokio::join!(waiting, filling);
    let mut popped = [first, second].concat();
    popped.sort();
    assert_eq!(popped, ids);
}

/// Nobody waits for ever.
pub async fn an_empty_bell_answers_nothing_after_the_patience(world: &impl World) {
    assert_eq!(world.bell().pop(1, PATIENCE).await.unwrap(), []);
    assert!(!world.bell().rung(PATIENCE).await.unwrap());
}

/// Many take from one set.
pub async fn no_id_is_given_twice(world: &impl World) {
    let ids = ids(100);
    world.bell().replace(Lane::Backfill, &ids).await.unwrap();
    let taking = (0..10).map(|_| async {
        let bell = world.bell();
        let mut taken = Vec::new();
        loop {
            let more = bell.pop(3, PATIENCE).await.unwrap();
            if more.is_empty() {
                return taken;
            }
            taken.extend(more);
        }
    });
    let mut taken = futures::future::join_all(taking).await.concat();
    taken.sort();
    assert_eq!(taken, ids);
}

/// A ring while the leader was busy is not lost.
pub async fn a_ring_is_heard_also_by_who_listens_later(world: &impl World) {
    let bell = world.bell();
    bell.ring().await.unwrap();
    bell.ring().await.unwrap();
    assert!(bell.rung(PATIENCE).await.unwrap());
    let (heard, ()) = tokio::join!(bell.rung(Duration::from_secs(2)), async {
        world.pass(Duration::from_millis(50)).await;
        world.bell().ring().await.unwrap();
    });
    assert!(heard.unwrap());
}

/// Whoever looks does not disturb those who work.
pub async fn a_probe_takes_nothing_and_leaves_nothing(world: &impl World) {
    let (bell, ids) = (world.bell(), ids(2));
    bell.replace(Lane::Live, &ids).await.unwrap();
    bell.probe().await.unwrap();
    assert!(!bell.rung(PATIENCE).await.unwrap());
    assert_eq!(bell.pop(9, PATIENCE).await.unwrap(), ids);
    bell.probe().await.unwrap();
    assert_eq!(bell.pop(9, PATIENCE).await.unwrap(), []);
}

/// A process that has nothing to do is as ready as one that is busy.
pub async fn a_probe_does_not_wait_for_who_waits_at_the_bell(world: &impl World) {
    let bell = world.bell();
    let probing = async {
        world.pass(Duration::from_millis(50)).await;
        bell.probe().await.unwrap();
    };
    tokio::select! {
        () = probing => {}
        popped = bell.pop(1, Duration::from_secs(2)) => panic!("the wait ended first: {popped:?}"),
    }
}
