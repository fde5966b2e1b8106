//! Where the tables are: made, moved and dropped with the connection, on Postgres in a schema of its own.

use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::company;
use ledgerfleet_ledger::{
    ConnectionChange, Connections, Extent, Ledger, LedgerError, Model, ModelState, Models, Purge,
};
use ledgerfleet_model::ConnectionId;
use sqlx::AssertSqlSafe;

use super::database::{Database, both};
use crate::postgres::{PostgresWorld, world};

async fn rename(world: &dyn World, id: ConnectionId, name: &str) {
    let change = ConnectionChange {
        name: Some(name.to_owned()),
        ..ConnectionChange::default()
    };
    world.ledger().change_connection(id, &change).await.unwrap();
}

async fn lay_out(world: &PostgresWorld) -> Vec<Model> {
    world.ledger.lay_out(Extent::Differing).await.unwrap()
}

/// The schemas with tables of the connector, in order.
async fn schemas(world: &PostgresWorld) -> Vec<String> {
    let all = "SELECT DISTINCT schemaname::text FROM pg_views WHERE viewname = 'invoice_line' ORDER BY 1";
    sqlx::query_scalar(all).fetch_all(&world.sql).await.unwrap()
}

async fn run(world: &PostgresWorld, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&world.sql)
        .await
        .unwrap();
}

#[tokio::test]
async fn tables_are_missing_then_current_and_outdated_when_another_program_made_them() {
    for database in both().await {
        let ledger: &dyn Ledger = database.world().ledger();
        company(database.world(), "acme").await;
        let states = async || -> Vec<ModelState> {
            let models = ledger.models().await.unwrap();
            models.into_iter().map(|model| model.state).collect()
        };
        assert_eq!(states().await, [ModelState::Missing]);
        database.lay_out().await;
        assert_eq!(states().await, [ModelState::Current]);
        let older = match &database {
            Database::Postgres(world) => {
                run(world, "UPDATE fleet.models SET fingerprint = 'older'").await;
                run(world, "DROP VIEW quickbooks_acme.invoice_linked_txn").await;
                states().await
            }
            Database::Sqlite(world, _) => {
                let older =
                    "UPDATE fleet_models SET fingerprint = 'older'; DROP VIEW quickbooks_invoice_linked_txn";
                sqlx::raw_sql(older)
                    .execute(&mut world.sql().await)
                    .await
                    .unwrap();
                states().await
            }
        };
        assert_eq!(older, [ModelState::Outdated]);
        database.lay_out().await;
        assert_eq!(states().await, [ModelState::Current]);
        assert_eq!(
            database.count("acme", "invoice_linked_txn").await,
            0,
            "it is there again"
        );
        ledger.lay_out(Extent::All).await.unwrap();
        assert_eq!(
            states().await,
            [ModelState::Current],
            "made anew over what is there"
        );
    }
}

