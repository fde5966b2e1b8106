//! Dead letters of a scene: made, listed, dropped and sent again.

use ledgerfleet_model::{FailureKind, ReplayId, SegmentId};

use super::World;
use super::scene::{kill, seconds};
use crate::{DeadLetterFilter, Listing, Replay, ReplayRequest, Replayed, WhichReplays};

/// The ids of those that a filter lets through, newest first.
pub(super) async fn listed(world: &dyn World, filter: DeadLetterFilter) -> Vec<SegmentId> {
    let letters = world
        .ledger()
        .dead_letters(&filter, &Listing::newest(100))
        .await
        .unwrap();
    let count = world.ledger().count_dead_letters(&filter).await.unwrap();
    assert_eq!(letters.len(), usize::try_from(count).unwrap());
    letters.into_iter().map(|letter| letter.id).collect()
}

/// Drops these.
pub(super) async fn drop_all(world: &dyn World, ids: &[SegmentId]) -> u64 {
    let filter = DeadLetterFilter {
        ids: ids.to_vec(),
        ..DeadLetterFilter::default()
    };
    world.ledger().drop_dead_letters(&filter, "ada").await.unwrap()
}

/// Everything, at once.
pub(super) fn all() -> ReplayRequest {
    ReplayRequest {
        asked_by: "ada".to_owned(),
        ..ReplayRequest::default()
    }
}

/// Sends dead letters again.
pub(super) async fn replay(world: &dyn World, request: &ReplayRequest) -> Replayed {
    world.ledger().replay(request).await.unwrap()
}

/// How a replay stands.
pub(super) async fn told(world: &dyn World, replay: Option<ReplayId>) -> Replay {
    world
        .ledger()
        .replays(WhichReplays::One(replay.unwrap()), 1)
        .await
        .unwrap()
        .remove(0)
}

/// Kills all, each a second after the one before.
pub(super) async fn kill_all(world: &dyn World, segments: &[SegmentId], kind: FailureKind) {
    for segment in segments {
        kill(world, *segment, kind).await;
        world.pass_time(seconds(1)).await;
    }
}
