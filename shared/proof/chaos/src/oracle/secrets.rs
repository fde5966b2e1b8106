//! Secrets: I8, none of them in clear in logs, metrics, Redis or the database.

use super::Violation;
use crate::World;

pub(super) fn check(world: &World, shown: &[String]) -> Vec<Violation> {
    let secrets = world.secrets();
    let mut places: Vec<(String, Vec<u8>)> = shown
        .iter()
        .map(|text| ("metrics".to_owned(), text.clone().into_bytes()))
        .collect();
    places.extend(logs(world));
    places.push(("Redis".to_owned(), redis_dump(world)));
    places.push(("the database".to_owned(), database_dump(world)));
    let found = places
        .iter()
        .filter(|(_, text)| secrets.iter().any(|secret| contains(text, secret.as_bytes())));
    found
        .map(|(place, _)| Violation::of("I8", format!("a secret is in clear in {place}")))
        .collect()
}

fn logs(world: &World) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(&world.folder).unwrap().flatten();
    let logs = files.filter(|file| file.path().extension().is_some_and(|end| end == "log"));
    logs.map(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        (name, std::fs::read(file.path()).unwrap())
    })
    .collect()
}

/// Everything that Redis knows, uncompressed.
fn redis_dump(world: &World) -> Vec<u8> {
    world.redis.command("CONFIG SET rdbcompression no");
    world.redis.command("SAVE");
    std::fs::read(world.redis.directory().join("dump.rdb")).unwrap_or_default()
}

/// Every row of every table, as text.
fn database_dump(world: &World) -> Vec<u8> {
    let tables = world.sql(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('fleet', 'raw')
         AND tablename <> 'records'",
    );
    let rows = tables
        .lines()
        .map(|table| world.sql(&format!("SELECT t::text FROM {table} t")));
    rows.collect::<Vec<_>>().join("\n").into_bytes()
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return false };
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(wanted) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
