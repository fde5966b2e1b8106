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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_counts_itself_so_that_the_sum_is_the_fleets() {
    let (_fleet, port) = fleet().await;
    let mut stream = connect(port);
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).unwrap();
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
