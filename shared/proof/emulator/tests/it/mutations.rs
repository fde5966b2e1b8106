use std::collections::BTreeMap;
use std::time::Duration;

use ledgerfleet_emulator::{EmulatorOptions, Mutation, MutationKind, TruthFilter, TruthLine};
use serde_json::{Value, json};

use crate::client::{Client, options};
use crate::ledger::{ENTITIES, SINGLE, id};

async fn mutate(client: &Client, change: Value) -> Vec<String> {
    let mut body = json!({ "company": "demo-us", "entity": "invoice" });
    body.as_object_mut()
        .expect("an object")
        .extend(change.as_object().expect("an object").clone());
    let done = client.control("mutate", &body.to_string()).await;
    assert_eq!(done.status, 200, "{}", done.body);
    done.json()["ids"]
        .as_array()
        .expect("ids")
        .iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect()
}

fn line(client: &Client, entity: &str, id: &str) -> TruthLine {
    client
        .truth(entity, &TruthFilter::default())
        .into_iter()
        .find(|line| line.id == id)
        .expect("a live record")
}

async fn row(client: &Client, id: &str) -> Value {
    client
        .rows(&format!("SELECT * FROM Invoice WHERE Id = '{id}'"))
        .await
        .remove(0)
}

#[tokio::test]
async fn an_update_changes_content_version_and_time_and_a_touch_only_the_time() {
    let client = Client::start().await;
    let (before, row_before) = (line(&client, "invoice", "5"), row(&client, "5").await);
    mutate(&client, json!({ "kind": "update", "ids": ["5"] })).await;
    let (updated, row_updated) = (line(&client, "invoice", "5"), row(&client, "5").await);
    assert_ne!(row_updated["TotalAmt"], row_before["TotalAmt"]);
    assert_eq!(
        updated.version.parse::<u32>().unwrap(),
        before.version.parse::<u32>().unwrap() + 1
    );
    assert_eq!(
        (updated.updated_at.as_str(), &updated.created_at),
        ("2026-07-20T12:00:00Z", &before.created_at)
    );

    client.emulator.clock().step(Duration::from_mins(1));
    mutate(&client, json!({ "kind": "touch", "ids": ["5"] })).await;
    let touched = line(&client, "invoice", "5");
    assert_eq!(
        (touched.version, touched.updated_at.as_str()),
        (updated.version.clone(), "2026-07-20T12:01:00Z")
    );
    assert_ne!(touched.hash, updated.hash, "the time is part of the record");
    assert_eq!(row(&client, "5").await["TotalAmt"], row_updated["TotalAmt"]);

    mutate(&client, json!({ "kind": "link", "ids": ["5"] })).await;
    let linked = line(&client, "invoice", "5");
    assert_eq!(
        (&linked.version, linked.updated_at.as_str()),
        (&updated.version, "2026-07-20T12:01:00Z")
    );
    assert!(
        row(&client, "5").await["LinkedTxn"].as_array().unwrap().len()
            > row_updated["LinkedTxn"].as_array().unwrap().len()
    );
    assert_eq!(
        client.hashes("invoice"),
        client.all("SELECT * FROM Invoice", 100).await
    );
}

