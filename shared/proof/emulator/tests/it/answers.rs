use ledgerfleet_emulator::TruthFilter;
use serde_json::{Value, json};

use crate::client::{Client, answer, raw_http};

#[tokio::test]
async fn instants_are_shown_in_pacific_time_to_the_second() {
    let client = Client::start().await;
    let answer = client.query("SELECT * FROM Invoice MAXRESULTS 1").await.json();
    let created = answer["QueryResponse"]["Invoice"][0]["MetaData"]["CreateTime"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(created.ends_with("-07:00") && created.len() == 25, "{created}");
    let truth = client.truth("invoice", &TruthFilter::default()).remove(0);
    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(instant(&created), instant(&truth.created_at));
    assert_eq!(answer["time"], json!("2026-07-20T05:00:00.000-07:00"));
}

#[tokio::test]
async fn pages_say_what_they_hold_and_nothing_beyond_the_end() {
    let client = Client::start().await;
    let page = |text: &str| client.query(text.to_owned().leak());
    let first = page("SELECT * FROM Invoice").await.json();
    assert_eq!(first["QueryResponse"]["Invoice"].as_array().unwrap().len(), 100);
    assert_eq!(first["QueryResponse"]["startPosition"], json!(1));
    assert_eq!(first["QueryResponse"].get("totalCount"), None);
    let total = client.count("Invoice").await;
    let last = page(&format!(
        "SELECT * FROM Invoice STARTPOSITION {} MAXRESULTS 10",
        total - 3
    ))
    .await
    .json();
    assert_eq!(
        (
            &last["QueryResponse"]["maxResults"],
            &last["QueryResponse"]["startPosition"]
        ),
        (&json!(4), &json!(total - 3))
    );
    let beyond = page(&format!("SELECT * FROM Invoice STARTPOSITION {}", total + 1))
        .await
        .json();
    assert_eq!(beyond["QueryResponse"], json!({}));
    let nothing = page("SELECT * FROM Invoice WHERE TxnDate = '1999-01-01'")
        .await
        .json();
    assert_eq!(nothing["QueryResponse"], json!({}));
    assert_eq!(client.count("Invoice WHERE TxnDate = '1999-01-01'").await, 0);
    let two = "SELECT * FROM Invoice WHERE Id IN ('1', '2')";
    for (position, total) in [("present", json!(2)), ("absent", json!(null))] {
        client.switch("total_count", position).await;
        assert_eq!(page(two).await.json()["QueryResponse"]["totalCount"], total);
    }
    assert_eq!(client.count("Invoice WHERE Id IN ('1', '2')").await, 2);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_as_upstream_does() {
    let client = Client::start().await;
    for (statement, code, detail) in [
        ("SELEC * FROM Invoice", "4000", "QueryParserError"),
        (
            "SELECT * FROM Invoice WHERE TxnDate > '2026-01-01' OR Id = '1'",
            "4000",
            "QueryParserError",
        ),
        (
            "SELECT * FROM Invoice WHERE DepartmentRef = '1'",
            "4001",
            "property 'DepartmentRef' is not queryable",
        ),
        (
            "SELECT * FROM JournalEntry WHERE AccountRef = '1'",
            "4001",
            "Property AccountRef not found for Entity JournalEntry",
        ),
        (
            "SELECT * FROM Invoice STARTPOSITION 0",
            "4001",
            "value 0 is too small. Min allowed value is 1",
        ),
        (
            "SELECT * FROM Invoice MAXRESULTS 0",
            "4001",
            "value 0 is too small. Min allowed value is 1",
        ),
        (
            "SELECT * FROM Invoice MAXRESULTS 1001",
            "4001",
            "value 1001 is too large",
        ),
        (
            "SELECT * FROM Invoice WHERE Id > '5'",
            "4001",
            "Id can only be compared with = and IN",
        ),
        (
            "SELECT * FROM Invoice WHERE TxnDate = 'tomorrow'",
            "4001",
            "tomorrow",
        ),
        ("SELECT * FROM Unicorn", "4001", "Unicorn"),
        ("SELECT Horn FROM Invoice", "4001", "Horn"),
    ] {
        let refused = client.query(statement).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, code),
            "{statement}"
        );
        let fault = &refused.json()["Fault"];
        assert_eq!(fault["type"], json!("ValidationFault"));
        assert!(
            fault["Error"][0]["Detail"].as_str().unwrap().contains(detail),
            "{statement}: {fault}"
        );
    }
}

#[tokio::test]
async fn records_are_read_by_id_and_missing_ones_are_a_fault_610() {
    let client = Client::start().await;
    let read = answer(client.get("invoice/7?minorversion=75")).await;
    let queried = client
        .rows("SELECT * FROM Invoice WHERE Id = '7'")
        .await
        .remove(0);
    assert_eq!(read.json()["Invoice"], queried);
    assert!(answer(client.get("item/1")).await.json()["Item"]["Sku"].is_string());
    for missing in ["invoice/99999999", "invoice/x", "customer/0"] {
        let missing = answer(client.get(missing)).await;
        assert_eq!((missing.status.as_u16(), missing.code().as_str()), (400, "610"));
    }
    assert_eq!(answer(client.get("unicorn/1")).await.status, 404);
    let nowhere = answer(client.http.get(format!("{}/v4/nowhere", client.emulator.url()))).await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.headers.contains_key("intuit_tid"));
    assert_eq!(answer(client.get("reports/ProfitAndLoss/x/y")).await.status, 404);
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_accept_it() {
    let client = Client::start().await;
    let page = "SELECT * FROM Invoice MAXRESULTS 50";
    let asked = |coding: &'static str| {
        let request = client
            .statement(page)
            .header("accept-encoding", coding)
            .build()
            .unwrap();
        raw_http().execute(request)
    };
    let zipped = asked("br, gzip").await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    assert!(zipped.headers().contains_key("intuit_tid"));
    let zipped = zipped.bytes().await.unwrap();
    let plain = asked("identity").await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.text().await.unwrap();
    assert!(zipped.len() * 3 < plain.len());
    assert_eq!(client.query(page).await.body, plain);

    client
        .control("faults", r#"{"switches":{"gzip":"off","spacing":"spaced"}}"#)
        .await;
    let spaced = asked("gzip").await.unwrap();
    assert!(!spaced.headers().contains_key("content-encoding"));
    let spaced = spaced.text().await.unwrap();
    assert_ne!(spaced, plain);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(read(&spaced), read(&plain));
}

#[tokio::test]
async fn who_does_not_ask_for_json_gets_xml() {
    let client = Client::start().await;
    let url = client
        .statement("SELECT * FROM Item")
        .build()
        .unwrap()
        .url()
        .clone();
    let xml = answer(client.http.get(url).bearer_auth(&client.access_token)).await;
    assert_eq!(xml.status, 406);
    assert!(xml.body.starts_with("<?xml"), "{}", xml.body);
}
