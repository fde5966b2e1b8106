//! Replays: whoever looks at a run sees that sending its dead letters again has stopped itself.

use ledgerfleet_emulator::{FaultKind, FaultSpec};

use crate::world::{World, emulator};

#[tokio::test]
async fn a_replay_that_stopped_itself_is_told_with_its_run() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-03 -o json";
    let run = world.run(line).await.expect(3).json();
    assert_eq!(run["replays"], serde_json::json!([]));
    let id = run["run_id"].as_str().unwrap();
    let letters = world.run("dlq list -o json").await.expect(0).json();

    world.run("dlq replay --all --rate 600/min").await.expect(0);
    world.run(&format!("run watch {id}")).await.expect(3);
    let show = world.run(&format!("run show {id} -o json")).await.expect(0);
    let shown = show.json();
    let replay = &shown["replays"][0];
    assert_eq!(
        (&replay["segments"], &replay["per_minute"]),
        (&3.into(), &600.into())
    );
    assert!(["stopping", "stopped"].contains(&replay["state"].as_str().unwrap()));
    assert_eq!(replay["stopped_fingerprint"], letters[0]["fingerprint"]);
    show.says("has stopped itself: segment");
    let for_people = world.run(&format!("run show {id}")).await.expect(0);
    assert!(
        for_people.stdout.contains(replay["replay_id"].as_str().unwrap()),
        "{for_people:?}"
    );
}
