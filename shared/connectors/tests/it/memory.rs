//! Memory: what is made of an answer is bounded by its elements, too, and not only by its bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ledgerfleet_connectors::{AuthenticationError, Endpoints, PageRequest};
use ledgerfleet_emulator::{FaultKind, FaultSpec, Surface};
use secrecy::SecretString;

use crate::raw::{Then, answering};
use crate::world::{COMPANY, World, connector, entity, target};

/// Bytes of each body; just below what is read of an answer at all.
const BODY: usize = 24 << 20;

/// What a process may need for it in all, in KiB: the body as it grows, and its text.
const MOST: u64 = 176 << 10;

/// Its name, status and content type, how its body begins, what is repeated in it, and how it ends.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [u8],
    &'static str,
);

/// So many bytes of a pattern between two ends, as a compressed answer.
fn answer(status: &str, kind: &str, begin: &str, pattern: &[u8], end: &str) -> Vec<u8> {
    let mut body = GzEncoder::new(Vec::new(), Compression::fast());
    let many = pattern.repeat((1 << 20) / pattern.len());
    body.write_all(begin.as_bytes()).unwrap();
    for _ in 0..BODY / many.len() {
        body.write_all(&many).unwrap();
    }
    body.write_all(end.as_bytes()).unwrap();
    let body = body.finish().unwrap();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

#[tokio::test]
async fn a_small_answer_with_millions_of_elements_takes_no_gigabytes() {
    const JSON: &str = "application/json";
    let cases: [Case; 8] = [
        (
            "errors",
            "400 Bad Request",
            JSON,
            r#"{"Fault":{"Error":[{}"#,
            b",{}",
            "]}}",
        ),
        (
            "errors with 200",
            "200 OK",
            JSON,
            r#"{"Fault":{"Error":[{}"#,
            b",{}",
            "]}}",
        ),
        (
            "errors in XML",
            "400 Bad Request",
            "text/xml",
            "<Fault>",
            b"<Error>",
            "</Fault>",
        ),
        (
            "words",
            "400 Bad Request",
            JSON,
            r#"{"Fault":{"Error":[{"Message":""#,
            b"a ",
            r#""}]}}"#,
        ),
        (
            "rows",
            "200 OK",
            JSON,
            r#"{"QueryResponse":{"Invoice":[0"#,
            b",0",
            "]}}",
        ),
        (
            "members",
            "200 OK",
            JSON,
            r#"{"QueryResponse":{"a":0"#,
            br#","":0"#,
            "}}",
        ),
        ("members above", "200 OK", JSON, r#"{"a":0"#, br#","":0"#, "}"),
        (
            "bytes",
            "200 OK",
            JSON,
            r#"{"QueryResponse":{"a":""#,
            b"\xff",
            r#""}}"#,
        ),
    ];
    for (what, status, kind, begin, pattern, end) in cases {
        let (url, server) = answering(answer(status, kind, begin, pattern, end), Then::Close).await;
        let quickbooks = connector(&Endpoints {
            api_url: Some(url.origin().ascii_serialization()),
            ..Endpoints::default()
        });
        let access = SecretString::from("access");
        let page = PageRequest::of_all(entity("invoice"), 1_000);
        let failure = quickbooks.page(&target("1", &access), &page).await;
        server.await.unwrap();
        let peak = peak();
        assert!(peak < MOST, "{what}: {peak} KiB, {failure:?}");
    }
}

/// The most memory that this process has used, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
    peak.unwrap_or(0)
}

#[tokio::test]
async fn of_the_token_endpoint_no_more_than_a_mebibyte_is_read() {
    let world = World::start().await;
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    let long = FaultKind::LongBody { mebibytes: Some(2) };
    world.emulator.set_fault(FaultSpec {
        on: Some(Surface::Token),
        ..FaultSpec::always(long)
    });
    let error = world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap_err();
    assert!(matches!(&error, AuthenticationError::Lost(_)), "{error}");
    assert!(error.to_string().contains("longer than 1048576 bytes"), "{error}");
}