#[tokio::test]
async fn an_update_changes_the_content_of_every_entity_and_a_creation_adds_to_it() {
    let client = Client::with(EmulatorOptions {
        companies: vec!["demo-us=small:multicurrency".parse().unwrap()],
        ..options()
    })
    .await;
    client
        .control("faults", r#"{"switches":{"optional_entities":"served"}}"#)
        .await;
    for (entity, api) in ENTITIES {
        let before = content(&client, api).await;
        let changed = mutate(&client, json!({ "entity": entity, "kind": "update", "count": 2 })).await;
        let after = content(&client, api).await;
        for (id, row) in &after {
            assert_eq!(before[id] != *row, changed.contains(id), "{entity} {id}: {row}");
        }
        if !SINGLE.contains(api) && *api != "ExchangeRate" {
            mutate(&client, json!({ "entity": entity, "kind": "create", "count": 3 })).await;
            let grown = content(&client, api).await;
            assert_eq!(grown.len(), after.len() + 3, "{entity}");
            assert_eq!(client.hashes(entity).len(), grown.len());
        }
    }
}

/// All rows of an entity without what tells of their versions.
async fn content(client: &Client, api: &str) -> BTreeMap<String, Value> {
    let rows = client.every_row(api).await;
    let content = |text: &String| {
        let mut row: Value = serde_json::from_str(text).expect("a record");
        let id = id(&row);
        for member in [
            "SyncToken",
            "MetaData",
            "TempDownloadUri",
            "ThumbnailTempDownloadUri",
        ] {
            row.as_object_mut().expect("a record").remove(member);
            for wrapped in row.as_object_mut().expect("a record").values_mut() {
                wrapped.as_object_mut().map(|inner| inner.remove(member));
            }
        }
        (id, row)
    };
    rows.iter().map(content).collect()
}

#[tokio::test]
async fn a_deposit_made_of_a_payment_shows_at_both_ends_and_in_no_version_or_time() {
    let client = Client::start().await;
    let rows = client
        .rows("SELECT * FROM Payment WHERE TotalAmt > '0' MAXRESULTS 1000")
        .await;
    let waiting = rows
        .iter()
        .find(|row| row["LinkedTxn"] == json!([]))
        .expect("a payment not deposited");
    let id = waiting["Id"].as_str().expect("an id");
    let before = line(&client, "payment", id);
    let deposits = client.count("Deposit").await;
    mutate(
        &client,
        json!({ "entity": "payment", "kind": "link", "ids": [id] }),
    )
    .await;
    let after = line(&client, "payment", id);
    assert_eq!(
        (&after.version, &after.updated_at),
        (&before.version, &before.updated_at)
    );
    assert_ne!(after.hash, before.hash);
    assert_eq!(client.count("Deposit").await, deposits + 1);
    let select = format!("SELECT * FROM Payment WHERE Id = '{id}'");
    let payment = client.rows(&select).await.remove(0);
    let link = &payment["LinkedTxn"][0];
    assert_eq!(link["TxnType"], json!("Deposit"));
    let select = format!(
        "SELECT * FROM Deposit WHERE Id = '{}'",
        link["TxnId"].as_str().expect("an id")
    );
    let deposit = client.rows(&select).await.remove(0);
    assert_eq!(
        deposit["Line"][0]["LinkedTxn"][0],
        json!({ "TxnId": id, "TxnType": "Payment" })
    );
    assert_eq!(deposit["TotalAmt"], payment["TotalAmt"]);
}

#[tokio::test]
async fn a_late_change_appears_behind_a_readers_watermark() {
    let client = Client::start().await;
    let before = line(&client, "invoice", "9");
    mutate(
        &client,
        json!({ "kind": "late_change", "ids": ["9"], "late_seconds": 300 }),
    )
    .await;
    let late = line(&client, "invoice", "9");
    assert_eq!(late.updated_at, "2026-07-20T11:55:00Z");
    assert_ne!(late.version, before.version);
}

#[tokio::test]
async fn created_records_join_their_day_and_deleted_ones_leave_it() {
    let client = Client::start().await;
    let day = "2026-06-10";
    let window = format!("Invoice WHERE TxnDate = '{day}'");
    let before = client.count(&window).await;
    let created = mutate(&client, json!({ "kind": "create", "count": 3, "day": day })).await;
    assert_eq!(client.count(&window).await, before + 3);
    let select = format!("SELECT * FROM {window} ORDERBY TxnDate, Id");
    assert!(created.iter().all(|id| id.parse::<u64>().unwrap() > 0));
    assert!(client.ids(&select).await.ends_with(&created));

    let deleted = mutate(
        &client,
        json!({ "kind": "delete", "count": 2, "day": day, "pick": "first" }),
    )
    .await;
    assert_eq!(client.count(&window).await, before + 1);
    assert!(!client.ids(&select).await.iter().any(|id| deleted.contains(id)));
    let missing = client
        .query(&format!("SELECT * FROM Invoice WHERE Id = '{}'", deleted[0]))
        .await
        .json();
    assert_eq!(missing["QueryResponse"], json!({}));
    let gone = client.look("truth/demo-us/invoice?deleted=1").await;
    let gone: Vec<TruthLine> = gone
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        gone.iter().map(|line| line.id.clone()).collect::<Vec<_>>(),
        deleted
    );
    assert!(
        gone.iter()
            .all(|line| line.deleted_at.as_deref() == Some("2026-07-20T12:00:00Z"))
    );
    assert_eq!(
        client.hashes("invoice"),
        client.all("SELECT * FROM Invoice ORDERBY TxnDate, Id", 50).await
    );
    let by_update = "SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime, Id";
    assert_eq!(client.hashes("invoice"), client.all(by_update, 50).await);
}

