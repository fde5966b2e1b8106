//! What the world does to a reader: pages of other sizes, records that cannot be served, outages, and what nobody asked for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::batches::{responses, send};
use crate::client::{Client, answer};

const ORDER: &str = "SELECT * FROM Invoice ORDERBY Id";

async fn with_fault(spec: &str) -> Client {
    let client = Client::start().await;
    client.emulator.set_fault(spec.parse().expect("a fault"));
    client
}

async fn mutate(client: &Client, mutation: Value) -> Vec<String> {
    let mut mutation = mutation;
    mutation["company"] = json!("demo-us");
    let changed = client.control("mutate", &mutation.to_string()).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    serde_json::from_value(changed.json()["ids"].clone()).expect("ids")
}

#[tokio::test]
async fn a_page_holds_no_more_than_the_cap_and_does_not_say_so() {
    let client = Client::start().await;
    client.switch("rows_at_most", 40).await;
    let capped = client.query(&format!("{ORDER} MAXRESULTS 100")).await.json();
    assert_eq!(capped["QueryResponse"]["maxResults"], json!(40));
    assert_eq!(capped["QueryResponse"].get("totalCount"), None);
    let next = client
        .ids(&format!("{ORDER} STARTPOSITION 41 MAXRESULTS 100"))
        .await;
    assert_eq!((next.len(), next[0].as_str()), (40, "41"));
    client.switch("rows_at_most", Value::Null).await;
    assert_eq!(client.ids(&format!("{ORDER} MAXRESULTS 100")).await.len(), 100);
}

#[tokio::test]
async fn a_page_can_have_one_row_more_than_was_asked_for() {
    let client = Client::start().await;
    client.switch("one_row_more", "on").await;
    let page = client.ids(&format!("{ORDER} MAXRESULTS 10")).await;
    assert_eq!((page.len(), page[10].as_str()), (11, "11"));
    let next = client
        .ids(&format!("{ORDER} STARTPOSITION 11 MAXRESULTS 10"))
        .await;
    assert_eq!(next[0], "11", "positions are as they were");
    assert_eq!(client.ids("SELECT * FROM Invoice WHERE Id = '7'").await, ["7"]);
}

#[tokio::test]
async fn a_spoilt_record_is_a_fault_wherever_it_would_be_served_and_only_there() {
    let client = Client::start().await;
    for (spoil, status, code) in [
        (json!({}), 400, "4002"),
        (json!({ "status": 500, "code": 10_000 }), 500, "10000"),
    ] {
        let mut mutation = json!({ "entity": "invoice", "kind": "spoil", "ids": ["7"] });
        mutation
            .as_object_mut()
            .unwrap()
            .extend(spoil.as_object().unwrap().clone());
        assert_eq!(mutate(&client, mutation).await, ["7"]);
        let truth = client.hashes("invoice");
        for statement in [
            format!("{ORDER} MAXRESULTS 10"),
            format!("{ORDER} STARTPOSITION 7 MAXRESULTS 1"),
            "SELECT * FROM Invoice WHERE Id = '7'".to_owned(),
            "SELECT Id FROM Invoice WHERE Id IN ('6', '7')".to_owned(),
        ] {
            let refused = client.query(&statement).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (status, code),
                "{statement}"
            );
        }
        let read = answer(client.get("invoice/7")).await;
        assert_eq!((read.status.as_u16(), read.code().as_str()), (status, code));
        assert_eq!(client.count("Invoice WHERE Id = '7'").await, 1, "it is counted");
        assert_eq!(client.ids(&format!("{ORDER} MAXRESULTS 6")).await.len(), 6);
        assert_eq!(
            client
                .ids(&format!("{ORDER} STARTPOSITION 8 MAXRESULTS 10"))
                .await[0],
            "8"
        );
        let items = json!([
            { "bId": "bad", "Query": "SELECT * FROM Invoice WHERE Id = '7'" },
            { "bId": "good", "Query": "SELECT * FROM Term" },
        ]);
        for item in responses(&send(&client, &items).await) {
            match item["bId"].as_str() {
                Some("bad") => assert_eq!(item["Fault"]["Error"][0]["code"], json!(code)),
                _ => assert!(item["QueryResponse"]["Term"].is_array()),
            }
        }
        mutate(
            &client,
            json!({ "entity": "invoice", "kind": "mend", "ids": ["7"] }),
        )
        .await;
        assert_eq!(client.ids(&format!("{ORDER} MAXRESULTS 10")).await.len(), 10);
        assert_eq!(
            client.hashes("invoice"),
            truth,
            "nothing about the record changed"
        );
    }
    mutate(
        &client,
        json!({ "entity": "invoice", "kind": "touch", "ids": ["7"] }),
    )
    .await;
    mutate(
        &client,
        json!({ "entity": "invoice", "kind": "spoil", "ids": ["7"] }),
    )
    .await;
    let changes = answer(client.get("cdc?entities=Term,Invoice&changedSince=2026-07-19")).await;
    assert_eq!((changes.status.as_u16(), changes.code().as_str()), (400, "4002"));
}

