//! Data on stdout in four forms, talk on stderr.

use crate::world::{World, emulator};

#[tokio::test]
async fn settings_are_shown_with_their_origin_and_secrets_only_as_set() {
    let world = World::new().with("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", "canary");
    world.write(".env", "LEDGERFLEET_PAGE_SIZE=7\n");
    let shown = world.run("config show --origin -o csv").await.expect(0).stdout;
    assert!(
        shown
            .contains("quickbooks.client_secret,set,LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET in the environment")
    );
    assert!(shown.contains("page_size,7,LEDGERFLEET_PAGE_SIZE in .env"));
    assert!(shown.contains("timings.lease,20s,default"));
    assert!(shown.contains("database_url,sqlite://ledgerfleet.db,default"));
    assert!(!shown.contains("canary"));
}

#[tokio::test]
async fn a_master_key_is_printed_alone_on_stdout() {
    let world = World::new();
    let key = world.run("key generate").await.expect(0).stdout;
    assert!(key.starts_with("lfk1_") && key.lines().count() == 1, "{key}");
    let quiet = world.run("key generate --quiet").await.expect(0);
    assert_eq!(quiet.stderr, "");
}

#[tokio::test]
async fn a_master_key_is_made_into_the_file_that_is_configured_for_it() {
    let world = World::new().with("LEDGERFLEET_MASTER_KEY_FILE", "master.key");
    // As the shell makes it before the program runs.
    world.write("master.key", "");
    let key = world.run("key generate").await.expect(0).stdout;
    assert!(key.starts_with("lfk1_"), "{key}");
}

#[tokio::test]
async fn a_backfill_prints_one_object_and_its_records_can_be_read_in_every_form() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let line = "backfill --connection demo-us --entity Invoice,customer --from 2026-06-01 --to 2026-06-07";

    let plan = world
        .run(&format!("{line} --dry-run -o json"))
        .await
        .expect(0)
        .json();
    assert_eq!(plan["parts"][0]["segments"], 1);
    assert_eq!(plan["parts"][1]["segments"], 7);
    assert_eq!(plan["total"]["calls"]["least"], 8);
    assert_eq!(plan["otherwise"][0]["segmenting"], "auto");
    assert_eq!(plan["otherwise"][0]["calls"]["least"], 2);
    assert_eq!(
        plan["parts"][1]["rows"],
        serde_json::Value::Null,
        "nobody was asked"
    );
    let before = emulator.summary().metered;
    let asked = world
        .run(&format!("{line} --dry-run --ask -o json"))
        .await
        .expect(0)
        .json();
    assert_eq!(emulator.summary().metered, before + 2, "a call an entity");
    let rows = asked["parts"][1]["rows"].as_u64().unwrap();
    assert!(rows > 20, "{asked}");

    let run = world
        .run(&format!("{line} --wait -o json"))
        .await
        .expect(0)
        .json();
    for field in [
        "run_id",
        "state",
        "connections",
        "entities",
        "from",
        "to",
        "segments",
        "done",
        "empty",
        "dead",
        "cancelled",
        "pending",
        "running",
        "rows",
        "pages",
        "calls",
        "seconds",
    ] {
        assert!(run.get(field).is_some(), "{field}");
    }
    assert_eq!(
        (&run["state"], &run["segments"], &run["done"]),
        (&"done".into(), &8.into(), &8.into())
    );

    let id = run["run_id"].as_str().unwrap();
    assert_eq!(
        world
            .run(&format!("run show {id} -o json"))
            .await
            .expect(0)
            .json()["rows"],
        run["rows"]
    );
    let records = "records --connection demo-us --entity invoice --from 2026-06-02 --to 2026-06-02";
    let lines = world.run(&format!("{records} -o jsonl")).await.expect(0).stdout;
    let csv = world.run(&format!("{records} -o csv")).await.expect(0).stdout;
    let json = world.run(&format!("{records} -o json")).await.expect(0).json();
    assert_eq!(json.as_array().unwrap().len(), lines.lines().count());
    assert_eq!(csv.lines().count(), lines.lines().count() + 1);
    assert!(json[0]["payload"]["Id"].is_string());

    let shown = world.run(&format!("run show {id} -o csv")).await.expect(0).stdout;
    let (titles, values) = shown.split_once('\n').unwrap();
    assert!(titles.starts_with("run_id,state,lane,connections,"), "{titles}");
    assert!(
        values.contains(&format!(",{},", run["seconds"])) && values.contains(&format!(",{},", run["rows"])),
        "{values}"
    );

    let covered = world
        .run("coverage --connection demo-us -o jsonl")
        .await
        .expect(0)
        .stdout;
    assert_eq!(covered.lines().count(), 8);
    let gaps = "coverage --gaps --entity invoice --from 2026-05-30 --to 2026-06-08 -o json";
    let gaps = world.run(gaps).await.expect(0).json();
    assert_eq!(
        (&gaps[0]["from"], &gaps[0]["days"]),
        (&"2026-05-30".into(), &2.into())
    );
    assert_eq!(
        (&gaps[1]["from"], &gaps[1]["why"]),
        (&"2026-06-08".into(), &"missing".into())
    );
}

#[tokio::test]
async fn a_finished_request_may_be_asked_again_and_changes_nothing() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-03 -o json";
    let first = world.run(line).await.expect(0).json();
    let records = "records --connection demo-us --entity invoice --limit 1000 -o csv";
    let before = world.run(records).await.expect(0).stdout;
    let second = world.run(line).await.expect(0).json();
    assert_ne!(first["run_id"], second["run_id"]);
    assert_eq!(world.run(records).await.expect(0).stdout, before);
}
