//! The HTTP API, as programs meet it.

use serde_json::{Value, json};

use crate::http::{raw, send};
use crate::served::{JSON, JSON_ALONE, invoices, serve};
use crate::world::{World, emulator};

#[tokio::test]
async fn every_route_refuses_who_has_no_key_a_wrong_one_a_revoked_one_or_one_for_something_else() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let document = served.get("/api/v1/openapi.json").await.expect(200).json();
    let whole = served.key("whole", "--scope read,run,replay,connect,admin").await;
    let revoked = served.key("gone", "--scope read,run,replay,connect,admin").await;
    let keys = served.world.run("api-key list -o json").await.expect(0).json();
    let gone = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "gone")
        .unwrap();
    let line = format!("api-key revoke {}", gone["id"].as_str().unwrap());
    served.world.run(&line).await.expect(0);
    let all = ["read", "run", "replay", "connect", "admin"];
    let mut narrow = Vec::new();
    for scope in all {
        let others: Vec<&str> = all.into_iter().filter(|other| *other != scope).collect();
        let key = served
            .key(&format!("not-{scope}"), &format!("--scope {}", others.join(",")))
            .await;
        narrow.push((scope, key));
    }
    let wrong = whole.replace('0', "1");
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let path = path
                .replace("{name}", "demo-us")
                .replace("{id}", "0197a2b4-0000-7000-8000-000000000000");
            let scope = operation["x-scope"].as_str().unwrap();
            let with = async |key: Option<&str>| {
                let headers: Vec<(&str, &str)> = key.map(|key| ("Authorization", key)).into_iter().collect();
                send(&served.address, &method, &path, &headers, "").await.status
            };
            let other = narrow.iter().find(|(known, _)| *known == scope).unwrap();
            let met = [
                with(None).await,
                with(Some(&wrong)).await,
                with(Some("Bearer x")).await,
                with(Some("Basic eDp5")).await,
                with(Some(&revoked)).await,
                with(Some(&other.1)).await,
            ];
            assert_eq!(met, [401, 401, 401, 401, 401, 403], "{method} {path}");
            let allowed = with(Some(&whole)).await;
            assert!(
                ![401, 403, 500, 503].contains(&allowed),
                "{method} {path}: {allowed}"
            );
            routes += 1;
        }
    }
    assert!(routes > 20, "{routes}");
    served.server.end_with("TERM").await;
}

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

    let later = served
        .get(&format!("{path}&updated_since=2099-01-01T00:00:00Z"))
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
async fn a_key_for_one_company_sees_nothing_of_another() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let own = served.backfill("demo-us").await;
    let run = served.backfill("demo-ca").await;
    let key = served
        .key("us", "--scope read,run,replay,connect --connection demo-us")
        .await;
    let newest = served.get_with("/api/v1/runs?limit=1", &key).await.expect(200);
    assert_eq!(
        newest.json()[0]["run_id"],
        own["run_id"],
        "what is hidden does not count"
    );
    let listed = served
        .get_with("/api/v1/connections", &key)
        .await
        .expect(200)
        .json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let run = run["run_id"].as_str().unwrap();
    for hidden in [
        "/api/v1/connections/demo-ca".to_owned(),
        "/api/v1/records?connection=demo-ca&entity=invoice".to_owned(),
        "/api/v1/quarantine?connection=demo-ca&entity=invoice".to_owned(),
        "/api/v1/coverage?connection=demo-ca".to_owned(),
        "/api/v1/gaps?connection=demo-ca".to_owned(),
        "/api/v1/dead-letters?connection=demo-ca".to_owned(),
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/runs/{run}/events"),
    ] {
        let told = served.get_with(&hidden, &key).await.expect(404);
        assert_eq!(told.json()["cause"], "not_found", "{hidden}");
    }
    for list in [
        "/api/v1/coverage",
        "/api/v1/status",
        "/api/v1/calls",
        "/api/v1/runs",
        "/api/v1/dead-letters",
    ] {
        let told = served.get_with(list, &key).await.expect(200);
        assert!(!told.body.contains("demo-ca"), "{list}: {told:?}");
    }
    let headers = [JSON, ("Authorization", key.as_str())];
    for (path, body) in [
        ("/api/v1/runs", invoices("demo-ca")),
        ("/api/v1/dead-letters/replay", json!({"connections": ["demo-ca"]})),
        ("/api/v1/connections/authorize", json!({"name": "demo-ca"})),
        ("/api/v1/connections/authorize", json!({"name": "new"})),
    ] {
        let told = send(&served.address, "POST", path, &headers, &body.to_string()).await;
        told.expect(404);
    }
    served.server.end_with("TERM").await;
}

/// A request: method, path, headers, body; and the status and cause that it meets.
type Refused = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    String,
    u16,
    &'static str,
);

fn reads() -> Vec<Refused> {
    let runs = "/api/v1/runs";
    vec![
        ("GET", "/api/v1/nothing", &[], String::new(), 404, "not_found"),
        ("GET", "/api/v1//runs", &[], String::new(), 404, "not_found"),
        (
            "GET",
            "/api/v1/connections/%2e%2e",
            &[],
            String::new(),
            404,
            "not_found",
        ),
        (
            "GET",
            "/api/v1/connections/demo-uk",
            &[],
            String::new(),
            404,
            "not_found",
        ),
        ("GET", "/api/v1/runs/last", &[], String::new(), 404, "not_found"),
        ("DELETE", runs, &[], String::new(), 405, "method_not_allowed"),
        ("OPTIONS", runs, &[], String::new(), 405, "method_not_allowed"),
        (
            "GET",
            "/api/v1/runs?limit=0",
            &[],
            String::new(),
            400,
            "invalid_request",
        ),
        (
            "GET",
            "/api/v1/runs?limit=x",
            &[],
            String::new(),
            400,
            "invalid_request",
        ),
        (
            "GET",
            "/api/v1/runs?limit=1&limit=2",
            &[],
            String::new(),
            400,
            "invalid_request",
        ),
        (
            "GET",
            "/api/v1/runs?limits=1",
            &[],
            String::new(),
            400,
            "unknown_parameter",
        ),
        (
            "GET",
            "/api/v1/connections?x=1",
            &[],
            String::new(),
            400,
            "unknown_parameter",
        ),
        (
            "GET",
            "/api/v1/coverage?from=2026-06-05&to=2026-06-01",
            &[],
            String::new(),
            400,
            "invalid_request",
        ),
        (
            "GET",
            "/api/v1/dead-letters?cursor=x",
            &[],
            String::new(),
            400,
            "invalid_request",
        ),
    ]
}

