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

/// What names nothing, or says more than is heard: neither is taken for `all`.
fn empty_and_vain() -> Vec<Refused> {
    let read = |path| ("GET", path, &[][..], String::new(), 400, "invalid_request");
    let line = |path| ("POST", path, &[][..], String::new(), 400, "invalid_request");
    let body = |path, text: &str| ("POST", path, JSON_ALONE, text.to_owned(), 400, "malformed_body");
    let (sync, replay) = ("/api/v1/sync", "/api/v1/dead-letters/replay");
    vec![
        read("/api/v1/sync?connection="),
        read("/api/v1/coverage?connection=,"),
        read("/api/v1/coverage?entity="),
        read("/api/v1/gaps?connection=demo-us,"),
        read("/api/v1/calls?connection="),
        read("/api/v1/dead-letters?connection=%20"),
        read("/api/v1/dead-letters/groups?entity="),
        line("/api/v1/sync?connection="),
        line("/api/v1/sync?connection=,"),
        line("/api/v1/sync?connection=demo-us&resources="),
        body(sync, r#"{"connections": []}"#),
        body(sync, r#"{"connections": [""]}"#),
        body(sync, r#"{"connections": ["demo-us"], "entities": []}"#),
        body(replay, r#"{"connections": [], "reason": "timeout"}"#),
        body(replay, r#"{"ids": [], "reason": "timeout"}"#),
        body(replay, r#"{"all": true, "entities": [""]}"#),
        (
            "POST",
            "/api/v1/connections/demo-us/pause",
            JSON_ALONE,
            r#"{"for": "1h"}"#.to_owned(),
            400,
            "invalid_request",
        ),
        (
            "GET",
            "/api/v1/connections",
            JSON_ALONE,
            r#"{"limit": 1}"#.to_owned(),
            400,
            "invalid_request",
        ),
        (
            "POST",
            "/api/v1/connections/demo-us/set",
            JSON_ALONE,
            r#"{"name": "authorize"}"#.to_owned(),
            400,
            "invalid_request",
        ),
        read("/api/v1/connections/%ff"),
        read("/api/v1/runs/%ff%fe/events"),
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
    for (method, path, headers, body, status, cause) in
        reads().into_iter().chain(writes()).chain(empty_and_vain())
    {
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

/// What a request begins with, after `GET`: a place, and headers.
fn odd(place: &[u8], headers: &str) -> Vec<u8> {
    let end = format!(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    [b"GET ", place, end.as_bytes()].concat()
}

#[tokio::test]
async fn odd_paths_and_headers_are_refused_or_passed_over_and_nothing_of_them_comes_back() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let list = b"/api/v1/connections";
    for (request, statuses) in [
        (odd(b"/api/v1/%2e%2e/metrics", ""), &[404][..]),
        (odd(b"/api/v1/../../metrics", ""), &[404]),
        (odd(b"//api/v1/connections", ""), &[404]),
        (odd(b"/api/v1/connections/", ""), &[404]),
        (odd(b"/api/v1/connections/..%2f..%2fmetrics", ""), &[404]),
        (odd(b"/api/v1/connections/%ff%fe", ""), &[400, 404]),
        (odd(b"/api/v1/connections/\xff", ""), &[400, 404]),
        (odd(b"/api/v1/connections/%00", ""), &[404]),
        (odd(b"/api/v1/connections/x%0d%0aSet-Cookie:%20a=b", ""), &[404]),
        (odd(b"/api/v1/runs?limit=%ff", ""), &[400]),
        (odd(b"/api/v1/records?connection=%00&entity=%ff", ""), &[400, 404]),
        (odd(list, "Range: bytes=0-3\r\n"), &[200]),
        (odd(list, "X-HTTP-Method-Override: DELETE\r\n"), &[200]),
        (odd(list, "X-Original-URL: /api/v1/keys\r\n"), &[200]),
        (odd(list, "Accept: application/xml\r\n"), &[200]),
        (odd(list, "Authorization: Bearer \r\n"), &[401]),
        (odd(list, "Authorization: Bearer \u{e9}\r\n"), &[400, 401]),
        (odd(list, "Content-Length: 5\r\nContent-Length: 6\r\n"), &[400]),
        (odd(list, "Content-Length: +5\r\n"), &[400]),
        (odd(list, "Transfer-Encoding: xchunked\r\n"), &[400]),
        (odd(list, "Transfer-Encoding: chunked, identity\r\n"), &[400]),
        (odd(list, "X-Space : 1\r\n"), &[400]),
        (odd(list, "X-Folded: 1\r\n 2\r\n"), &[400]),
        (
            odd(list, &format!("X-Long: {}\r\n", "x".repeat(1 << 20))),
            &[400, 431],
        ),
    ] {
        let told = crate::http::raw_bytes(&served.address, &request).await;
        let text = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
        assert!(statuses.contains(&told.status), "{text:?}: {told:?}");
        assert!(told.header("set-cookie").is_none(), "{text:?}: {told:?}");
        assert!(
            told.header("access-control-allow-origin").is_none(),
            "{text:?}: {told:?}"
        );
    }
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn methods_are_those_of_the_table_and_one_request_is_never_two() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    for method in [
        "TRACE", "OPTIONS", "PUT", "PATCH", "DELETE", "CONNECT", "NONSENSE",
    ] {
        let told = send(
            &served.address,
            method,
            "/api/v1/connections",
            &[("Origin", "http://localhost")],
            "",
        )
        .await;
        assert!([400, 405].contains(&told.status), "{method}: {told:?}");
        assert!(
            told.header("access-control-allow-origin").is_none(),
            "{method}: {told:?}"
        );
    }
    for path in [
        "/api/v1/connections",
        "/api/v1/runs",
        "/api/v1/status",
        "/api/v1/openapi.json",
    ] {
        let (get, head) = (
            served.get(path).await,
            send(&served.address, "HEAD", path, &[], "").await,
        );
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    // A length and chunks: whichever is believed, what follows is no second request.
    let body = "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let both = format!(
        "POST /api/v1/connections/demo-us/pause HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{body}",
        body.len()
    );
    let told = raw(&served.address, &both).await;
    assert!(
        !told.body.contains("HTTP/1.1") && !told.body.contains("ledgerfleet_"),
        "{told:?}"
    );
    served.server.end_with("TERM").await;
}
