//! Every table has an identity.

use sqlx::Row;

use crate::world::world;

#[tokio::test]
async fn every_table_of_a_file_has_a_primary_key() {
    const WITHOUT: &str = "
        SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
          AND NOT EXISTS (SELECT 1 FROM pragma_table_info(sqlite_schema.name) WHERE pk > 0)";
    let world = world().await;
    let without = sqlx::query(WITHOUT)
        .fetch_all(&mut world.sql().await)
        .await
        .unwrap();
    let names: Vec<String> = without.iter().map(|row| row.get("name")).collect();
    assert!(names.is_empty(), "{names:?}");
}
