//! Dead letters in an incident: found, sent again with a brake, hidden.

use ledgerfleet_emulator::{FaultKind, FaultSpec, RunningEmulator};
use serde_json::Value;

use crate::world::{World, emulator};

/// A world whose invoices of these days of June have died, all of one cause, and a process that works.
async fn after_an_incident(emulator: &RunningEmulator, days: u32) -> World {
    let world = World::beside(emulator).with("USER", "ada");
    world.connect(&emulator.info().companies[0]).await;
    emulator.set_fault(bad_request());
    let line =
        format!("backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-{days:02}");
    world.run(&line).await.expect(3);
    world
}

fn bad_request() -> FaultSpec {
    FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    })
}

async fn list(world: &World, flags: &str) -> Vec<Value> {
    let listed = world.run(&format!("dlq list -o json {flags}")).await.expect(0);
    listed.json().as_array().unwrap().clone()
}

/// How the newest replay stands, once it is in one of these states.
async fn replay_once(world: &World, states: &[&str]) -> Value {
    loop {
        let replays = world.run("dlq replays -o json").await.expect(0).json();
        if states.iter().any(|state| replays[0]["state"] == *state) {
            return replays[0].clone();
        }
    }
}

#[tokio::test]
async fn dead_letters_are_filtered_grouped_and_paged() {
    let emulator = emulator().await;
    let world = after_an_incident(&emulator, 5).await;
    assert_eq!(list(&world, "").await.len(), 5);
    assert_eq!(list(&world, "--from 2026-06-02 --to 2026-06-03").await.len(), 2);
    assert_eq!(
        list(&world, "--reason bad-request --connection demo-us")
            .await
            .len(),
        5
    );
    assert!(list(&world, "--reason timeout").await.is_empty());
    assert!(list(&world, "--entity customer").await.is_empty());

    let groups = list(&world, "--group --to 2026-06-03").await;
    assert_eq!((groups.len(), &groups[0]["count"]), (1, &3.into()));
    let print = groups[0]["fingerprint"].as_str().unwrap();
    assert_eq!(list(&world, &format!("--fingerprint {print}")).await.len(), 5);

    let first = world.run("dlq list -o json --limit 3").await.expect(0);
    let last = first.json()[2]["id"].as_str().unwrap().to_owned();
    first.says(&format!("--after {last}"));
    let rest = list(&world, &format!("--limit 3 --after {last}")).await;
    assert_eq!(rest.len(), 2);

    for (wrong, told) in [
        ("dlq list --reason bad_requst", "did you mean bad_request?"),
        ("dlq list --entity invoic", "--entity invoice"),
        ("dlq list --connection demo-uk", "did you mean `demo-us`?"),
        (
            "dlq list --from 2026-06-02 --to 2026-06-01",
            "ends (2026-06-01) before",
        ),
        ("dlq replay", "which dead letters are meant"),
        ("dlq drop --no-input", "which dead letters are meant"),
        ("dlq replay --all --rate fast", "60/min"),
        (
            "dlq list --after 0192f0c1-5e2a-7000-8000-1c9d3a6b4e21",
            "there is no dead letter",
        ),
        (
            "dlq show 0192f0c1-5e2a-7000-8000-1c9d3a6b4e21",
            "there is no dead letter",
        ),
    ] {
        world.run(wrong).await.expect(2).says(told);
    }
}

#[tokio::test]
async fn a_history_tells_when_who_what_and_how_long() {
    let emulator = emulator().await;
    let world = after_an_incident(&emulator, 1).await;
    let id = list(&world, "").await[0]["id"].as_str().unwrap().to_owned();
    let shown = world
        .run(&format!("dlq show {id} -o json"))
        .await
        .expect(0)
        .says(&format!("scheduler dlq replay --id {id}"))
        .json();
    assert_eq!((&shown["pages"], &shown["attempts"]), (&0.into(), &1.into()));
    let attempt = &shown["history"][0];
    assert_eq!(
        (
            &attempt["outcome"],
            &attempt["status"],
            &attempt["upstream_code"],
            &attempt["pages"]
        ),
        (&"dead".into(), &400.into(), &"4000".into(), &0.into())
    );
    for told in [
        "worker",
        "request",
        "transaction_id",
        "message",
        "started_at",
        "ended_at",
    ] {
        assert!(attempt[told].is_string(), "{told} in {attempt}");
    }
    for told in ["worked_seconds", "gate_seconds", "waited_seconds"] {
        assert!(attempt[told].is_number(), "{told} in {attempt}");
    }
}

