//! The data that statements are checked with at compile time, against the schema and the source.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use super::world::world;

/// What `shared/ledger/prepare` has written.
fn prepared() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn every_statement_is_checked_against_the_schema_as_it_is() {
    let world = world().await;
    let mut connection = world.sql.acquire().await.unwrap();
    for query in prepared() {
        let sql = query["query"].as_str().unwrap().to_owned();
        let described = connection
            .describe(AssertSqlSafe(sql.clone()).into_sql_str())
            .await;
        let described = serde_json::to_value(described.unwrap()).unwrap();
        assert_eq!(
            described, query["describe"],
            "run shared/ledger/prepare, for: {sql}"
        );
    }
}

/// The string literals of a file, more or less: enough to tell whether a statement is among them.
fn literals(source: &str) -> impl Iterator<Item = &str> {
    source.split('"')
}

#[test]
fn every_prepared_statement_is_one_of_the_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres");
    let files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let pieces: HashSet<&str> = files.iter().flat_map(|file| literals(file)).collect();
    for query in prepared() {
        let sql = query["query"].as_str().unwrap();
        // Quotes inside a statement part it as they part the source; literals that are added end to end part further.
        let known = sql.split('"').all(|part| made_of(part, &pieces));
        assert!(known, "run shared/ledger/prepare; no longer in the source: {sql}");
    }
}

/// Whether a text is a piece, or a few of them end to end.
fn made_of(text: &str, pieces: &HashSet<&str>) -> bool {
    pieces.contains(text)
        || pieces
            .iter()
            .filter(|piece| !piece.is_empty())
            .filter_map(|piece| text.strip_prefix(*piece))
            .any(|rest| made_of(rest, pieces))
}