fn writes() -> Vec<Refused> {
    let long = "x".repeat((1 << 20) + 1);
    let runs = "/api/v1/runs";
    let reversed = json!({"connections": ["demo-us"], "entities": ["invoice"], "from": "2026-06-05", "to": "2026-06-01"});
    let unknown = json!({"connections": ["demo-us"], "entities": ["invioce"], "from": "2026-06-01", "to": "2026-06-05"});
    let more = json!({"connections": ["demo-us"], "entities": ["invoice"], "from": "2026-06-01", "to": "2026-06-05", "x": 1});
    vec![
        (
            "POST",
            runs,
            &[],
            invoices("demo-us").to_string(),
            415,
            "unsupported_media_type",
        ),
        ("POST", runs, JSON_ALONE, "{".to_owned(), 400, "malformed_body"),
        ("POST", runs, JSON_ALONE, "[]".to_owned(), 400, "malformed_body"),
        ("POST", runs, JSON_ALONE, more.to_string(), 400, "malformed_body"),
        (
            "POST",
            runs,
            JSON_ALONE,
            reversed.to_string(),
            400,
            "invalid_request",
        ),
        (
            "POST",
            runs,
            JSON_ALONE,
            unknown.to_string(),
            400,
            "invalid_request",
        ),
        (
            "POST",
            runs,
            JSON_ALONE,
            invoices("demo-uk").to_string(),
            404,
            "not_found",
        ),
        ("POST", runs, JSON_ALONE, long, 413, "too_large"),
        (
            "POST",
            "/api/v1/dead-letters/replay",
            JSON_ALONE,
            "{}".to_owned(),
            400,
            "invalid_request",
        ),
        (
            "POST",
            "/api/v1/connections/authorize",
            JSON_ALONE,
            r#"{"name": "a b"}"#.to_owned(),
            400,
            "invalid_request",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_done_is_a_problem_with_a_cause() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    for (method, path, headers, body, status, cause) in reads().into_iter().chain(writes()) {
        let told = send(&served.address, method, path, headers, &body).await;
        assert_eq!(told.status, status, "{method} {path}: {told:?}");
        assert_eq!(told.json()["cause"], cause, "{method} {path}");
        assert_eq!(told.header("content-type"), Some("application/problem+json"));
    }
    let head = send(&served.address, "HEAD", "/api/v1/connections", &[], "")
        .await
        .expect(200);
    assert_eq!(head.body, "");
    let foreign = "GET /api/v1/connections HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    raw(&served.address, foreign).await.expect(401);
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_company_is_connected_paused_and_resumed_through_the_api() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = probe.local_addr().unwrap().to_string();
    drop(probe);
    let callback = format!("http://{address}/connect/quickbooks/callback");
    let world = world.with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", &callback);
    let server = world
        .start(&format!("serve --listen {address}"), "serving http://")
        .await;
    let us = &emulator.info().companies[0];

    let sent = send(&address, "GET", "/connect/quickbooks?name=acme", &[], "")
        .await
        .expect(303);
    let page = sent.header("location").unwrap().to_owned();
    let chosen = crate::http::get(&format!("{page}&company={}", us.realm))
        .await
        .expect(302);
    let told = crate::http::get(chosen.header("location").unwrap())
        .await
        .expect(200);
    assert!(told.body.contains("acme is connected"), "{told:?}");
    let shown = send(&address, "GET", "/api/v1/connections/acme", &[], "")
        .await
        .expect(200);
    assert_eq!(shown.json()["account"], us.realm.as_str());
    for (path, state) in [("pause", "paused"), ("pause", "paused"), ("resume", "active")] {
        let path = format!("/api/v1/connections/acme/{path}");
        let told = send(&address, "POST", &path, &[], "").await.expect(200);
        assert_eq!(told.json()["state"], state);
    }
    server.end_with("TERM").await;
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
async fn the_document_of_the_api_is_the_one_in_deploy() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let told = served.get("/api/v1/openapi.json").await.expect(200).json();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/openapi.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(
        told, kept,
        "curl http://127.0.0.1:8400/api/v1/openapi.json | python3 -m json.tool > deploy/openapi.json"
    );
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn the_client_in_deploy_copies_what_has_changed() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("client", "--scope read,run").await;
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/client.py");
    let url = format!("http://{}", served.address);
    let key = key.trim_start_matches("Bearer ");
    let arguments = [
        client,
        "--url",
        &url,
        "--key",
        key,
        "demo-us",
        "invoice",
        "2026-06-01",
        "2026-06-05",
    ];
    let first = served
        .world
        .run_program("/usr/bin/python3", &arguments)
        .await
        .expect(0);
    let rows = first.stdout.lines().count();
    assert!(rows > 0, "{first:?}");
    assert!(first.stderr.contains(&format!("{rows} records")), "{first:?}");
    served.server.end_with("TERM").await;
}
