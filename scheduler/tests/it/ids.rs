//! Ids may be given by their beginning, or as `last`, wherever one is taken.

use ledgerfleet_emulator::{FaultKind, FaultSpec};

use crate::world::{World, emulator};

const DEAD: &str = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-02";

#[tokio::test]
async fn a_run_and_a_dead_letter_are_found_by_the_beginning_of_their_ids_and_as_the_last() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    for line in [
        "run show last",
        "run cancel last",
        "dlq show last",
        "dlq list --run last",
    ] {
        world.run(line).await.expect(2).says("yet");
    }
    emulator.set_fault(FaultSpec::always(FaultKind::Fault {
        status: 400,
        code: 4000,
    }));
    world.run(DEAD).await.expect(3);
    emulator.clear_faults();
    let newest = world
        .run("backfill --connection demo-us --entity customer --from 2026-06-01 --to 2026-06-02 -o json")
        .await
        .expect(0)
        .json();
    let runs = world.run("run list -o json").await.expect(0).json();
    let ids: Vec<&str> = [0, 1]
        .map(|index| runs[index]["run_id"].as_str().unwrap())
        .to_vec();
    assert_eq!(newest["run_id"], ids[0]);

    // What the table shows of an id is enough.
    let table = world.run("run list").await.expect(0).stdout;
    let short: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(short.len(), 2);
    for (short, id) in short.iter().zip(&ids) {
        assert!(short.len() < id.len() && id.starts_with(short), "{short} of {id}");
        for written in [(*short).to_owned(), short.to_uppercase(), short.replace('-', "")] {
            let shown = world
                .run(&format!("run show {written} -o json"))
                .await
                .expect(0)
                .json();
            assert_eq!(shown["run_id"], **id);
        }
    }
    for last in ["run show last -o json", "run watch last -o json"] {
        assert_eq!(world.run(last).await.expect(0).json()["run_id"], ids[0]);
    }
    for over in ["run pause last", "run resume last", "run cancel last"] {
        world.run(over).await.expect(1).says("is over");
    }
    world
        .run("run show 0")
        .await
        .expect(2)
        .says("more than one run")
        .says(ids[1]);
    world
        .run("run show ffff")
        .await
        .expect(2)
        .says("there is no run whose id begins with ffff");

    let letters = world.run("dlq list -o json --run last").await.expect(0).json();
    assert_eq!(letters.as_array().unwrap().len(), 0);
    let letters = world
        .run(&format!("dlq list -o json --run {}", short[1]))
        .await
        .expect(0)
        .json();
    let letter = letters[0]["id"].as_str().unwrap();
    for id in ["last", &letter[..30], letter] {
        let shown = world
            .run(&format!("dlq show {id} -o json"))
            .await
            .expect(0)
            .json();
        assert_eq!(shown["id"], letter);
    }
    let one = world.run("dlq replay --id last --dry-run").await.expect(0);
    one.says("1 dead letter would be sent again");
    let rest = world.run("dlq list -o json --after last").await.expect(0).json();
    assert_eq!(rest.as_array().unwrap().len(), 1);
}
