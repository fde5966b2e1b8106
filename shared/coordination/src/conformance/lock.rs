//! What all locks must do.

use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_model::{ConnectionId, Epoch, SegmentId, Window};

use super::World;
use crate::{Lock, LockKey, Locks, Taken};

const TTL: Duration = Duration::from_millis(600);

fn key() -> LockKey {
    LockKey {
        connection: ConnectionId::new(),
        entity: "invoice".into(),
        window: Window::Whole,
    }
}

async fn take(locks: &Arc<dyn Locks>, key: &LockKey, segment: SegmentId, epoch: i64) -> Option<Lock> {
    match locks.take(key, segment, Epoch(epoch), TTL).await.unwrap() {
        Taken::Taken(lock) => Some(lock),
        Taken::Busy => None,
    }
}

/// And is free again once it is released.
pub async fn a_lock_has_one_holder(world: &impl World) {
    let (locks, key) = (world.locks(), key());
    let lock = take(&locks, &key, SegmentId::new(), 1).await.unwrap();
    assert_eq!(take(&locks, &key, SegmentId::new(), 1).await, None);
    locks.release(&lock).await.unwrap();
    assert!(take(&locks, &key, SegmentId::new(), 1).await.is_some());
}

/// Recovery does not wait for a time to live.
pub async fn the_same_segment_with_a_higher_epoch_takes_over_at_once(world: &impl World) {
    let (locks, key, segment) = (world.locks(), key(), SegmentId::new());
    take(&locks, &key, segment, 4).await.unwrap();
    assert_eq!(take(&locks, &key, segment, 4).await, None);
    assert_eq!(take(&locks, &key, segment, 3).await, None);
    assert!(take(&locks, &key, segment, 5).await.is_some());
}

/// Epochs of different segments say nothing about each other.
pub async fn another_segment_does_not_take_over_whatever_its_epoch(world: &impl World) {
    let (locks, key) = (world.locks(), key());
    take(&locks, &key, SegmentId::new(), 1).await.unwrap();
    assert_eq!(take(&locks, &key, SegmentId::new(), 99).await, None);
}

/// A zombie cannot free its successor's lock.
pub async fn who_was_taken_from_can_neither_renew_nor_release(world: &impl World) {
    let (locks, key, segment) = (world.locks(), key(), SegmentId::new());
    let old = take(&locks, &key, segment, 1).await.unwrap();
    let new = take(&locks, &key, segment, 2).await.unwrap();
    assert!(!locks.renew(&old, TTL).await.unwrap());
    locks.release(&old).await.unwrap();
    assert_eq!(take(&locks, &key, SegmentId::new(), 1).await, None);
    assert!(locks.renew(&new, TTL).await.unwrap());
}

/// Who renews keeps it; who does not has lost it, and learns so.
pub async fn a_lock_that_is_not_renewed_frees_itself(world: &impl World) {
    let (locks, key) = (world.locks(), key());
    let lock = take(&locks, &key, SegmentId::new(), 1).await.unwrap();
    world.pass(TTL * 2 / 3).await;
    assert!(locks.renew(&lock, TTL).await.unwrap());
    world.pass(TTL * 2 / 3).await;
    assert_eq!(take(&locks, &key, SegmentId::new(), 1).await, None);
    world.pass(TTL).await;
    assert!(!locks.renew(&lock, TTL).await.unwrap());
    assert!(take(&locks, &key, SegmentId::new(), 1).await.is_some());
}

/// Connection, entity and window each tell locks apart.
pub async fn other_windows_are_other_locks(world: &impl World) {
    let (locks, key) = (world.locks(), key());
    take(&locks, &key, SegmentId::new(), 1).await.unwrap();
    let other_company = LockKey {
        connection: ConnectionId::new(),
        ..key.clone()
    };
    let other_entity = LockKey {
        entity: "customer".into(),
        ..key
    };
    assert!(take(&locks, &other_company, SegmentId::new(), 1).await.is_some());
    assert!(take(&locks, &other_entity, SegmentId::new(), 1).await.is_some());
}
