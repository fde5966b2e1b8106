use ledgerfleet_emulator::{Axis, TruthFilter};
use serde_json::{Value, json};

use crate::client::{Client, answer};

fn day(text: &str) -> TruthFilter {
    let date = text.parse().ok();
    TruthFilter {
        by: Some(Axis::TxnDate),
        from: date,
        to: date,
        ..TruthFilter::default()
    }
}

/// A day of the small company that has documents.
fn busy_day(client: &Client) -> String {
    let lines = client.truth("invoice", &TruthFilter::default());
    lines[lines.len() / 2]
        .date
        .expect("a document's date")
        .to_string()
}

#[tokio::test]
async fn paging_through_everything_gives_exactly_the_truth() {
    let mut client = Client::start().await;
    for company in [0, 1] {
        client.turn_to(company).await;
        for (select, entity) in [
            ("SELECT * FROM Invoice ORDERBY TxnDate, Id", "invoice"),
            ("SELECT * FROM JournalEntry", "journal_entry"),
            (
                "SELECT * FROM Customer WHERE Active IN (true, false) ORDERBY Id",
                "customer",
            ),
            ("SELECT *, Sku FROM Item WHERE Active IN (true, false)", "item"),
        ] {
            let truth = client.hashes(entity);
            assert!(truth.len() > 40, "{entity}: {}", truth.len());
            assert_eq!(client.all(select, 37).await, truth, "{entity}");
        }
    }
}

#[tokio::test]
async fn a_days_window_holds_that_days_documents_and_their_count() {
    let client = Client::start().await;
    let date = busy_day(&client);
    let next = date.parse::<chrono::NaiveDate>().unwrap().succ_opt().unwrap();
    let window = format!("Invoice WHERE TxnDate >= '{date}' AND TxnDate < '{next}'");
    let rows = client
        .rows(&format!(
            "SELECT * FROM {window} ORDERBY TxnDate, Id MAXRESULTS 1000"
        ))
        .await;
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["TxnDate"] == json!(date)));
    let truth: Vec<String> = client
        .truth("invoice", &day(&date))
        .into_iter()
        .map(|line| line.id)
        .collect();
    assert_eq!(crate::client::ids(&rows), truth);
    assert_eq!(client.count(&window).await, rows.len() as u64);
    assert_eq!(
        client
            .count(&format!("Invoice WHERE TxnDate = '{date}T10:00:00Z'"))
            .await,
        rows.len() as u64
    );
    let weeks = client.truth(
        "invoice",
        &TruthFilter {
            to: "2026-06-30".parse().ok(),
            ..TruthFilter::default()
        },
    );
    assert_eq!(
        client.count("Invoice WHERE TxnDate <= CURRENT_DATE").await,
        weeks.len() as u64
    );
}

#[tokio::test]
async fn windows_on_instants_mean_instants_whatever_their_offset() {
    let client = Client::start().await;
    for (property, by) in [
        ("MetaData.CreateTime", Axis::Created),
        ("Metadata.LastUpdatedTime", Axis::Updated),
    ] {
        for (entity, api) in [
            ("invoice", "Invoice"),
            ("journal_entry", "JournalEntry"),
            ("customer", "Customer"),
        ] {
            let filter = TruthFilter {
                by: Some(by),
                from: "2026-05-04".parse().ok(),
                to: "2026-05-10".parse().ok(),
                tz: Some("America/Guayaquil".to_owned()),
                ..TruthFilter::default()
            };
            let mut truth: Vec<String> = client
                .truth(entity, &filter)
                .into_iter()
                .map(|line| line.id)
                .collect();
            truth.sort();
            for (from, to) in [
                ("2026-05-04T00:00:00-05:00", "2026-05-11T00:00:00-05:00"),
                ("2026-05-04T05:00:00Z", "2026-05-11T05:00:00Z"),
                ("2026-05-03T22:00:00-0700", "2026-05-10T22:00:00-0700"),
                ("2026-05-03T22:00:00", "2026-05-10T22:00:00"),
            ] {
                let active = if entity == "customer" {
                    "Active IN (true, false) AND "
                } else {
                    ""
                };
                let mut found = client
                    .ids(&format!(
                        "SELECT * FROM {api} WHERE {active}{property} >= '{from}' AND {property} < '{to}' \
                         ORDER BY {property} DESC MAXRESULTS 1000"
                    ))
                    .await;
                found.sort();
                assert_eq!(found, truth, "{entity} {property} {from}");
            }
        }
    }
}

