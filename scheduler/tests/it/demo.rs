//! The demo: equal to the truth, however often it is run and however it was ended.

use crate::world::World;

#[tokio::test]
async fn the_demo_equals_the_truth_and_running_it_again_stores_nothing() {
    let world = World::new();
    let first = world
        .run("demo --days 7 -o json")
        .await
        .expect(0)
        .says("none missing, extra or different");
    let rows = first.json();
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["rows"] == row["truth"]
                && row["new"] == row["rows"]
                && row["total"] == row["true_total"])
    );
    let invoices = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["entity"] == "invoice");
    let total = &invoices.unwrap()["total"];
    assert!(total.is_number(), "{total}");
    let digits = format!("\"total\": {total}");
    assert!(
        first.stdout.contains(&digits),
        "the digits are those of the sum: {digits}"
    );
    assert!(
        first
            .stderr
            .trim_end()
            .lines()
            .last()
            .unwrap()
            .contains("at QuickBooks' own limits")
    );
    world
        .run("demo --days 7")
        .await
        .expect(0)
        .says("0 new, 0 changed");
}

#[tokio::test]
async fn a_demo_that_was_killed_goes_on_where_it_was() {
    let world = World::new().with("LEDGERFLEET_DATABASE_URL", "sqlite://ledgerfleet-demo.db");
    let demo = world.start("demo --days 60", "segments").await;
    loop {
        let runs = world.run("run list -o json").await.expect(0).json();
        assert_eq!(
            runs[0]["state"], "active",
            "the demo was over before it could be killed"
        );
        if runs[0]["done"].as_u64() > Some(10) {
            break;
        }
    }
    demo.end_with("KILL").await;
    let again = world.run("demo --days 60").await.expect(0).says("joined it");
    assert!(!again.stderr.contains(" 0 new"), "{}", again.stderr);
    world
        .run("demo --days 60")
        .await
        .expect(0)
        .says("0 new, 0 changed");
}

#[tokio::test]
async fn a_kept_demo_serves_until_it_is_stopped() {
    let world = World::new().with("LEDGERFLEET_SERVE_LISTEN", "127.0.0.1:0");
    let demo = world.start("demo --days 1 --keep", "Serving until Ctrl-C").await;
    world.run("demo").await.expect(7);
    demo.end_with("INT").await.expect(0);
}
