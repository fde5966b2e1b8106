//! Every table has an identity, so that a publication of all tables changes nothing.

use ledgerfleet_ledger::Purge;
use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::{finish, kill, record, run_for, scene, tombstone};
use ledgerfleet_model::{FailureKind, Lane, SegmentState};

use super::world::world;

#[tokio::test]
async fn every_table_of_the_database_has_a_primary_key() {
    const WITHOUT: &str = "
        SELECT t.oid::regclass::text
        FROM pg_catalog.pg_class t
        WHERE t.relkind IN ('r', 'p') AND t.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)";
    let world = world().await;
    let without: Vec<String> = sqlx::query_scalar(WITHOUT).fetch_all(&world.sql).await.unwrap();
    assert!(without.is_empty(), "{without:?}");
}

#[tokio::test]
async fn under_a_publication_of_all_tables_segments_end_as_they_always_do() {
    let world = world().await;
    sqlx::raw_sql("CREATE PUBLICATION everything FOR ALL TABLES")
        .execute(&world.sql)
        .await
        .unwrap();
    let first = scene(&world, 1).await;
    finish(&world, first.segments[0], &[record("1", 1), record("2", 1)]).await;
    let again = run_for(&world, first.connection, Lane::Manual, 1).await;
    finish(&world, again.segments[0], &[record("1", 2), tombstone("2")]).await;
    let doomed = run_for(&world, first.connection, Lane::Live, 1).await;
    kill(&world, doomed.segments[0], FailureKind::BadRequest).await;
    for (segment, state) in [
        (again.segments[0], SegmentState::Done),
        (doomed.segments[0], SegmentState::Dead),
    ] {
        assert_eq!(world.standing(segment).await.state, state);
    }
    let removed = world
        .ledger()
        .remove_connection(first.connection, Purge::DeleteRecords);
    assert_eq!(removed.await.unwrap(), 2);
}
