//! What people see on a terminal of 80 columns: a real one, that `script` of util-linux makes.

use crate::world::{Ended, World, emulator};

/// Every command that prints a table of what a backfill leaves.
const TABLES: [&str; 11] = [
    "status",
    "entities",
    "connection list",
    "run list",
    "records --connection demo-us --entity invoice --limit 20",
    "records --connection demo-us --entity customer --limit 20",
    "coverage",
    "coverage --gaps --entity invoice --from 2026-05-30 --to 2026-06-08",
    "verify --connection demo-us --entity invoice,customer --from 2026-06-01 --to 2026-06-03",
    "backfill --connection demo-us --entity all --from 2026-06-01 --to 2026-06-03 --dry-run",
    "doctor",
];

async fn on_a_terminal(world: &World, line: &str) -> Ended {
    let program = env!("CARGO_BIN_EXE_scheduler");
    let script = format!("stty cols 80 rows 24; {program} {line}");
    world.run_program("script", &["-qec", &script, "/dev/null"]).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_line_of_any_table_is_wider_than_80_columns_and_no_value_is_broken() {
    let emulator = emulator().await;
    let world = World::beside(&emulator)
        .with("PATH", "/usr/bin:/bin")
        .with("NO_COLOR", "1");
    world.connect(&emulator.info().companies[0]).await;
    let fill = "backfill --connection demo-us --entity invoice,customer --from 2026-06-01 --to 2026-06-03";
    world.run(fill).await.expect(0);
    for line in TABLES {
        let shown = on_a_terminal(&world, line).await;
        for row in shown.stdout.lines() {
            assert!(
                row.trim_end().chars().count() <= 80 || !row.contains("  "),
                "{line}: {row}"
            );
        }
    }
    let records = on_a_terminal(&world, TABLES[4]).await.stdout;
    let ids: Vec<String> = {
        let json = world
            .run(&format!("{} -o json", TABLES[4]))
            .await
            .expect(0)
            .json();
        let ids = json
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    for id in ids {
        assert!(
            records
                .lines()
                .any(|row| row.split_whitespace().next() == Some(&id)),
            "{id} in {records}"
        );
    }
}
