//! Rows into SQLite by the embedded shape, beside a bulk insert.

use std::path::Path;
use std::time::Instant;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::ground::{Amount, ground};
use crate::world::{LAST, Variables, World};
use crate::{Bench, Reach, Values};

pub(crate) async fn measure(bench: &Bench, amount: Amount) -> Values {
    let world = World::new(bench, &ground(amount)).await;
    let ours = world.folder.path().join("ours.db");
    let variables = on_file(&world, &ours);
    connect(&world, &variables).await;
    let from = (LAST - chrono::Days::new(u64::from(amount.days) - 1)).to_string();
    let to = LAST.to_string();
    let (usage, said) = world
        .scheduler(
            "backfill",
            &[
                "backfill",
                "--connection",
                "all",
                "--entity",
                "invoice",
                "--from",
                &from,
                "--to",
                &to,
                "--quiet",
                "--output",
                "json",
            ],
            &variables,
        )
        .await;
    let copied = world.folder.path().join("copied.db");
    world
        .scheduler("migrate", &["migrate"], &on_file(&world, &copied))
        .await;
    let (rows, bulk) = copy(&ours, &copied).await;
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["rows"].as_f64(), Some(rows), "what was read is stored");
    let seconds = told["seconds"].as_f64().unwrap();
    let mut values = Values::default();
    values.put("rows", rows, "");
    values.put("ours: time, by the ledger", seconds, "s");
    values.put("ours: time of the command", usage.seconds, "s");
    values.put("ours: rows a second, by the ledger", rows / seconds, "");
    values.put("scheduler: processor time", usage.cpu, "s");
    values.judge(
        "scheduler: memory at most",
        usage.memory,
        "MiB",
        Reach::AtMost(100.0),
    );
    values.put("bulk insert: time", bulk, "s");
    values.put("rate, as a share of the bulk insert's", bulk / seconds, "");
    values
}

/// The environment of a program that keeps everything in a file.
fn on_file(world: &World, file: &Path) -> Variables {
    let mut variables = world.variables.clone();
    variables.retain(|(name, _)| *name != "LEDGERFLEET_REDIS_URL" && *name != "LEDGERFLEET_DATABASE_URL");
    variables.push(("LEDGERFLEET_DATABASE_URL", format!("sqlite://{}", file.display())));
    variables.push(("LEDGERFLEET_WORKER_CONCURRENCY", "64".to_owned()));
    variables
}

async fn connect(world: &World, variables: &Variables) {
    let company = &world.upstream.companies[0];
    std::fs::write(world.folder.path().join("token"), &company.refresh_token).unwrap();
    let arguments = [
        "connection",
        "add",
        "quickbooks",
        "--name",
        "north",
        "--realm",
        &company.realm,
        "--refresh-token-file",
        "token",
    ];
    world.scheduler("connection", &arguments, variables).await;
}

/// All records of one file into another; answers how many, and in how many seconds.
async fn copy(from: &Path, to: &Path) -> (f64, f64) {
    let options = SqliteConnectOptions::new().filename(to).foreign_keys(false);
    let mut connection = options.connect().await.unwrap();
    run(&mut connection, "PRAGMA synchronous = FULL").await;
    sqlx::query("ATTACH $1 AS ours")
        .bind(from.to_str())
        .execute(&mut connection)
        .await
        .unwrap();
    let began = Instant::now();
    run(
        &mut connection,
        "INSERT INTO main.raw_records SELECT * FROM ours.raw_records",
    )
    .await;
    let seconds = began.elapsed().as_secs_f64();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM main.raw_records")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    (rows as f64, seconds)
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}
