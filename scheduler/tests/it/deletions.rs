//! Deletions: what is gone at the source is told, and loudly where nothing is left of a day.

use ledgerfleet_emulator::{Mutation, MutationKind};

use crate::world::{World, emulator};

const LOUD: &str = "every record that was stored of a window is gone at the source";

#[tokio::test]
async fn a_day_that_has_vanished_as_a_whole_is_told() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-03 --to 2026-06-03 -o json";
    let rows = world.run(line).await.expect(0).json()["rows"].as_u64().unwrap();
    assert!(rows > 1, "{rows}");
    let delete = |count: u64| Mutation {
        day: Some("2026-06-03".parse().unwrap()),
        count: count.try_into().unwrap(),
        ..Mutation::new("demo-us", "invoice", MutationKind::Delete)
    };

    emulator.mutate(delete(1)).unwrap();
    let ended = world
        .run(line)
        .await
        .expect(0)
        .says("gone at the source, and marked as deleted: 1 record of its windows");
    assert_eq!(ended.json()["deleted"], 1);
    assert!(!ended.stderr.contains(LOUD), "{ended:?}");

    emulator.mutate(delete(rows - 1)).unwrap();
    let ended = world.run(line).await.expect(0);
    assert_eq!(
        (&ended.json()["deleted"], &ended.json()["rows"]),
        (&(rows - 1).into(), &0.into())
    );
    ended.says(LOUD);
}
