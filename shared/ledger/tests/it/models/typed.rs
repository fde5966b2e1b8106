//! Copies: they are what the views are, and follow the records when they are refreshed.

use std::future::poll_fn;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::task::Poll;

use ledgerfleet_analysis::layout::{DELETED, SYNCED};
use ledgerfleet_ledger::{ConnectionChange, Extent, Models, Purge};
use sqlx::AssertSqlSafe;

use super::books::RecordText;
use super::database::{Database, both};
use super::made::{self, MADE};

const COMPANY: &str = "acme";
const OTHER: &str = "beta";

/// Every table and measure with its columns. A copy has more: which record a row is of.
fn relations() -> Vec<(String, String)> {
    let layout = Database::layout();
    let mut relations = Vec::new();
    for table in &layout.tables {
        let mut columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("\"{}\"", column.name))
            .collect();
        columns.extend([SYNCED.to_owned(), DELETED.to_owned()]);
        let columns = columns.join(", ");
        if table.is_of_records() {
            relations.push((format!("{}_history", table.name), columns.clone()));
        }
        relations.push((table.name.clone(), columns));
    }
    let notes = "table_name, id, \"index\", column_name, type, text";
    relations.push(("typing_notes".to_owned(), notes.to_owned()));
    relations.extend(layout.measures.iter().map(|measure| {
        let columns = measure.columns.iter().map(|(column, _)| format!("\"{column}\""));
        (measure.name.clone(), columns.collect::<Vec<_>>().join(", "))
    }));
    relations
}

/// What is made of invoices in each of the ways there are: the others are made like one of these.
const OF_INVOICES: [&str; 4] = ["invoice_history", "invoice_line", "address", "typing_notes"];

async fn copies_of_invoices_are_what_the_views_are(database: &Database, companies: &[&str]) {
    let mut relations = relations();
    relations.retain(|(relation, _)| OF_INVOICES.contains(&relation.as_str()));
    assert_eq!(relations.len(), OF_INVOICES.len());
    compare(database, companies, &relations).await;
}

pub(super) async fn copies_are_what_the_views_are(database: &Database, companies: &[&str]) {
    compare(database, companies, &relations()).await;
}

/// Refreshes, and holds relations against their views: the same rows, each as often.
async fn compare(database: &Database, companies: &[&str], relations: &[(String, String)]) {
    for company in companies {
        let place = database.refresh(company, Extent::Differing).await.place;
        let mut rows = 0;
        for (relation, columns) in relations {
            let view = database.table(company, relation).await;
            let copy = database.copy(&place, company, relation);
            let ask = format!(
                "SELECT (SELECT CAST(count(*) AS TEXT) FROM (
                    SELECT {columns}, sum(_times) AS _more FROM (
                        SELECT {columns}, 1 AS _times FROM {view} AS t UNION ALL SELECT {columns}, -1 FROM {copy} AS u
                    ) AS every_row GROUP BY {columns} HAVING sum(_times) <> 0
                 ) AS differing) || ' ' || (SELECT CAST(count(*) AS TEXT) FROM {copy} AS c)"
            );
            let asked = database.ask(&ask).await;
            let asked = asked.unwrap_or_else(|error| panic!("{relation}: {error}"));
            let (differing, copied) = asked[0].split_once(' ').unwrap();
            assert_eq!(
                differing, "0",
                "{company}.{relation}: rows that one has more often than the other"
            );
            rows += copied.parse::<u64>().unwrap();
        }
        assert!(rows > 0, "{company} has nothing to compare");
    }
}

