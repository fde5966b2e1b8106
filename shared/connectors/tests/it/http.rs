//! The HTTP client and its limits.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use ledgerfleet_connectors::http::{Answer, HttpClient, HttpError, HttpLimits, Sent};
use ledgerfleet_model::{FailureKind, Timings};
use reqwest::Url;

use crate::raw::{Then, answering};

const LIMITS: HttpLimits = HttpLimits {
    body: 10_000,
    in_flight: 1_000,
};

fn client() -> HttpClient {
    let timings = Timings {
        first_byte: Duration::from_millis(400),
        idle: Duration::from_millis(200),
        ..Timings::default()
    };
    HttpClient::with_limits(&timings, LIMITS).unwrap()
}

async fn ask(url: Url) -> Result<Answer, HttpError> {
    let client = client();
    let answer = client.send(client.get(url)).await;
    if let Err(error) = &answer {
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    answer
}

async fn answered(bytes: impl Into<Vec<u8>>) -> Result<Answer, HttpError> {
    let (url, server) = answering(bytes, Then::Close).await;
    let answer = ask(url).await;
    server.await.unwrap();
    answer
}

fn zipped(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

#[tokio::test]
async fn an_answer_is_read_to_its_end_and_decompressed() {
    let answer = answered(zipped(b"hello")).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"hello".as_slice())
    );
}

#[tokio::test]
async fn the_client_says_who_it_is_and_what_it_takes() {
    let (url, server) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    ask(url).await.unwrap();
    let asked = server.await.unwrap().to_ascii_lowercase();
    assert!(
        asked.contains(&format!(
            "user-agent: ledgerfleet/{}\r\n",
            env!("CARGO_PKG_VERSION")
        )),
        "{asked}"
    );
    assert!(asked.contains("accept-encoding: gzip\r\n"), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let to = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(answered(to).await.unwrap().status, 302);
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let error = answered("HTTP/1.1 200 OK\r\ncontent-length: 10001\r\n\r\n")
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn an_answer_that_grows_too_long_is_given_up() {
    let body = [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".as_slice(),
        &[b'x'; 10_001],
    ]
    .concat();
    assert_eq!(answered(body).await.unwrap_err().kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn a_small_answer_that_decompresses_to_a_huge_one_is_given_up() {
    let error = answered(zipped(&vec![0; 50_000_000])).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn an_answer_longer_than_all_answers_together_may_hold_is_read() {
    let answer = answered(zipped(&[b'x'; 9_999])).await.unwrap();
    assert_eq!(answer.body.len(), 9_999);
}

#[tokio::test]
async fn an_answer_waits_while_the_others_hold_all_the_memory_there_is() {
    let client = client();
    let (first, second) = (zipped(&[b'x'; 900]), zipped(&[b'x'; 900]));
    let mut held = Vec::new();
    for bytes in [first, second] {
        let (url, _) = answering(bytes, Then::Close).await;
        held.push(client.send(client.get(url)).await.unwrap());
    }
    let (url, _) = answering(zipped(&[b'x'; 900]), Then::Close).await;
    let mut third = Box::pin(client.send(client.get(url)));
    assert!(
        tokio::time::timeout(Duration::from_millis(100), &mut third)
            .await
            .is_err()
    );
    drop(held);
    assert_eq!(third.await.unwrap().body.len(), 900);
}

#[tokio::test]
async fn a_small_answer_never_waits_for_memory() {
    let limits = HttpLimits {
        body: 100_000,
        in_flight: 51_200,
    };
    let client = HttpClient::with_limits(&Timings::default(), limits).unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        let (url, _) = answering(zipped(&vec![b'x'; 50_000]), Then::Close).await;
        held.push(client.send(client.get(url)).await.unwrap());
    }
    let (url, _) = answering(zipped(&[b'x'; 100]), Then::Close).await;
    assert_eq!(client.send(client.get(url)).await.unwrap().body.len(), 100);
    let (url, _) = answering(zipped(&[b'x'; 101]), Then::Close).await;
    let mut larger = Box::pin(client.send(client.get(url)));
    let waited = tokio::time::timeout(Duration::from_millis(100), &mut larger).await;
    assert!(waited.is_err());
    drop(held);
    assert_eq!(larger.await.unwrap().body.len(), 101);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_truncated() {
    for cut in [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope".to_vec(),
    ] {
        let error = answered(cut).await.unwrap_err();
        assert_eq!(
            (error.kind, error.sent),
            (FailureKind::Truncated, Sent::Perhaps),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_may_have_been_heard() {
    let error = answered("").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (FailureKind::Network, Sent::Perhaps));
}

/// An answer that begins after this time, and then comes at once.
async fn answering_after(time: Duration) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::time::sleep(time).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 64]).await;
    });
    Url::parse(&url).unwrap()
}

#[tokio::test]
async fn the_first_byte_may_take_longer_than_any_other_but_where_access_is_granted() {
    let timings = Timings {
        first_byte: Duration::from_mins(1),
        idle: Duration::from_millis(200),
        ..Timings::default()
    };
    let client = HttpClient::with_limits(&timings, LIMITS).unwrap();
    let url = answering_after(Duration::from_secs(1)).await;
    let answer = client.send(client.get(url)).await.unwrap();
    assert_eq!(answer.body, b"ok");

    let url = answering_after(Duration::from_mins(1)).await;
    let hasty = client.for_exchanges();
    let error = hasty.send(hasty.get(url)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Timeout, "{error}");
}

#[tokio::test]
async fn silence_ends_in_a_timeout() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"] {
        let (url, server) = answering(said, Then::Hang).await;
        let error = ask(url).await.unwrap_err();
        assert_eq!(
            (error.kind, error.sent),
            (FailureKind::Timeout, Sent::Perhaps),
            "{error}"
        );
        server.await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_connected_was_not_sent() {
    let error = ask(Url::parse("http://127.0.0.1:1/?token=hunter2").unwrap())
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.sent), (FailureKind::Network, Sent::No));
    assert!(
        error.message.contains("could not connect to 127.0.0.1"),
        "{error}"
    );
}

/// Set by the test below for the process in which it runs itself again.
const NOWHERE: &str = "/nonexistent";

#[tokio::test]
async fn a_machine_without_certificates_speaks_plain_http_and_says_what_https_lacks() {
    if std::env::var_os("SSL_CERT_FILE").is_none_or(|file| file != NOWHERE) {
        let again = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "http::a_machine_without_certificates_speaks_plain_http_and_says_what_https_lacks",
            ])
            .env("SSL_CERT_FILE", NOWHERE)
            .env("SSL_CERT_DIR", NOWHERE)
            .output()
            .unwrap();
        assert!(
            again.status.success(),
            "{}",
            String::from_utf8_lossy(&again.stdout)
        );
        return;
    }
    assert_eq!(
        answered("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap()
            .status,
        200
    );
    let error = ask(Url::parse("https://127.0.0.1:1/?token=hunter2").unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(error.message.contains("ca-certificates"), "{error}");
}
