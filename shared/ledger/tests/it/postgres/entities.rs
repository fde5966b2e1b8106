//! The registry of connectors against the tables: what can be copied can be stored.

use ledgerfleet_connectors::REGISTRY;
use sqlx::Row;

fn registered() -> Vec<&'static str> {
    let mut tables: Vec<_> = REGISTRY
        .iter()
        .flat_map(|connector| connector.entities)
        .map(|entity| entity.table)
        .collect();
    tables.sort_unstable();
    tables
}

#[tokio::test]
async fn every_entity_has_a_partition_of_its_name_in_postgres() {
    let world = super::world::world().await;
    let partitions = world.database.command(
        "SELECT child.relname || ' ' || pg_get_expr(child.relpartbound, child.oid)
         FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
         WHERE inhparent = 'raw.records'::regclass ORDER BY child.relname COLLATE \"C\"",
    );
    let expected: Vec<String> = registered()
        .iter()
        .map(|table| format!("{table} FOR VALUES IN ('{table}')"))
        .collect();
    assert_eq!(partitions.lines().collect::<Vec<_>>(), expected);
}

/// Of every entity its view and that of its history.
fn views() -> Vec<String> {
    let mut views: Vec<String> = registered()
        .iter()
        .flat_map(|table| [(*table).to_owned(), format!("{table}_history")])
        .collect();
    views.sort_unstable();
    views
}

#[tokio::test]
async fn every_entity_has_its_two_views_in_postgres() {
    let world = super::world::world().await;
    let found = world
        .database
        .command("SELECT viewname FROM pg_views WHERE schemaname = 'books' ORDER BY viewname COLLATE \"C\"");
    assert_eq!(found.lines().collect::<Vec<_>>(), views());
}

#[tokio::test]
async fn every_entity_has_its_two_views_in_sqlite() {
    let world = crate::world::world().await;
    let found = sqlx::query("SELECT name, sql FROM sqlite_schema WHERE type = 'view' ORDER BY name");
    let found = found.fetch_all(&mut world.sql().await).await.unwrap();
    let names: Vec<&str> = found.iter().map(|view| view.get("name")).collect();
    assert_eq!(names, views());
    for view in &found {
        let entity = view.get::<&str, _>("name").trim_end_matches("_history");
        let condition = format!("entity = '{entity}'");
        assert!(view.get::<&str, _>("sql").contains(&condition));
    }
}
