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
async fn a_worker_tells_how_much_room_is_left_for_its_spool() {
    let (_fleet, port) = fleet().await;
    let metrics = answer(port, "/metrics");
    let bytes = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}: {metrics}"))
            .parse()
            .unwrap()
    };
    let free = bytes("ledgerfleet_disk_free_bytes{place=\"spool\"} ");
    let size = bytes("ledgerfleet_disk_size_bytes{place=\"spool\"} ");
    assert!(0.0 < free && free <= size, "{free} of {size}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_tells_its_service_manager_that_it_is_ready_lives_and_stops() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let hear = || {
        let mut heard = [0; 64];
        let length = manager.recv(&mut heard).unwrap();
        String::from_utf8(heard[..length].to_vec()).unwrap()
    };
    let variables = vec![
        ("NOTIFY_SOCKET", place.to_str().unwrap().to_owned()),
        ("WATCHDOG_USEC", "300000".to_owned()),
    ];
    let mut fleet = Fleet::with(options(), None, variables).await;
    fleet.start_workers(1);
    assert_eq!(hear(), "READY=1");
    assert_eq!(hear(), "WATCHDOG=1");
    assert_eq!(hear(), "WATCHDOG=1");
    fleet.signal(0, "-TERM");
    while hear() != "STOPPING=1" {}
}

const LISTEN: &str = "LEDGERFLEET_WORKER_METRICS_LISTEN";

/// Three workers, and where each shows itself.
async fn fleet_of_three() -> (Fleet, Vec<u16>) {
    let mut fleet = Fleet::with(options(), None, Vec::new()).await;
    let free: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap())
        .collect();
    let ports: Vec<u16> = free
        .iter()
        .map(|free| free.local_addr().unwrap().port())
        .collect();
    drop(free);
    for port in &ports {
        fleet.world.variables.retain(|(name, _)| *name != LISTEN);
        fleet.world.variables.push((LISTEN, format!("127.0.0.1:{port}")));
        fleet.start_workers(1);
    }
    (fleet, ports)
}

/// The sum of a series over all processes, as a dashboard makes it.
fn sum(ports: &[u16], series: &str) -> f64 {
    let value = |port: &u16| {
        let text = answer(*port, "/metrics");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}"))
            .parse::<f64>()
            .unwrap()
    };
    ports.iter().map(value).sum()
}

/// Asks again until the sum is this; a leader may be on its way.
fn until_sum_is(expected: f64, ports: &[u16], series: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = sum(ports, series);
        if (found - expected).abs() < 1e-6 {
            return;
        }
        assert!(Instant::now() < deadline, "{series}: {found}, not {expected}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_true_of_the_fleet_is_told_once_whichever_worker_leads() {
    let (fleet, ports) = fleet_of_three().await;
    let run = fleet.world.submit(&["invoice"], 5, 1_000).await;
    let report = fleet.end_of(run).await;
    assert_eq!(report.done, 5);
    let truths = [
        ("ledgerfleet_leader", 1.0),
        ("ledgerfleet_segments{state=\"done\"}", 5.0),
        ("ledgerfleet_connections{state=\"active\"}", 1.0),
        (
            "ledgerfleet_gate_limit{connector=\"quickbooks\",kind=\"rate\"}",
            8.0,
        ),
        (
            "ledgerfleet_gate_limit{connector=\"quickbooks\",kind=\"slots\"}",
            9.0,
        ),
        ("ledgerfleet_replayed_total", 0.0),
        // Each process tells these of itself.
        ("ledgerfleet_workers", 3.0),
        ("ledgerfleet_dependency_up{dependency=\"database\"}", 3.0),
        ("ledgerfleet_dependency_up{dependency=\"redis\"}", 3.0),
        ("ledgerfleet_db_pool{state=\"max\"}", 15.0),
    ];
    for (series, truth) in truths {
        until_sum_is(truth, &ports, series);
    }
    assert!(
        sum(
            &ports,
            "ledgerfleet_last_success_timestamp_seconds{connector=\"quickbooks\"}"
        ) > 1.0e9
    );

    let sent = "INSERT INTO fleet.replays (id, state, at, asked_by, filter, next_due_at, segments) \
                VALUES (gen_random_uuid(), 'stopped', now(), 'test', '{}', now(), 7)";
    fleet.postgres.command(sent);
    until_sum_is(7.0, &ports, "ledgerfleet_replayed_total");
    assert!(
        (sum(&ports, "ledgerfleet_replayed_total") - 7.0).abs() < 1e-6,
        "it is counted once"
    );

    let usurped =
        "UPDATE fleet.leader SET holder = 'elsewhere', term = term + 1, until = now() + interval '4 minutes'";
    fleet.postgres.command(usurped);
    for series in [
        "ledgerfleet_leader",
        "ledgerfleet_segments{state=\"done\"}",
        "ledgerfleet_connections{state=\"active\"}",
    ] {
        until_sum_is(0.0, &ports, series);
    }
    fleet.postgres.command("DELETE FROM fleet.leader");
    for (series, truth) in truths
        .iter()
        .filter(|(series, _)| *series != "ledgerfleet_replayed_total")
    {
        until_sum_is(*truth, &ports, series);
    }
    until_sum_is(7.0, &ports, "ledgerfleet_replayed_total");
}
