//! Requests that are repeated, and requests whose client goes away.

use std::time::Duration;

use ledgerfleet_emulator::{FaultKind, FaultSpec, RunningEmulator};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::http::{Answered, send};
use crate::served::{JSON, Served, invoices, serve};
use crate::world::emulator;

/// Sends without a body, under a key of a repetition.
async fn keyed(served: &Served, path: &str, key: &str) -> Answered {
    send(&served.address, "POST", path, &[("Idempotency-Key", key)], "").await
}

#[tokio::test]
async fn a_repetition_is_of_query_and_body_and_only_what_succeeded_is_told_again() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let sync = |name: &str| format!("/api/v1/sync?resources=customer&connection={name}");
    let first = keyed(&served, &sync("demo-us"), "night").await.expect(202);
    let other = keyed(&served, &sync("demo-ca"), "night").await.expect(422);
    assert_eq!(other.json()["cause"], "idempotency_mismatch");
    let again = keyed(&served, &sync("demo-us"), "night").await.expect(202);
    assert_eq!(
        (again.header("idempotency-replayed"), &again.body),
        (Some("true"), &first.body)
    );

    // What was refused and is mended is done.
    let pause = "/api/v1/connections/maple/pause";
    keyed(&served, pause, "pause").await.expect(404);
    served
        .post("/api/v1/connections/demo-ca/set", &json!({"name": "maple"}))
        .await
        .expect(200);
    keyed(&served, pause, "pause").await.expect(200);
    served.server.end_with("TERM").await;
}

/// Sends a request, and hangs up when the source has been asked.
async fn leave(served: &Served, emulator: &RunningEmulator, request: &str) {
    let asked = || emulator.summary().requests;
    let before = asked();
    let mut stream = TcpStream::connect(&served.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    while asked() == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_client_that_goes_away_has_begun_is_done_once_and_counted() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let page = served
        .get("/api/v1/records?connection=demo-us&entity=invoice&limit=1")
        .await;
    let id = page.expect(200).json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let counted = async || {
        let calls = served
            .get("/api/v1/calls?connection=demo-us")
            .await
            .expect(200)
            .json();
        let rows = calls["items"].as_array().unwrap();
        rows.iter().map(|row| row["calls"].as_u64().unwrap()).sum::<u64>()
    };
    let before = counted().await;
    emulator.set_fault(FaultSpec::always(FaultKind::Delay { millis: 3_000 }));
    let live = format!(
        "GET /api/v1/records/live?connection=demo-us&entity=invoice&id={id} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    );
    leave(&served, &emulator, &live).await;
    let test = "/api/v1/connections/demo-ca/test";
    let posted =
        format!("POST {test} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: t\r\nContent-Length: 0\r\n\r\n");
    leave(&served, &emulator, &posted).await;

    let met = keyed(&served, test, "t").await.expect(409);
    assert_eq!(met.json()["cause"], "under_way");
    assert!(met.header("retry-after").is_some(), "{met:?}");
    emulator.clear_faults();
    let again = loop {
        let met = keyed(&served, test, "t").await;
        if met.status != 409 {
            break met.expect(200);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    while counted().await == before {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let audit = served.get("/api/v1/audit?limit=1000").await.expect(200).json();
    let rows = audit["items"].as_array().unwrap();
    let tests = rows.iter().filter(|row| row["action"] == "connection.test");
    assert_eq!(tests.count(), 1, "{audit}");
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn nobody_waits_for_the_note_that_a_key_is_in_use() {
    use sqlx::{Connection, SqliteConnection};

    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("k", "--scope read").await;
    let url = format!("sqlite://{}", served.world.path("ledgerfleet.db").display());
    let mut writer = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut writer)
        .await
        .unwrap();
    let asked = served.get_with("/api/v1/connections", &key);
    // Longer than any wait for a writer could be hidden in, and far shorter than what it would take.
    let told = tokio::time::timeout(Duration::from_secs(3), asked).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut writer).await.unwrap();
    told.expect("an answer while another writes").expect(200);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_removal_is_meant_and_deletes_as_many_records_as_a_dry_run_has_told() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let key = served.key("k", "--scope read,connect").await;
    let all = served.key("whole", "--scope read,connect,admin").await;
    let remove = async |key: &str, body: serde_json::Value| {
        let headers = [JSON, ("Authorization", key)];
        let path = "/api/v1/connections/demo-us/remove";
        send(&served.address, "POST", path, &headers, &body.to_string()).await
    };
    let would = remove(&key, json!({"purge_data": true, "dry_run": true})).await;
    let records = would.expect(200).json()["records"].as_u64().unwrap();
    for (key, body, status) in [
        (&all, json!({}), 400),
        (&all, json!({"purge_data": true, "records": records}), 400),
        (
            &key,
            json!({"purge_data": true, "confirm": true, "records": records}),
            403,
        ),
        (&all, json!({"purge_data": true, "confirm": true}), 409),
        (
            &all,
            json!({"purge_data": true, "confirm": true, "records": records - 1}),
            409,
        ),
    ] {
        let told = remove(key, body.clone()).await;
        assert_eq!(told.status, status, "{body}: {told:?}");
        assert!(
            status != 409 || told.body.contains(&records.to_string()),
            "{told:?}"
        );
    }
    let done = remove(
        &all,
        json!({"purge_data": true, "confirm": true, "records": records}),
    )
    .await;
    assert_eq!(done.expect(200).json()["records_deleted"], records);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn of_several_who_ask_for_the_same_comparison_at_once_one_begins_it() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    served.backfill("demo-us").await;
    let wanted = invoices("demo-us");
    let over = async |place: &str| served.get(place).await.expect(200).json()["state"] != "running";
    for round in 0..3 {
        let asked = (0..4).map(|_| served.post("/api/v1/verify", &wanted));
        let answered = futures::future::join_all(asked).await;
        let begun: Vec<&Answered> = answered.iter().filter(|told| told.status == 202).collect();
        assert!(!begun.is_empty(), "round {round}: {answered:?}");
        let place = begun[0].header("location").unwrap();
        for told in &answered {
            match told.status {
                202 => assert_eq!(told.header("location"), Some(place), "round {round}"),
                status => assert_eq!(status, 409, "round {round}: {told:?}"),
            }
        }
        until("it is over", PATIENCE, || over(place)).await;
    }
    served.server.end_with("TERM").await;
}