#[tokio::test]
async fn a_void_leaves_zeros_and_a_note_and_a_deleted_name_an_inactive_one() {
    let client = Client::start().await;
    mutate(&client, json!({ "kind": "void", "ids": ["12"] })).await;
    let voided = row(&client, "12").await;
    assert_eq!((&voided["TotalAmt"], &voided["Balance"]), (&json!(0), &json!(0)));
    assert!(voided["PrivateNote"].as_str().unwrap().starts_with("Voided"));
    assert_eq!(voided["LinkedTxn"], json!([]));
    assert_eq!(line(&client, "invoice", "12").total.as_deref(), Some("0.00"));

    let customer = mutate(&client, json!({ "entity": "customer", "kind": "delete" }))
        .await
        .remove(0);
    assert_eq!(
        client.count(&format!("Customer WHERE Id = '{customer}'")).await,
        0
    );
    let row = client
        .rows(&format!(
            "SELECT * FROM Customer WHERE Id = '{customer}' AND Active = false"
        ))
        .await
        .remove(0);
    assert!(row["DisplayName"].as_str().unwrap().ends_with(" (deleted)"));
    assert_eq!(
        line(&client, "customer", &customer).updated_at,
        "2026-07-20T12:00:00Z"
    );
}

#[tokio::test]
async fn a_row_that_is_deleted_between_pages_shifts_the_others() {
    let client = Client::start().await;
    let whole = client.ids("SELECT * FROM Invoice ORDERBY Id MAXRESULTS 20").await;
    mutate(
        &client,
        json!({ "kind": "delete", "pick": "first", "every": 3, "times": 1 }),
    )
    .await;
    let mut read = Vec::new();
    for start in [1, 11] {
        read.extend(
            client
                .ids(&format!(
                    "SELECT * FROM Invoice ORDERBY Id STARTPOSITION {start} MAXRESULTS 10"
                ))
                .await,
        );
    }
    assert_eq!(read[..10], whole[..10]);
    assert!(!read.contains(&whole[10]), "the row at the boundary is skipped");
    assert_eq!(
        client
            .truth(
                "invoice",
                &TruthFilter {
                    deleted: Some(1),
                    ..TruthFilter::default()
                }
            )
            .len(),
        1
    );
}

#[tokio::test]
async fn a_mutation_can_be_hidden_from_queries_for_a_while() {
    let client = Client::start().await;
    client
        .emulator
        .set_fault("visibility_delay=30,company=demo-us".parse().unwrap());
    let before = row(&client, "5").await;
    mutate(&client, json!({ "kind": "update", "ids": ["5"] })).await;
    let created = mutate(&client, json!({ "kind": "create" })).await.remove(0);
    assert_eq!(row(&client, "5").await, before);
    assert!(
        client
            .rows(&format!("SELECT * FROM Invoice WHERE Id = '{created}'"))
            .await
            .is_empty()
    );
    assert_ne!(
        client.hashes("invoice"),
        client.all("SELECT * FROM Invoice", 1000).await
    );
    client.emulator.clock().step(Duration::from_secs(30));
    assert_eq!(
        client.hashes("invoice"),
        client.all("SELECT * FROM Invoice", 1000).await
    );
}

#[tokio::test]
async fn mutations_that_cannot_be_done_are_refused() {
    let client = Client::start().await;
    for (body, why) in [
        (
            r#"{"company":"nobody","entity":"invoice","kind":"update"}"#,
            "nobody",
        ),
        (
            r#"{"company":"demo-us","entity":"unicorn","kind":"update"}"#,
            "unicorn",
        ),
        (
            r#"{"company":"demo-us","entity":"invoice","kind":"explode"}"#,
            "explode",
        ),
        (
            r#"{"company":"demo-us","entity":"invoice","kind":"update","cuont":2}"#,
            "cuont",
        ),
        (
            r#"{"company":"demo-us","entity":"invoice","kind":"update","ids":["999999"]}"#,
            "999999",
        ),
        (
            r#"{"company":"demo-us","entity":"customer","kind":"void"}"#,
            "voided",
        ),
        (
            r#"{"company":"demo-us","entity":"invoice","kind":"update","every":0}"#,
            "every",
        ),
    ] {
        let refused = client.control("mutate", body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(
            refused.json()["error"].as_str().unwrap().contains(why),
            "{}",
            refused.body
        );
    }
    assert_eq!(client.control("clock", r#"{"step":-5}"#).await.status, 400);
    assert_eq!(
        client.control("clock", r#"{"step":5}"#).await.json()["now"],
        json!("2026-07-20T12:00:05.000000Z")
    );
}

#[tokio::test]
async fn tests_in_the_same_process_mutate_without_http() {
    let client = Client::start().await;
    let mutation = Mutation::new("demo-us", "invoice", MutationKind::Delete);
    let ids = client.emulator.mutate(Mutation { count: 4, ..mutation }).unwrap();
    assert_eq!(ids.len(), 4);
    assert_eq!(
        client.count("Invoice").await,
        client.hashes("invoice").len() as u64
    );
}