fn invoice(id: &str, total: &str, lines: usize) -> RecordText {
    let line = format!(
        r#"{{"Id": "1", "Amount": {total}, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {{}}}}"#
    );
    let lines = vec![line; lines].join(", ");
    let address = format!(r#"{{"Id": "{id}", "City": "{total}"}}"#);
    RecordText {
        id: id.to_owned(),
        payload: format!(
            r#"{{"Id": "{id}", "TotalAmt": {total}, "TxnDate": "2026-06-14", "BillAddr": {address}, "Line": [{lines}]}}"#
        ),
        updated_at: "2026-06-14T12:00:00.000000Z".to_owned(),
        is_deleted: false,
    }
}

/// What happens to records between two refreshes, and how many of them it happens to.
const CHANGES: [(&str, &str, u64); 6] = [
    ("nothing", "", 0),
    (
        "a document has lost its lines",
        "UPDATE {records} SET payload = '{\"Id\": \"1\", \"TotalAmt\": 7, \"BillAddr\": {\"Id\": \"1\", \"City\": \"x\"}}' WHERE id = '1'",
        1,
    ),
    (
        "one is deleted",
        "UPDATE {records} SET deleted_at_utc = ingested_at_utc WHERE id = '2'",
        1,
    ),
    (
        "it is there again",
        "UPDATE {records} SET deleted_at_utc = NULL WHERE id = '2'",
        1,
    ),
    (
        "a value has become odd",
        "UPDATE {records} SET payload = '{\"Id\": \"3\", \"TotalAmt\": \"n/a\", \"TxnDate\": \"\"}' WHERE id = '3'",
        1,
    ),
    (
        "a whole document is no object any more",
        "UPDATE {records} SET payload = '[]' WHERE id IN ('3', '4')",
        2,
    ),
];

#[tokio::test]
async fn copies_follow_what_has_happened_to_records() {
    for database in both().await {
        // Ids are unique inside of a company only.
        for (company, total) in [(COMPANY, "10.50"), (OTHER, "3")] {
            let connection = database.connect(company).await;
            let invoices: Vec<RecordText> = (1..=9).map(|n| invoice(&n.to_string(), total, n)).collect();
            database.store(connection, "invoice", &invoices).await;
            let first = database.refresh(company, Extent::Differing).await;
            assert_eq!((first.extent, first.records), (Extent::All, 9));
        }
        let untouched = places_of_rows(&database, "9").await;
        for (what, statement, records) in CHANGES {
            database.change(statement).await;
            for company in [COMPANY, OTHER] {
                let refreshed = database.refresh(company, Extent::Differing).await;
                assert_eq!(refreshed.extent, Extent::Differing, "{what}");
                assert!(
                    copied(&database, records).contains(&refreshed.records),
                    "{what}: {refreshed:?} instead of {records}"
                );
            }
            copies_of_invoices_are_what_the_views_are(&database, &[COMPANY, OTHER]).await;
        }
        if matches!(database, Database::Sqlite(..)) {
            assert_eq!(
                places_of_rows(&database, "9").await,
                untouched,
                "copied though unchanged"
            );
        }
        let full = database.refresh(COMPANY, Extent::All).await;
        assert_eq!((full.extent, full.records), (Extent::All, 9));
        copies_of_invoices_are_what_the_views_are(&database, &[COMPANY, OTHER]).await;
    }
}

/// Of how many records rows may be copied where so many have changed. In Postgres a transaction that another database of the
/// server had open is not told from one that changed records: what was written since it began is copied once more.
fn copied(database: &Database, changed: u64) -> RangeInclusive<u64> {
    match database {
        Database::Postgres(_) => changed..=9,
        Database::Sqlite(..) => changed..=changed,
    }
}

/// Where the copies of a document's lines are stored.
async fn places_of_rows(database: &Database, id: &str) -> Vec<String> {
    let (place, table) = match database {
        Database::Postgres(_) => {
            let place = database.refresh(COMPANY, Extent::Differing).await.place;
            ("ctid::text", format!("\"{place}\".invoice_line"))
        }
        Database::Sqlite(..) => (
            "CAST(rowid AS TEXT)",
            "quickbooks_typed_invoice_line_rows".to_owned(),
        ),
    };
    let places = format!("SELECT {place} FROM {table} WHERE _record = '{id}' ORDER BY 1");
    let places = database.ask(&places).await.unwrap();
    assert!(!places.is_empty());
    places
}

#[tokio::test]
async fn a_refresh_that_is_given_up_anywhere_leaves_the_copies_as_they_were_and_the_next_one_is_right() {
    for database in both().await {
        let connection = database.connect(COMPANY).await;
        let invoices: Vec<RecordText> = (1..=3).map(|n| invoice(&n.to_string(), "10.50", n)).collect();
        database.store(connection, "invoice", &invoices).await;
        let place = database.refresh(COMPANY, Extent::Differing).await.place;
        let lines = database.copy(&place, COMPANY, "invoice_line");
        let lines = format!("SELECT CAST(count(*) AS TEXT) FROM {lines} AS t");
        database
            .change("UPDATE {records} SET payload = '{\"Id\": \"3\"}' WHERE id = '3'")
            .await;
        let held = database.held(COMPANY).await;
        let mut given_up = 0;
        for (extent, steps) in [
            (Extent::All, 40),
            (Extent::All, 90),
            (Extent::Differing, 5),
            (Extent::Differing, 12),
        ] {
            let refresh = database.world().ledger().refresh_typed(&held, extent);
            if giving_up(refresh, steps).await.is_none() {
                given_up += 1;
                assert_eq!(database.ask(&lines).await.unwrap(), ["6"], "{extent:?}, {steps}");
            }
        }
        assert!(given_up > 0, "no refresh was given up");
        copies_of_invoices_are_what_the_views_are(&database, &[COMPANY]).await;
        assert_eq!(database.ask(&lines).await.unwrap(), ["3"]);
    }
}

/// Does what is to be done, unless it has to be woken more than `steps` times: then it ends where it is.
async fn giving_up<F: Future>(work: F, mut steps: u32) -> Option<F::Output> {
    let mut work = pin!(work);
    poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if steps == 0 => Poll::Ready(None),
        Poll::Pending => {
            steps -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn copies_move_with_the_name_and_go_with_the_company_and_others_keep_theirs() {
    for database in both().await {
        let connection = database.connect(COMPANY).await;
        database
            .store(connection, "invoice", &[invoice("1", "10", 1)])
            .await;
        made::stored(&database).await;
        copies_of_invoices_are_what_the_views_are(&database, &[COMPANY, MADE]).await;
        let ledger = database.world().ledger();
        let change = ConnectionChange {
            name: Some("north".to_owned()),
            ..ConnectionChange::default()
        };
        ledger.change_connection(connection, &change).await.unwrap();
        database.lay_out().await;
        let moved = database.refresh("north", Extent::Differing).await;
        assert_eq!(moved.extent, Extent::Differing, "renamed, not copied anew");
        copies_of_invoices_are_what_the_views_are(&database, &["north", MADE]).await;
        let held = database.held("north").await;
        ledger
            .remove_connection(connection, Purge::KeepRecords)
            .await
            .unwrap();
        database.lay_out().await;
        let gone = ledger.refresh_typed(&held, Extent::Differing).await.unwrap();
        assert_eq!(
            (gone.place.as_str(), gone.records),
            ("", 0),
            "removed while somebody refreshed"
        );
        let left = match &database {
            Database::Postgres(_) => {
                "SELECT DISTINCT schemaname::text FROM pg_tables WHERE schemaname LIKE 'quickbooks_typed_%'"
            }
            Database::Sqlite(..) => {
                "SELECT DISTINCT c.name FROM quickbooks_typed_invoice_rows t JOIN fleet_connections c ON c.id = t.connection"
            }
        };
        let left = database.ask(left).await.unwrap();
        assert!(left.len() == 1 && left[0].ends_with(MADE), "{left:?}");
        copies_of_invoices_are_what_the_views_are(&database, &[MADE]).await;
    }
}

#[tokio::test]
async fn who_reads_copies_for_long_is_not_waited_for_and_two_refreshes_come_one_after_the_other() {
    let database = Database::postgres().await;
    let connection = database.connect(COMPANY).await;
    database
        .store(connection, "invoice", &[invoice("1", "10", 3)])
        .await;
    let place = database.refresh(COMPANY, Extent::Differing).await.place;
    let Database::Postgres(world) = &database else {
        unreachable!("it is one of Postgres")
    };
    let mut reader = world.sql.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *reader)
        .await
        .unwrap();
    let lines = format!("SELECT count(*) FROM {place}.invoice_line");
    let count = async |reader: &mut sqlx::PgConnection| -> i64 {
        let count = sqlx::query_scalar(AssertSqlSafe(lines.clone()));
        count.fetch_one(reader).await.unwrap()
    };
    assert_eq!(count(&mut reader).await, 3);
    // A page whose transaction is older than the refresh and ends after it is not lost.
    let mut page = world.sql.begin().await.unwrap();
    let late = "UPDATE raw.records SET payload = payload || '{\"Line\": []}' WHERE id = '1'";
    sqlx::raw_sql(late).execute(&mut *page).await.unwrap();
    database
        .store(connection, "invoice", &[invoice("2", "10", 2)])
        .await;
    let held = database.held(COMPANY).await;
    let other = world.again().await;
    let (one, two) = tokio::join!(
        world.ledger.refresh_typed(&held, Extent::All),
        other.refresh_typed(&held, Extent::Differing)
    );
    assert_eq!(one.unwrap().place, two.unwrap().place);
    assert_eq!(count(&mut reader).await, 3, "who reads sees one moment");
    reader.rollback().await.unwrap();
    let mut session = world.sql.acquire().await.unwrap();
    assert_eq!(count(&mut session).await, 5);
    page.commit().await.unwrap();
    database.refresh(COMPANY, Extent::Differing).await;
    assert_eq!(count(&mut session).await, 2, "the late page's, too");
    drop(session);
    copies_of_invoices_are_what_the_views_are(&database, &[COMPANY]).await;
}
