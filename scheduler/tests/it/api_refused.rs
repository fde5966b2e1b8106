//! What the HTTP API refuses.

use serde_json::json;

use crate::http::{raw, send};
use crate::served::{JSON_ALONE, invoices, serve};
use crate::world::emulator;

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
