//! Gaps: whatever was asked for and is not complete is told, with its reason.

use ledgerfleet_emulator::{FaultKind, FaultSpec};
use serde_json::json;

use crate::world::{World, emulator};

#[tokio::test]
async fn days_that_are_dead_pending_or_cancelled_are_gaps_at_the_edges_of_a_range_too() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let us = &emulator.info().companies[0];
    world.connect(us).await;
    let backfill = |from: u32, to: u32| {
        format!(
            "backfill --connection demo-us --entity invoice --from 2026-06-0{from} --to 2026-06-0{to} -o json"
        )
    };
    world.run(&backfill(3, 5)).await.expect(0);
    world
        .run("coverage --gaps")
        .await
        .expect(0)
        .says("no gaps: every day that was asked for is complete");

    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    world.run(&backfill(1, 2)).await.expect(3);
    emulator.clear_faults();

    let stale = world.write("stale", "AB11-no-token-of-this-emulator");
    world.reconnect_with("demo-us", &us.realm, &stale).await.expect(0);
    let cancelled = world.run(&backfill(8, 9)).await.expect(4).json();
    let id = cancelled["run_id"].as_str().unwrap();
    world.run(&format!("run cancel {id}")).await.expect(0);
    world.run(&backfill(6, 7)).await.expect(4);

    let ended = world.run("coverage --gaps -o json").await.expect(0);
    let gaps = ended.json();
    let told: Vec<_> = gaps
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| {
            json!([
                gap["entity"],
                gap["axis"],
                gap["from"],
                gap["to"],
                gap["days"],
                gap["why"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([
                "invoice",
                "txn_date",
                "2026-06-01",
                "2026-06-02",
                2,
                "dead: bad_request"
            ]),
            json!(["invoice", "txn_date", "2026-06-06", "2026-06-07", 2, "pending"]),
            json!(["invoice", "txn_date", "2026-06-08", "2026-06-09", 2, "cancelled"]),
        ]
    );
    ended.says("scheduler dlq replay");

    world
        .run("dlq replay --all")
        .await
        .expect(0)
        .says("scheduler serve, or the same backfill again");
    world
        .run("dlq replay --all")
        .await
        .expect(0)
        .says("there is nothing to send again beside it");
}

#[tokio::test]
async fn a_list_that_died_is_a_gap_without_days() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let line = "backfill --connection demo-us --entity customer --from 2026-06-01 --to 2026-06-05";
    world.run(line).await.expect(3);
    let gaps = world.run("coverage --gaps -o json").await.expect(0).json();
    assert_eq!(
        (&gaps[0]["axis"], &gaps[0]["from"], &gaps[0]["why"]),
        (&"whole".into(), &json!(null), &"dead: bad_request".into())
    );
    emulator.clear_faults();
    world.run(line).await.expect(0);
    let gaps = world.run("coverage --gaps -o json").await.expect(0).json();
    assert_eq!(gaps, json!([]));
}
