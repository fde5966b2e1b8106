use ledgerfleet_emulator::{EmulatorOptions, Rate};
use serde_json::{Value, json};

use crate::client::{Answer, Client, answer, options};

pub(crate) async fn send(client: &Client, items: &Value) -> Answer {
    let url = format!(
        "{}/v3/company/{}/batch",
        client.emulator.url(),
        client.company.realm
    );
    let request = client
        .http
        .post(url)
        .bearer_auth(&client.access_token)
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(json!({ "BatchItemRequest": items }).to_string());
    answer(request).await
}

fn queries(count: usize) -> Value {
    let item = |number: usize| json!({"bId": format!("q{number}"), "Query": format!("select * from Invoice maxresults {}", number + 1)});
    (0..count).map(item).collect()
}

pub(crate) fn responses(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["BatchItemResponse"]
        .as_array()
        .expect("responses")
        .clone()
}

#[tokio::test]
async fn every_query_is_answered_in_any_order_and_charged_as_one_call() {
    let client = Client::start().await;
    let found = responses(&send(&client, &queries(30)).await);
    assert_eq!(found.len(), 30);
    let order: Vec<&str> = found.iter().map(|item| item["bId"].as_str().unwrap()).collect();
    assert!(
        order.iter().enumerate().any(|(at, id)| *id != format!("q{at}")),
        "{order:?}"
    );
    for item in &found {
        let number: usize = item["bId"].as_str().unwrap()[1..].parse().unwrap();
        let rows = item["QueryResponse"]["Invoice"].as_array().unwrap();
        assert_eq!(rows.len(), number + 1);
    }
    let seen = client.emulator.summary().company("demo-us").unwrap().api.clone();
    assert_eq!((seen.requests, seen.metered), (1, 30));
    client
        .control("faults", r#"{"switches":{"batch_order":"kept"}}"#)
        .await;
    let kept = responses(&send(&client, &queries(5)).await);
    assert!(
        kept.iter()
            .enumerate()
            .all(|(at, item)| item["bId"] == json!(format!("q{at}")))
    );
}

#[tokio::test]
async fn an_item_fails_alone() {
    let client = Client::start().await;
    client.emulator.set_fault(
        "fault=500,code=10000,on=batch_item,entity=vendor"
            .parse()
            .unwrap(),
    );
    let items = json!([
        {"bId": "good", "Query": "select count(*) from Item"},
        {"bId": "typo", "Query": "selct"},
        {"bId": "plan", "Query": "select * from CompanyCurrency"},
        {"bId": "write", "operation": "create", "Invoice": {"Line": []}},
        {"bId": "struck", "Query": "select * from Vendor"},
        {"bId": "gone", "Query": "select * from Unicorn"}
    ]);
    let found = responses(&send(&client, &items).await);
    let of = |id: &str| found.iter().find(|item| item["bId"] == json!(id)).unwrap();
    assert!(of("good")["QueryResponse"]["totalCount"].is_u64());
    for (id, code) in [
        ("typo", "4000"),
        ("plan", "5030"),
        ("write", "500"),
        ("struck", "10000"),
        ("gone", "4001"),
    ] {
        assert_eq!(of(id)["Fault"]["Error"][0]["code"], json!(code), "{id}");
        assert_eq!(of(id).get("QueryResponse"), None);
    }
}

#[tokio::test]
async fn too_many_items_and_other_bodies_are_refused() {
    let client = Client::start().await;
    let refused = send(&client, &queries(31)).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "1040"));
    assert_eq!(send(&client, &json!("nothing")).await.code(), "2010");
}

#[tokio::test]
async fn forty_batches_are_answered_in_a_minute() {
    let client = Client::with(EmulatorOptions {
        rate: Rate::Enforce,
        ..options()
    })
    .await;
    for number in 0..40 {
        assert_eq!(send(&client, &queries(1)).await.status, 200, "{number}");
        client
            .emulator
            .clock()
            .step(std::time::Duration::from_millis(500));
    }
    assert_eq!(send(&client, &queries(1)).await.status, 429);
    assert_eq!(
        client.query("SELECT count(*) FROM Item").await.status,
        200,
        "only batches are counted so"
    );
    client.emulator.clock().step(std::time::Duration::from_secs(41));
    assert_eq!(send(&client, &queries(1)).await.status, 200);
}
