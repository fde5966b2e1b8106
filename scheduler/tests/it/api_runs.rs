//! Runs through the HTTP API: submitted, followed, repeated.

use chrono::SecondsFormat;
use ledgerfleet_model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use sqlx::{Connection, PgConnection};

use crate::fleet::Fleet;
use crate::http::send;
use crate::served::{JSON, invoices, serve};
use crate::world::emulator;

#[tokio::test]
async fn a_backfill_is_submitted_followed_and_its_records_are_fetched_by_what_has_changed() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let run = served.backfill("demo-us").await;
    assert_eq!(
        (&run["state"], &run["dead"]),
        (&json!("done"), &json!(0)),
        "{run}"
    );
    let rows = run["rows"].as_u64().unwrap();
    assert!(rows > 0);

    let path = "/api/v1/records?connection=demo-us&entity=invoice";
    let streamed = served.get(&format!("{path}&format=ndjson")).await.expect(200);
    let lines: Vec<Value> = streamed
        .body
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let end = lines.last().unwrap();
    assert_eq!((&end["end"], &end["records"]), (&json!(true), &json!(rows)));
    assert_eq!(lines.len() as u64, rows + 1);

    let (mut met, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served
            .get(&format!("{path}&limit=3{cursor}"))
            .await
            .expect(200)
            .json();
        let items = page["items"].as_array().unwrap();
        met.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(met.len() as u64, rows);
    let mut sorted = met.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted, met, "each once, in the order of the ids");

    let now = SystemClock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let later = served
        .get(&format!("{path}&updated_since={now}"))
        .await
        .expect(200)
        .json();
    assert_eq!(later["items"], json!([]));
    let csv = served.get(&format!("{path}&format=csv")).await.expect(200);
    assert!(csv.body.contains("id,document_date"), "{csv:?}");
    let status = served.get("/api/v1/status").await.expect(200).json();
    assert!(
        ["healthy", "degraded"].contains(&status["status"].as_str().unwrap()),
        "{status}"
    );
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn an_equal_request_is_joined_and_a_repeated_one_is_answered_as_the_first_time() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let with = async |key: &str, body: &Value| {
        let headers = [JSON, ("Idempotency-Key", key)];
        send(
            &served.address,
            "POST",
            "/api/v1/runs",
            &headers,
            &body.to_string(),
        )
        .await
    };
    let first = with("k1", &invoices("demo-us")).await.expect(202);
    served.backfill("demo-us").await;
    let again = with("k1", &invoices("demo-us")).await.expect(202);
    assert_eq!(again.json(), first.json(), "although that run is over");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let other = with("k1", &invoices("demo-ca")).await.expect(422);
    assert_eq!(other.json()["cause"], "idempotency_mismatch");
    with(&"k".repeat(201), &invoices("demo-us")).await.expect(400);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn what_is_polled_has_a_tag_and_a_run_is_followed_from_where_one_was() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let run = served.backfill("demo-us").await;
    let path = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
    let first = served.get(&path).await.expect(200);
    let tag = first.header("etag").unwrap();
    send(&served.address, "GET", &path, &[("If-None-Match", tag)], "")
        .await
        .expect(304);
    let events = format!("{path}/events");
    for last in ["1", "99999999999", "abc", ""] {
        let told = send(&served.address, "GET", &events, &[("Last-Event-ID", last)], "").await;
        assert!(told.expect(200).body.contains("event: end"), "{last}");
    }
    let metrics = served.get("/metrics").await.expect(200);
    let counted =
        "ledgerfleet_http_requests_total{route=\"/api/v1/runs/{id}\",method=\"GET\",status=\"304\"} 1";
    assert!(metrics.body.contains(counted), "{}", metrics.body);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn answers_that_read_much_leave_room_for_all_others() {
    let fleet = Fleet::migrated().await;
    fleet.world.connect(&fleet.emulator.info().companies[0]).await;
    let world = fleet.world.elsewhere("NO_COLOR", "1");
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let address = server.address_of("serving http://");
    let mut database = PgConnection::connect(&fleet.postgres.url("postgres"))
        .await
        .unwrap();
    let mut held = database.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE fleet.coverage IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let get = async |path: &str| send(&address, "GET", path, &[], "").await;
    let heavy = ["/api/v1/coverage", "/api/v1/gaps", "/api/v1/status"];
    let reading = futures::future::join(get(heavy[0]), get(heavy[1]));
    let others = async {
        const WAITING: &str =
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'fleet.coverage'::regclass";
        while sqlx::query_scalar::<_, i64>(WAITING)
            .fetch_one(&mut *held)
            .await
            .unwrap()
            < 2
        {}
        for path in heavy {
            let told = get(path).await.expect(503);
            assert_eq!(told.json()["cause"], "too_busy", "{path}");
            assert!(told.header("retry-after").is_some(), "{path}: {told:?}");
        }
        get("/api/v1/connections").await.expect(200);
        held.commit().await.unwrap();
    };
    let ((coverage, gaps), ()) = futures::future::join(reading, others).await;
    assert_eq!((coverage.status, gaps.status), (200, 200));
    get("/api/v1/status").await.expect(200);
    server.end_with("TERM").await;
}