#[tokio::test]
async fn inactive_names_are_hidden_from_those_who_do_not_ask() {
    let client = Client::start().await;
    let active = client.count("Customer").await;
    let inactive = client
        .rows("SELECT * FROM Customer WHERE Active = false MAXRESULTS 1000")
        .await;
    assert!(!inactive.is_empty());
    assert_eq!(
        active + inactive.len() as u64,
        client.count("customer where active in ('true', 'false')").await
    );
    for row in inactive {
        assert!(
            row["DisplayName"].as_str().unwrap().ends_with(" (deleted)"),
            "{row}"
        );
        assert_eq!(row["Active"], json!(false));
    }
}

#[tokio::test]
async fn an_items_sku_is_shown_only_when_it_is_projected() {
    let client = Client::start().await;
    let plain = client.rows("SELECT * FROM Item MAXRESULTS 1").await.remove(0);
    let whole = client
        .rows("SELECT *, Sku FROM Item MAXRESULTS 1")
        .await
        .remove(0);
    assert_eq!(plain.get("Sku"), None);
    let sku = whole["Sku"].as_str().unwrap();
    let mut without = whole.clone();
    without.as_object_mut().unwrap().remove("Sku");
    assert_eq!(plain, without);
    assert_eq!(
        client
            .rows(&format!("SELECT * FROM Item WHERE Sku = '{sku}'"))
            .await,
        [plain]
    );
    let some = client
        .rows("SELECT Id, MetaData.CreateTime FROM Item MAXRESULTS 1")
        .await
        .remove(0);
    let members: Vec<&String> = some.as_object().unwrap().keys().collect();
    assert_eq!(members, ["Id", "MetaData", "domain", "sparse"]);
}

#[tokio::test]
async fn filters_compare_by_the_kind_of_their_property() {
    let client = Client::start().await;
    let all = client.rows("SELECT * FROM Invoice MAXRESULTS 1000").await;
    let amount = |row: &Value| row["TotalAmt"].as_f64().unwrap();
    let large = all.iter().filter(|row| amount(row) > 500.5).count();
    assert!(large > 0);
    assert_eq!(
        client.count("Invoice WHERE TotalAmt > '500.5'").await,
        large as u64
    );
    assert_eq!(
        client.count("Invoice WHERE TotalAmt <= 500.5").await,
        (all.len() - large) as u64
    );
    let customer = all[0]["CustomerRef"]["value"].as_str().unwrap();
    let theirs = all
        .iter()
        .filter(|row| row["CustomerRef"]["value"] == json!(customer))
        .count();
    assert_eq!(
        client
            .count(&format!("Invoice WHERE CustomerRef = '{customer}'"))
            .await,
        theirs as u64
    );
    assert_eq!(
        client
            .count(&format!("Invoice WHERE CustomerRef != '{customer}'"))
            .await,
        (all.len() - theirs) as u64
    );

    let descending = client
        .rows("SELECT * FROM Invoice ORDERBY TotalAmt DESC, Id ASC MAXRESULTS 1000")
        .await;
    assert!(descending.is_sorted_by(|left, right| amount(left) >= amount(right)));
    let names = client
        .rows("SELECT * FROM Customer WHERE DisplayName LIKE '%BAKERY%' MAXRESULTS 1000")
        .await;
    assert!(!names.is_empty());
    assert!(
        names
            .iter()
            .all(|row| row["DisplayName"].as_str().unwrap().contains("Bakery"))
    );
}

#[tokio::test]
async fn quotes_in_values_are_escaped_with_a_backslash() {
    let client = Client::start().await;
    let all = client.rows("SELECT * FROM Customer MAXRESULTS 1000").await;
    let named = |row: &&Value| {
        row["DisplayName"]
            .as_str()
            .is_some_and(|name| name.contains('\''))
    };
    let name = all.iter().find(named).expect("a name with an apostrophe")["DisplayName"]
        .as_str()
        .unwrap();
    let escaped = name.replace('\\', "\\\\").replace('\'', "\\'");
    let url = format!(
        "{}/v3/company/{}/query",
        client.emulator.url(),
        client.company.realm
    );
    let request = client
        .http
        .post(url)
        .bearer_auth(&client.access_token)
        .header("accept", "application/json");
    let request = request.header("content-type", "application/text");
    let found = answer(request.body(format!("select * from Customer where DisplayName = '{escaped}'")))
        .await
        .rows();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["DisplayName"], json!(name));
}