#[tokio::test]
async fn a_canary_goes_first_and_the_same_command_twice_sends_it_once() {
    let emulator = emulator().await;
    let world = after_an_incident(&emulator, 5).await;
    let preview = world
        .run("dlq replay --all --canary 2 --rate 2/min --dry-run -o json")
        .await
        .expect(0)
        .says("2 dead letters would be sent again, over 30 s, of 5 that match; none was");
    assert_eq!(preview.json().as_array().unwrap().len(), 2);

    let sent = world.run("dlq replay --all --canary 2 -o json").await.expect(0);
    let sent = sent.says("3 are left").json();
    assert_eq!(
        (&sent["segments"], &sent["matching"], &sent["runs"]),
        (&2.into(), &5.into(), &1.into())
    );
    let twice = world.run("dlq replay --all --canary 2 -o json").await.expect(0);
    let twice = twice.says("nothing to send again beside it").json();
    assert_eq!(
        (&twice["segments"], &twice["replay_id"]),
        (&0.into(), &sent["replay_id"])
    );

    emulator.clear_faults();
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    assert_eq!(replay_once(&world, &["over"]).await["done"], 2);
    world.run("dlq replay --all --rate 6000/min").await.expect(0);
    let all = replay_once(&world, &["over"]).await;
    assert_eq!((&all["done"], &all["asked_by"]), (&3.into(), &"ada".into()));
    server.end_with("TERM").await.expect(143);
    assert!(list(&world, "").await.is_empty());
    world.run("coverage --gaps").await.expect(0).says("no gaps");
}

#[tokio::test]
async fn a_replay_stops_when_its_cause_returns_and_says_so() {
    let emulator = emulator().await;
    let world = after_an_incident(&emulator, 5).await;
    let before = list(&world, "").await;
    let sent = world
        .run("dlq replay --all --rate 1/min -o json")
        .await
        .expect(0)
        .json();
    assert_eq!((&sent["segments"], &sent["seconds"]), (&5.into(), &240.0.into()));
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let stopped = replay_once(&world, &["stopped"]).await;
    server.end_with("TERM").await.expect(143);
    assert_eq!(
        (&stopped["replay_id"], &stopped["withdrawn"], &stopped["dead"]),
        (&sent["replay_id"], &4.into(), &5.into())
    );
    assert_eq!(stopped["stopped_fingerprint"], before[0]["fingerprint"]);
    let listed = world.run("dlq list -o json").await.expect(0);
    let after = listed.json();
    for letter in after.as_array().unwrap() {
        let was = before.iter().find(|was| was["id"] == letter["id"]).unwrap();
        assert_eq!(
            (&letter["fingerprint"], &letter["reason"]),
            (&was["fingerprint"], &was["reason"])
        );
        assert!(letter["replay_stopped"].as_str().unwrap().contains("died again"));
    }
    let same = after.as_array().unwrap().iter().filter(|letter| {
        before
            .iter()
            .any(|was| was["id"] == letter["id"] && was["died_at"] == letter["died_at"])
    });
    assert_eq!(same.count(), 4, "what nobody claimed died when it died");
    let id = after[0]["id"].as_str().unwrap().to_owned();
    listed.says("was stopped: segment ");
    world
        .run(&format!("dlq show {id}"))
        .await
        .expect(0)
        .says("was stopped: segment ");
}

#[tokio::test]
async fn dropped_letters_are_hidden_and_their_days_stay_incomplete() {
    let emulator = emulator().await;
    let world = after_an_incident(&emulator, 3).await;
    let of_a_day = "--from 2026-06-02 --to 2026-06-02";
    world
        .run(&format!("dlq drop {of_a_day} --dry-run"))
        .await
        .expect(0)
        .says("1 dead letter would be hidden; none was");
    world
        .run(&format!("dlq drop {of_a_day} --no-input"))
        .await
        .expect(2)
        .says("the same command with --yes");
    let dropped = world
        .run(&format!("dlq drop {of_a_day} --yes -o json"))
        .await
        .expect(0);
    assert_eq!(dropped.json()["dropped"], 1);
    world
        .run(&format!("dlq drop {of_a_day} --yes"))
        .await
        .expect(0)
        .says("nothing to hide");

    assert_eq!(list(&world, "").await.len(), 2);
    let hidden = list(&world, "--dropped").await;
    assert_eq!(hidden.len(), 1);
    assert!(hidden[0]["dropped_at"].is_string());
    let gaps = world.run("coverage --gaps -o json").await.expect(0).json();
    assert_eq!(
        (&gaps[0]["days"], &gaps[0]["why"]),
        (&3.into(), &"dead: bad_request".into())
    );

    let sent = world.run("dlq replay --all -o json").await.expect(0).json();
    assert_eq!(sent["segments"], 2, "all are all that nobody has hidden");
    let id = hidden[0]["id"].as_str().unwrap();
    world
        .run(&format!("dlq show {id}"))
        .await
        .expect(0)
        .says(&format!("scheduler dlq replay --dropped --id {id}"));
    let sent = world
        .run("dlq replay --dropped --all -o json")
        .await
        .expect(0)
        .json();
    assert_eq!(sent["segments"], 1);
}