#[tokio::test]
async fn what_can_never_be_spoilt_is_refused() {
    let client = Client::start().await;
    for wrong in [
        r#"{"company":"demo-us","entity":"invoice","kind":"spoil","status":200}"#,
        r#"{"company":"demo-us","entity":"invoice","kind":"update","code":4002}"#,
    ] {
        assert_eq!(client.control("mutate", wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_page_can_be_too_large_by_the_number_of_its_rows() {
    for (spec, status, body) in [
        ("large_page=50", 504, r#""code":"6002""#),
        ("large_page=50,status=413,shape=html", 413, "<html>"),
        (
            "large_page=50,status=504,code=6002,shape=xml",
            504,
            "code=\"6002\"",
        ),
    ] {
        let client = with_fault(spec).await;
        let refused = client.query(&format!("{ORDER} MAXRESULTS 51")).await;
        assert_eq!(refused.status.as_u16(), status, "{spec}");
        assert!(refused.body.contains(body), "{spec}: {}", refused.body);
        assert_eq!(client.ids(&format!("{ORDER} MAXRESULTS 50")).await.len(), 50);
        let few = client
            .query("SELECT * FROM Invoice WHERE Id = '7' MAXRESULTS 1000")
            .await;
        assert_eq!(few.rows().len(), 1, "rows are counted and not what was asked for");
    }
}

#[tokio::test]
async fn a_page_can_take_the_longer_the_more_rows_it_has() {
    let client = with_fault("slow_rows=3").await;
    let began = std::time::Instant::now();
    assert_eq!(client.ids(&format!("{ORDER} MAXRESULTS 100")).await.len(), 100);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn custom_fields_beyond_the_third_come_only_to_those_who_ask_for_them() {
    let client = Client::start().await;
    let include = |path: String| {
        let with = if path.contains('?') { '&' } else { '?' };
        client.get(&format!("{path}{with}include=enhancedAllCustomFields"))
    };
    let most = |rows: &[Value]| -> usize {
        let fields = |row: &Value| row["CustomField"].as_array().map_or(0, Vec::len);
        rows.iter().map(fields).max().expect("rows")
    };
    let page = "query?query=SELECT%20*%20FROM%20Invoice%20MAXRESULTS%201000".to_owned();
    for (position, usually, asked) in [("three", 3, 3), ("enhanced", 3, 5)] {
        client.switch("custom_fields", position).await;
        let plain = answer(client.get(&page)).await;
        let all = answer(include(page.clone())).await;
        assert_eq!(
            (most(&plain.rows()), most(&all.rows())),
            (usually, asked),
            "{position}"
        );
        let five = all
            .rows()
            .into_iter()
            .find(|row| most(std::slice::from_ref(row)) == asked)
            .expect("an invoice");
        let id = five["Id"].as_str().expect("an id").to_owned();
        let read = answer(include(format!("invoice/{id}"))).await.json();
        assert_eq!(read["Invoice"], five);
        let usual = answer(client.get(&format!("invoice/{id}"))).await.json();
        assert_eq!(most(std::slice::from_ref(&usual["Invoice"])), usually);
        let text = answer(include(format!(
            "query?query=SELECT%20*%20FROM%20Invoice%20WHERE%20Id='{id}'"
        )))
        .await
        .raw_rows()
        .remove(0);
        let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        assert_eq!(
            client.hashes("invoice")[&id],
            hash,
            "the truth holds all that there are"
        );
        assert_eq!(client.emulator.text("demo-us", "invoice", &id), Some(text));
    }
}

#[tokio::test]
async fn a_document_can_lie_in_a_year_that_nobody_meant() {
    let client = Client::start().await;
    let days = [("7", "0206-06-01"), ("8", "2206-06-01"), ("9", "9999-12-31")];
    for (id, day) in days {
        mutate(
            &client,
            json!({ "entity": "invoice", "kind": "redate", "ids": [id], "to": day }),
        )
        .await;
        let row = client
            .rows(&format!("SELECT * FROM Invoice WHERE TxnDate = '{day}'"))
            .await;
        assert_eq!(
            (row[0]["Id"].as_str(), row[0]["TxnDate"].as_str()),
            (Some(id), Some(day))
        );
    }
    let all =
        "SELECT * FROM Invoice WHERE TxnDate >= '0001-01-01' AND TxnDate <= '9999-12-31' ORDERBY TxnDate";
    assert_eq!(client.ids(&format!("{all} MAXRESULTS 1")).await, ["7"]);
    assert_eq!(client.ids(&format!("{all} DESC MAXRESULTS 2")).await, ["9", "8"]);
}

#[tokio::test]
async fn an_instant_of_the_last_hours_of_time_is_the_year_10000_in_utc() {
    let client = Client::start().await;
    mutate(
        &client,
        json!({ "entity": "invoice", "kind": "odd", "oddity": "distant_instant", "ids": ["7"] }),
    )
    .await;
    let row = client
        .rows("SELECT * FROM Invoice WHERE Id = '7'")
        .await
        .remove(0);
    assert_eq!(row["MetaData"]["LastUpdatedTime"], "9999-12-31T23:30:00-08:00");
    let latest = "SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime > '9999-12-31T00:00:00Z'";
    assert_eq!(client.ids(latest).await, ["7"]);
}

#[tokio::test]
async fn an_outage_of_the_whole_api_has_every_face_that_it_has_had() {
    for (spec, status, body) in [
        ("html=503", 503, "<html>"),
        (
            "shaped_fault=xml,status=500,code=3100",
            500,
            "InternalServerError",
        ),
        (
            "shaped_fault=service,status=500,code=3100",
            500,
            "InternalServerError",
        ),
        ("fault=400,code=500", 400, "Could not find resource"),
        ("fault=500,code=6000", 500, r#""code":"6000""#),
    ] {
        let mut client = with_fault(spec).await;
        for company in [0, 1] {
            client.turn_to(company).await;
            for path in [
                "query?query=SELECT%20*%20FROM%20Term",
                "term/1",
                "companyinfo/1",
                "cdc?entities=Term",
            ] {
                let out = answer(client.get(path)).await;
                assert_eq!(out.status.as_u16(), status, "{spec} {path}");
                assert!(out.body.contains(body), "{spec} {path}: {}", out.body);
            }
        }
        client.control("faults", r#"{"clear":true}"#).await;
        assert_eq!(answer(client.get("term/1")).await.status, 200);
    }
    let client = with_fault("html=503,on=token").await;
    let grant = client.grant("grant_type=refresh_token&refresh_token=x").await;
    assert_eq!(grant.status, 503, "and the token endpoint has its own");
}

#[tokio::test]
async fn a_burst_of_insertions_moves_every_page_of_a_reader() {
    let client = Client::start().await;
    let before = client.count("Invoice").await;
    let latest = "SELECT * FROM Invoice ORDERBY MetaData.CreateTime DESC, Id DESC MAXRESULTS 10";
    let first = client.ids(latest).await;
    mutate(
        &client,
        json!({ "entity": "invoice", "kind": "create", "count": 250, "every": 1, "times": 3 }),
    )
    .await;
    for burst in 1..=3 {
        let page = client.ids(latest).await;
        assert!(page.iter().all(|id| !first.contains(id)), "burst {burst}");
    }
    assert_eq!(client.count("Invoice").await, before + 750);
}
