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

#[tokio::test]
async fn every_entity_has_a_view_of_its_name_in_sqlite() {
    let world = crate::world::world().await;
    let views = sqlx::query("SELECT name, sql FROM sqlite_schema WHERE type = 'view' ORDER BY name");
    let views = views.fetch_all(&mut world.sql().await).await.unwrap();
    let names: Vec<&str> = views.iter().map(|view| view.get("name")).collect();
    assert_eq!(names, registered());
    for view in &views {
        let condition = format!("entity = '{}'", view.get::<&str, _>("name"));
        assert!(view.get::<&str, _>("sql").contains(&condition));
    }
}
