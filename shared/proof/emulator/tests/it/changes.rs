use std::time::Duration;

use ledgerfleet_emulator::{Clock, EmulatorOptions, TruthFilter};
use serde_json::{Value, json};

use crate::client::{Answer, Client, answer, options};

/// A client whose clock stands still five days after the end of the books.
async fn start() -> Client {
    let clock = Clock::frozen_at("2026-07-05T12:00:00Z".parse().expect("an instant"));
    Client::with(EmulatorOptions { clock, ..options() }).await
}

async fn ask(client: &Client, entities: &str, since: &str) -> Answer {
    answer(client.get(&format!(
        "cdc?entities={entities}&changedSince={since}&minorversion=75"
    )))
    .await
}

fn blocks(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let blocks = &answer.json()["CDCResponse"][0]["QueryResponse"];
    blocks.as_array().expect("blocks").clone()
}

async fn mutate(client: &Client, body: Value) -> Vec<String> {
    let done = client.control("mutate", &body.to_string()).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let ids = done.json()["ids"].clone();
    ids.as_array()
        .expect("ids")
        .iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn all_that_changed_comes_as_it_is_and_what_did_not_is_an_empty_block() {
    let client = start().await;
    let since = "2026-07-01T00:00:00-07:00";
    let before = blocks(&ask(&client, "Invoice,Customer,Bill", since).await);
    assert_eq!(before, [json!({}), json!({}), json!({})]);

    let changed = mutate(
        &client,
        json!({"company":"demo-us","entity":"invoice","kind":"update","count":3}),
    )
    .await;
    let renamed = mutate(
        &client,
        json!({"company":"demo-us","entity":"customer","kind":"delete"}),
    )
    .await;
    let found = blocks(&ask(&client, "invoice,Customer,BILL", since).await);
    assert_eq!(found[2], json!({}));
    let ids: Vec<&str> = found[0]["Invoice"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["Id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, changed);
    assert_eq!(
        (&found[0]["startPosition"], &found[0]["maxResults"]),
        (&json!(1), &json!(3))
    );
    let whole = client
        .rows(&format!("SELECT * FROM Invoice WHERE Id = '{}'", changed[0]))
        .await;
    assert_eq!(found[0]["Invoice"][0], whole[0]);
    let customer = &found[1]["Customer"][0];
    assert_eq!(
        (&customer["Id"], &customer["Active"]),
        (&json!(renamed[0]), &json!(false))
    );
}

#[tokio::test]
async fn what_is_gone_is_a_stub_with_the_time_of_its_deletion() {
    let client = start().await;
    let gone = mutate(
        &client,
        json!({"company":"demo-us","entity":"bill","kind":"delete","count":2}),
    )
    .await;
    let born = mutate(
        &client,
        json!({"company":"demo-us","entity":"payment","kind":"create"}),
    )
    .await;
    client.emulator.clock().step(Duration::from_secs(90));
    mutate(
        &client,
        json!({"company":"demo-us","entity":"payment","kind":"delete","ids":born}),
    )
    .await;
    let found = blocks(&ask(&client, "Bill,Payment", "2026-07-05T11:59:59Z").await);
    assert_eq!(found[0].get("startPosition"), None, "nothing but stubs");
    for (stub, id) in found[0]["Bill"].as_array().unwrap().iter().zip(&gone) {
        let expected = json!({
            "domain": "QBO",
            "status": "Deleted",
            "Id": id,
            "MetaData": {"LastUpdatedTime": "2026-07-05T05:00:00-07:00"}
        });
        assert_eq!(stub, &expected);
    }
    let stub = &found[1]["Payment"][0];
    assert_eq!(
        (&stub["Id"], &stub["status"]),
        (&json!(born[0]), &json!("Deleted"))
    );
    let after = blocks(&ask(&client, "Bill,Payment", "2026-07-05T12:00:01Z").await);
    assert_eq!(after[0], json!({}));
    assert_eq!(after[1]["Payment"].as_array().unwrap().len(), 1);
    let deleted = TruthFilter {
        deleted: Some(1),
        ..TruthFilter::default()
    };
    assert_eq!(client.truth("bill", &deleted).len(), 2);
}

#[tokio::test]
async fn it_stops_at_a_thousand_of_the_response_or_of_each_entity() {
    let client = start().await;
    let mut touched = Vec::new();
    for entity in ["invoice", "sales_receipt"] {
        let all = json!({"company":"demo-us","entity":entity,"kind":"touch","count":100_000});
        touched.push(mutate(&client, all).await.len() as u64);
    }
    let (invoices, receipts) = (touched[0], touched[1]);
    let since = "2026-07-05T11:00:00Z";
    let counts = |blocks: Vec<Value>| -> Vec<u64> {
        let count = |block: &Value| block["maxResults"].as_u64().unwrap_or(0);
        blocks.iter().map(count).collect()
    };
    assert!(
        invoices < 1_000 && invoices + receipts > 1_000,
        "{invoices} {receipts}"
    );
    let capped = ask(&client, "Invoice,SalesReceipt,Payment", since).await;
    assert_eq!(counts(blocks(&capped)), [invoices, 1_000 - invoices, 0]);
    client
        .control("faults", r#"{"switches":{"cdc_cap":"per_entity"}}"#)
        .await;
    let each = ask(&client, "Invoice,SalesReceipt,Payment", since).await;
    assert_eq!(counts(blocks(&each)), [invoices, receipts, 0]);
}

#[tokio::test]
async fn it_refuses_what_it_does_not_know_and_what_is_too_long_ago() {
    let client = start().await;
    let since = "2026-07-01T00:00:00Z";
    for (entities, since, code) in [
        ("Invoice,TimeActivity", since, "500"),
        ("TaxCode", since, "500"),
        ("Attachable", since, "500"),
        ("Unicorn", since, "500"),
        ("Invoice", "2026-06-05T11:59:59Z", "6000"),
        ("Invoice", "soon", "2040"),
        ("", since, "2020"),
    ] {
        let refused = ask(&client, entities, since).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, code),
            "{entities} {since}"
        );
    }
    assert_eq!(answer(client.get("cdc?entities=Invoice")).await.code(), "2020");
    assert_eq!(ask(&client, "Invoice", "2026-06-05T12:00:01Z").await.status, 200);
    client
        .control("faults", r#"{"switches":{"cdc_uncertain":"served"}}"#)
        .await;
    assert_eq!(
        ask(&client, "Attachable,CreditCardPayment", since).await.status,
        200
    );
    assert_eq!(ask(&client, "TimeActivity", since).await.code(), "500");
}

#[tokio::test]
async fn all_entities_together_are_one_metered_call() {
    let client = start().await;
    let all = "Account,Bill,BillPayment,Budget,Class,CreditMemo,Customer,Department,Deposit,Employee,Estimate,Invoice,Item,\
               JournalEntry,Payment,PaymentMethod,Purchase,PurchaseOrder,RefundReceipt,SalesReceipt,Term,Transfer,Vendor,\
               VendorCredit"
        .replace(' ', "");
    let found = blocks(&ask(&client, &all, "2026-06-25T00:00:00Z").await);
    assert_eq!(found.len(), 24);
    assert!(found.iter().filter(|block| **block != json!({})).count() > 5);
    let summary = client.emulator.summary();
    assert_eq!(summary.company("demo-us").unwrap().api.metered, 1);
}

#[tokio::test]
async fn what_is_doubtful_about_changes_is_a_switch() {
    let client = start().await;
    let since = "2026-07-05T11:59:59-00:00";
    let set = async |switches: Value| {
        let done = client
            .control("faults", &json!({ "switches": switches }).to_string())
            .await;
        assert_eq!(done.status, 200, "{}", done.body);
    };
    for (position, blocks_or_refusal) in [("refused", None), ("ignored", Some(2)), ("empty_block", Some(3))] {
        set(json!({ "cdc_unsupported": position })).await;
        let answer = ask(&client, "Invoice,TimeActivity,Bill", since).await;
        match blocks_or_refusal {
            None => assert_eq!(answer.status, 400, "{}", answer.body),
            Some(count) => assert_eq!(blocks(&answer).len(), count),
        }
    }
    set(json!({ "cdc_zulu": "refused" })).await;
    assert_eq!(ask(&client, "Invoice", "2026-07-05T11:59:59Z").await.status, 400);
    assert_eq!(ask(&client, "Invoice", since).await.status, 200);

    for entity in ["invoice", "bill", "customer", "payment"] {
        mutate(
            &client,
            json!({"company":"demo-us","entity":entity,"kind":"touch"}),
        )
        .await;
    }
    let order = async || {
        let blocks = blocks(&ask(&client, "Invoice,Bill,Customer,Payment", since).await);
        let names = blocks
            .iter()
            .map(|block| block.as_object().unwrap().keys().next().unwrap().clone());
        names.collect::<Vec<String>>()
    };
    assert_eq!(order().await, order().await);
    set(json!({ "cdc_blocks": "shuffled" })).await;
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..20 {
        orders.insert(order().await);
    }
    assert!(orders.len() > 1);

    let first = mutate(
        &client,
        json!({"company":"demo-us","entity":"vendor","kind":"create","count":1_100}),
    )
    .await;
    client.emulator.clock().step(Duration::from_mins(1));
    let last = mutate(
        &client,
        json!({"company":"demo-us","entity":"vendor","kind":"create","count":100}),
    )
    .await;
    let survivors = async || {
        let blocks = blocks(&ask(&client, "Vendor", since).await);
        let rows = blocks[0]["Vendor"].as_array().unwrap().clone();
        let ids = rows.iter().map(|row| row["Id"].as_str().unwrap().to_owned());
        ids.collect::<std::collections::BTreeSet<String>>()
    };
    for (position, of_the_last) in [("oldest", 0), ("newest", 100)] {
        set(json!({ "cdc_cut": position })).await;
        let survivors = survivors().await;
        assert_eq!(survivors.len(), 1_000);
        assert_eq!(
            last.iter().filter(|id| survivors.contains(*id)).count(),
            of_the_last,
            "{position}"
        );
        let old = first.iter().filter(|id| survivors.contains(*id)).count();
        assert_eq!(old, 1_000 - of_the_last);
    }
    set(json!({ "cdc_cut": "arbitrary" })).await;
    assert_ne!(survivors().await, survivors().await);
}