#[tokio::test]
async fn a_schema_is_made_moved_and_dropped_with_its_connection() {
    let world = world().await;
    let id = company(&world, "Acme-2").await;
    assert_eq!(lay_out(&world).await[0].place, "quickbooks_acme-2");
    run(&world, "SELECT * FROM \"quickbooks_acme-2\".invoice_line").await;
    rename(&world, id, "north").await;
    assert_eq!(
        world.ledger.models().await.unwrap()[0].state,
        ModelState::Outdated
    );
    lay_out(&world).await;
    assert_eq!(schemas(&world).await, ["quickbooks_north"]);
    // Without quotes and in any case, as people write it.
    run(&world, "SELECT * FROM QUICKBOOKS_North.revenue_by_month").await;
    world
        .ledger
        .remove_connection(id, Purge::KeepRecords)
        .await
        .unwrap();
    lay_out(&world).await;
    assert_eq!(schemas(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn two_names_that_come_to_the_same_are_told_apart_and_stay_so() {
    let world = world().await;
    let first = company(&world, "Acme").await;
    let second = company(&world, "ACME").await;
    let (long, longer) = ("ä".repeat(63), format!("{}b", "ä".repeat(63)));
    company(&world, &long).await;
    company(&world, &longer).await;
    let models = lay_out(&world).await;
    let mut places: Vec<&str> = models.iter().map(|model| model.place.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 4, "{places:?}");
    assert!(places.iter().all(|place| place.len() <= 63), "{places:?}");
    let place_of = |name: &str| {
        models
            .iter()
            .find(|model| model.connection == name)
            .unwrap()
            .place
            .clone()
    };
    assert_eq!(place_of("Acme"), "quickbooks_acme");
    let apart = place_of("ACME");
    assert!(
        apart.starts_with("quickbooks_acme_") && apart.ends_with(&second.to_string()[28..]),
        "{apart}"
    );
    assert_eq!(schemas(&world).await.len(), 4);
    world
        .ledger
        .remove_connection(first, Purge::KeepRecords)
        .await
        .unwrap();
    let left = lay_out(&world).await;
    assert_eq!(
        left.iter()
            .find(|model| model.connection == "ACME")
            .unwrap()
            .place,
        apart,
        "people have written it down"
    );
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone_and_so_is_what_they_build_on_ours() {
    let world = world().await;
    run(
        &world,
        "CREATE SCHEMA quickbooks_acme; CREATE TABLE quickbooks_acme.invoice (id text)",
    )
    .await;
    let id = company(&world, "acme").await;
    let place = lay_out(&world).await[0].place.clone();
    assert_ne!(place, "quickbooks_acme");
    run(&world, "SELECT * FROM quickbooks_acme.invoice").await;
    run(
        &world,
        &format!("CREATE VIEW public.mine AS SELECT total_amount FROM {place}.invoice"),
    )
    .await;
    let refused = world.ledger.lay_out(Extent::All).await.unwrap_err();
    assert!(
        matches!(&refused, LedgerError::InUse { by, .. } if by.contains("mine")),
        "{refused}"
    );
    // Renaming does not disturb them; removing waits until they are gone, and shows no rows until then.
    rename(&world, id, "north").await;
    assert_eq!(lay_out(&world).await[0].place, "quickbooks_north");
    run(&world, "SELECT * FROM public.mine").await;
    world
        .ledger
        .remove_connection(id, Purge::KeepRecords)
        .await
        .unwrap();
    let refused = world.ledger.lay_out(Extent::Differing).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::InUse { .. }), "{refused}");
    run(&world, "DROP VIEW public.mine").await;
    lay_out(&world).await;
    assert_eq!(schemas(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn two_that_lay_out_at_once_come_one_after_the_other() {
    let world = world().await;
    for name in ["ash", "birch", "cedar"] {
        company(&world, name).await;
    }
    let other = world.again().await;
    let (one, two) = tokio::join!(world.ledger.lay_out(Extent::All), other.lay_out(Extent::All));
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(
        schemas(&world).await,
        ["quickbooks_ash", "quickbooks_birch", "quickbooks_cedar"]
    );
}

#[tokio::test]
async fn a_reader_may_read_the_tables_and_nothing_else() {
    let world = world().await;
    company(&world, "acme").await;
    lay_out(&world).await;
    let refused = world
        .ledger
        .grant_models("nobody_of_this_name")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("no role"), "{refused}");
    // Roles are of the whole server, which other tests share.
    let database: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&world.sql)
        .await
        .unwrap();
    let role = format!("reader_of_{database}").replace('-', "_");
    run(&world, &format!("CREATE ROLE {role}")).await;
    assert_eq!(world.ledger.grant_models(&role).await.unwrap(), 1);
    // What is made anew later may be read, too.
    world.ledger.lay_out(Extent::All).await.unwrap();
    let mut session = world.sql.acquire().await.unwrap();
    let mut ask = async |statement: String| {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *session)
            .await
    };
    ask(format!("SET ROLE {role}")).await.unwrap();
    for view in ["invoice", "invoice_line", "revenue_by_month", "typing_notes"] {
        ask(format!("SELECT * FROM quickbooks_acme.{view}"))
            .await
            .unwrap();
    }
    for statement in [
        "SELECT * FROM raw.records",
        "SELECT * FROM fleet.credentials",
        "SELECT * FROM fleet.connections",
        "CREATE TABLE quickbooks_acme.mine (id text)",
    ] {
        assert!(ask(statement.to_owned()).await.is_err(), "{statement}");
    }
    ask("RESET ROLE".to_owned()).await.unwrap();
    ask(format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_column_of_every_table_has_a_comment_that_says_where_it_is_from() {
    let world = world().await;
    company(&world, "acme").await;
    lay_out(&world).await;
    let without = "
        SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE n.nspname = 'quickbooks_acme' AND c.relname <> 'typing_notes' AND col_description(c.oid, a.attnum) IS NULL";
    let without: Vec<String> = sqlx::query_scalar(without).fetch_all(&world.sql).await.unwrap();
    assert_eq!(without, Vec::<String>::new());
}
