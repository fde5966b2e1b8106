//! What a worker shows of itself over HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::world::options;

/// A fleet of one worker, and where it shows itself.
async fn fleet() -> (Fleet, u16) {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let variables = vec![("LEDGERFLEET_WORKER_METRICS_LISTEN", format!("127.0.0.1:{port}"))];
    let mut fleet = Fleet::with(options(), None, variables).await;
    fleet.start_workers(1);
    (fleet, port)
}

fn connect(port: u16) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The whole answer to one question.
fn answer(port: u16, path: &str) -> String {
    let mut stream = connect(port);
    let question = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Asks whether a worker is ready until it says so or not, and answers what it says.
fn until_ready_is(status: &str, port: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = answer(port, "/readyz");
        if text.starts_with(&format!("HTTP/1.1 {status}")) {
            return text;
        }
        assert!(Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_not_ready_while_what_answers_cannot_be_used() {
    let (fleet, port) = fleet().await;
    until_ready_is("200", port);
    fleet.redis.command("ACL SETUSER default -evalsha -eval");
    let said = until_ready_is("503", port);
    assert!(said.contains("\nbell: ") && !said.contains("ledger: "), "{said}");
    fleet.redis.command("ACL SETUSER default +@all");
    until_ready_is("200", port);

    fleet
        .postgres
        .command("ALTER SYSTEM SET default_transaction_read_only = on");
    fleet.postgres.command("SELECT pg_reload_conf()");
    let said = until_ready_is("503", port);
    assert!(said.contains("\nledger: ") && !said.contains("bell: "), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_counts_itself_so_that_the_sum_is_the_fleets() {
    let (_fleet, port) = fleet().await;
    let metrics = answer(port, "/metrics");
    assert!(metrics.contains("\nledgerfleet_workers 1\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_keeps_no_worker_from_stopping() {
    let (mut fleet, port) = fleet().await;
    let mut client = connect(port);
    client.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").unwrap();
    fleet.signal(0, "-TERM");
    let deadline = Instant::now() + Duration::from_secs(10);
    let ended = loop {
        if let Some(ended) = fleet.workers[0].try_wait().unwrap() {
            break ended;
        }
        assert!(Instant::now() < deadline, "it does not stop");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(ended.code(), Some(143));
    drop(client);
}
