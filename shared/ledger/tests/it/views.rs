//! The views that people ask: live rows of connected companies, by name; and the whole history.

use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::{
    company, credential, finish, new_connection, record, run_for, seconds, tombstone,
};
use ledgerfleet_ledger::{ConnectionChange, NewConnection, Purge};
use ledgerfleet_model::Lane;

/// The story of two companies, each step told by both views: `ask` answers the rows of one, as `connection id` each, in
/// order.
async fn tell(
    world: &dyn World,
    [live, history]: [&'static str; 2],
    ask: impl AsyncFn(&'static str) -> Vec<String>,
) {
    let ledger = world.ledger();
    let (ash, birch) = (company(world, "Ash").await, company(world, "Birch").await);
    let of_ash = run_for(world, ash, Lane::Backfill, 2).await;
    finish(world, of_ash.segments[0], &[record("1", 1), record("2", 1)]).await;
    let of_birch = run_for(world, birch, Lane::Backfill, 1).await;
    finish(world, of_birch.segments[0], &[record("1", 1)]).await;
    assert_eq!(ask(live).await, ["Ash 1", "Ash 2", "Birch 1"]);

    world.pass_time(seconds(60)).await;
    finish(world, of_ash.segments[1], &[tombstone("2")]).await;
    assert_eq!(
        ask(live).await,
        ["Ash 1", "Birch 1"],
        "what is deleted is history"
    );
    assert_eq!(ask(history).await, ["Ash 1", "Ash 2", "Birch 1"]);

    let name = ConnectionChange {
        name: Some("Ash & Sons".to_owned()),
        ..ConnectionChange::default()
    };
    ledger.change_connection(ash, &name).await.unwrap();
    assert_eq!(
        ask(live).await,
        ["Ash & Sons 1", "Birch 1"],
        "a new name is everywhere at once"
    );

    ledger.remove_connection(birch, Purge::KeepRecords).await.unwrap();
    assert_eq!(ask(live).await, ["Ash & Sons 1"], "a removed company is history");
    assert_eq!(ask(history).await, ["Ash & Sons 1", "Ash & Sons 2", "Birch 1"]);

    let again = NewConnection {
        id: birch,
        name: "Birch again".to_owned(),
        ..new_connection("Birch")
    };
    ledger.reconnect(&again, &credential(2)).await.unwrap();
    assert_eq!(
        ask(live).await,
        ["Ash & Sons 1", "Birch again 1"],
        "it is counted once"
    );
}

#[tokio::test]
async fn a_view_of_a_file_has_the_live_rows_of_connected_companies() {
    let world = crate::world::world().await;
    let ask = async |sql: &'static str| {
        let rows = sqlx::query_scalar(sql).fetch_all(&mut world.sql().await).await;
        rows.unwrap()
    };
    let views = [
        "SELECT connection || ' ' || id FROM qbo_invoice ORDER BY 1",
        "SELECT connection || ' ' || id FROM qbo_invoice_history ORDER BY 1",
    ];
    tell(&world, views, ask).await;
}

#[tokio::test]
async fn a_view_of_a_fleet_has_the_live_rows_of_connected_companies() {
    let world = crate::postgres::world().await;
    let ask = async |sql: &'static str| sqlx::query_scalar(sql).fetch_all(&world.sql).await.unwrap();
    let views = [
        "SELECT connection || ' ' || id FROM books.qbo_invoice ORDER BY 1",
        "SELECT connection || ' ' || id FROM books.qbo_invoice_history ORDER BY 1",
    ];
    tell(&world, views, ask).await;
}
