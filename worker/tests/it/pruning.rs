//! Pruning: whoever leads forgets what nobody asks for any more.

use std::time::Duration;

use ledgerfleet_ledger::{Refresh, RefreshOutcome};
use ledgerfleet_model::WorkerName;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_refreshes_of_a_connection_the_newest_thousand_are_kept_and_those_of_what_is_stored() {
    let world = World::new().await;
    let (ledger, id) = (&world.parts.ledger, world.connections[0].id);
    for version in 1..=1_003 {
        let refresh = Refresh {
            version,
            worker: WorkerName("north".to_owned()),
            outcome: RefreshOutcome::Failed,
            transaction_id: None,
            at: None,
        };
        ledger.note_refresh(id, &refresh).await.unwrap();
    }
    let runner = world.runner();
    let pruned = async {
        loop {
            let story = ledger.refreshes(id, 2_000).await.unwrap();
            if story.len() <= 1_001 {
                return story;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let story = tokio::time::timeout(Duration::from_secs(20), pruned)
        .await
        .unwrap();
    runner.stop().await;
    let versions: Vec<i64> = story.iter().map(|refresh| refresh.version).collect();
    // The stored credential is of version 1.
    let kept = (4..=1_003).rev().chain([1]);
    assert_eq!(versions, kept.collect::<Vec<_>>());
}
