//! Database files that are not ours, too new, or not to be had.

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::world::World;

const DEMO: &str = "ledgerfleet-demo.db";

async fn execute(world: &World, file: &str, statement: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(world.path(file))
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}

#[tokio::test]
async fn a_foreign_file_is_refused_and_left_as_it_is() {
    let world = World::new();
    let text = "dear diary, ".repeat(100);
    world.write(DEMO, &text);
    world.run("demo").await.expect(1).says("another directory");
    assert_eq!(std::fs::read_to_string(world.path(DEMO)).unwrap(), text);

    let world = World::new().with("LEDGERFLEET_DATABASE_URL", "sqlite://other.db");
    execute(&world, "other.db", "CREATE TABLE diary (entry TEXT)").await;
    let before = std::fs::read(world.path("other.db")).unwrap();
    world
        .run("run list")
        .await
        .expect(1)
        .says("LEDGERFLEET_DATABASE_URL=sqlite://");
    assert_eq!(std::fs::read(world.path("other.db")).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let world = World::new();
    world.run("migrate").await.expect(0);
    execute(&world, "ledgerfleet.db", "PRAGMA user_version = 999").await;
    world.run("run list").await.expect(1).says("schema version 999");
    world.run("doctor").await.expect(1);
}

#[tokio::test]
async fn a_place_that_cannot_hold_a_file_is_a_dependency_that_is_down() {
    let world = World::new().with("LEDGERFLEET_DATABASE_URL", "sqlite://no/such/place/books.db");
    world.run("migrate").await.expect(5).says("directory");
}

#[tokio::test]
async fn the_master_key_is_made_beside_the_database_for_its_owner_alone_and_said_so() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.run("migrate").await.expect(0).says("ledgerfleet.db.key");
    let mode = std::fs::metadata(world.path("ledgerfleet.db.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
