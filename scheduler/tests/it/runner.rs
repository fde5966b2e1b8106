//! The running role of a file: one process has it, others hand over.

use std::time::Duration;

use crate::world::{World, emulator};

#[tokio::test]
async fn a_second_runner_is_told_who_the_first_is_and_a_backfill_is_handed_over() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let pid = format!("process {}", server.pid());
    world.run("serve --listen 127.0.0.1:0").await.expect(7).says(&pid);
    world
        .run("connection test demo-us")
        .await
        .expect(0)
        .says(&pid)
        .says("it is demo-us");

    let line =
        "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-03 --wait -o json";
    let run = world.run(line).await.expect(0).says("handed to it").json();
    assert_eq!(run["done"], 3);

    let port = port_of(&server.said);
    assert_eq!(get(&port, "/livez").await, "ok\n");
    assert_eq!(get(&port, "/readyz").await, "ready\n");
    let metrics = get(&port, "/metrics").await;
    assert!(
        metrics.contains("ledgerfleet_segments{state=\"done\"} 3"),
        "{metrics}"
    );
    // One more was the test's.
    let calls = format!(
        "ledgerfleet_api_calls_month{{connector=\"quickbooks\"}} {}",
        run["calls"].as_u64().unwrap() + 1
    );
    assert!(metrics.contains(&calls), "{calls} in {metrics}");
    let skew = metrics
        .lines()
        .find_map(|line| line.strip_prefix("ledgerfleet_clock_skew_seconds "));
    let skew: f64 = skew.unwrap().parse().unwrap();
    assert!(skew.abs() < 1.0, "the ledger's clock is this machine's: {skew}");
    server.end_with("TERM").await.expect(143);
}

#[tokio::test]
async fn half_a_request_keeps_no_server_from_stopping() {
    use tokio::io::AsyncWriteExt;
    let emulator = emulator().await;
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "10");
    world.connect(&emulator.info().companies[0]).await;
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-03-01 --to 2026-06-30";
    let waiting = world.start(&format!("{line} --wait"), "122 segments").await;
    let port = port_of(&server.said);
    let mut client = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    client
        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    while emulator.summary().requests == 0 {
        tokio::task::yield_now().await;
    }

    let before = emulator.summary().requests;
    // The one that waits would go on with the work.
    waiting.end_with("KILL").await;
    let ended = tokio::time::timeout(Duration::from_secs(10), server.end_with("TERM")).await;
    ended.expect("it stops").expect(143);
    let during = emulator.summary().requests - before;
    assert!(during < 15, "{during} requests after it was told to stop");
    drop(client);
}

fn port_of(said: &str) -> String {
    let address = said.split("http://127.0.0.1:").nth(1).unwrap();
    address.chars().take_while(char::is_ascii_digit).collect()
}

/// The body of an answer, by a request written by hand.
async fn get(port: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_run_can_be_paused_resumed_and_cancelled_from_outside() {
    let emulator = emulator().await;
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "1");
    world.connect(&emulator.info().companies[0]).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-03-01 --to 2026-06-30";
    let backfill = world.start(line, "segments").await;
    let runs = world.run("run list -o json").await.expect(0).json();
    let id = runs[0]["run_id"].as_str().unwrap();

    world
        .run(&format!("run pause {id}"))
        .await
        .expect(0)
        .says("is paused");
    let ended = backfill
        .end_with("0")
        .await
        .says(&format!("scheduler run resume {id}"));
    assert_eq!(ended.code, 1);
    world
        .run(&format!("run resume {id}"))
        .await
        .expect(0)
        .says("is active");
    world
        .run(&format!("run cancel {id}"))
        .await
        .expect(0)
        .says("is cancelled");
    let run = world
        .run(&format!("run show {id} -o json"))
        .await
        .expect(0)
        .json();
    assert_eq!(
        (&run["state"], &run["pending"], &run["running"]),
        (&"cancelled".into(), &0.into(), &0.into())
    );
    world
        .run(&format!("run resume {id}"))
        .await
        .expect(1)
        .says("is over");
}

#[tokio::test]
async fn ctrl_c_hands_back_and_the_same_command_goes_on() {
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-03-01 --to 2026-06-30";
    let backfill = world.start(line, "segments").await;
    backfill
        .end_with("INT")
        .await
        .expect(130)
        .says("The same command goes on");
    let run = world.run("run list -o json").await.expect(0).json();
    assert_eq!(run[0]["running"], 0);
    let finished = world
        .run(&format!("{line} -o json"))
        .await
        .expect(0)
        .says("joined it")
        .json();
    assert_eq!(
        (&finished["done"], &finished["segments"]),
        (&122.into(), &122.into())
    );
}

#[tokio::test]
async fn work_that_was_handed_to_a_backfill_is_finished_before_it_ends() {
    let emulator = emulator().await;
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "5");
    world.connect(&emulator.info().companies[0]).await;
    let first = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-15";
    let first = world.start(first, "segments").await;
    let second = "backfill --connection demo-us --entity journal_entry --from 2026-06-01 --to 2026-06-25";
    world.run(second).await.expect(0).says("handed to it");
    world.run("doctor").await.expect(0);

    first
        .end()
        .await
        .expect(0)
        .says("another request was handed to this process; finishing it too");
    let runs = world.run("run list -o json").await.expect(0).json();
    assert_eq!(
        (&runs[0]["state"], &runs[1]["state"]),
        (&"done".into(), &"done".into())
    );
}

#[tokio::test]
async fn who_waits_for_a_process_that_is_killed_goes_on_with_its_work() {
    let emulator = emulator().await;
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "5");
    world.connect(&emulator.info().companies[0]).await;
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-20";
    let waiting = world
        .start(&format!("{line} --wait -o json"), "20 segments")
        .await;
    server.end_with("KILL").await;
    let run = waiting
        .end()
        .await
        .expect(0)
        .says("this one goes on with them")
        .json();
    assert_eq!(run["done"], 20);
}

#[tokio::test]
async fn doctor_tells_of_work_that_nobody_does() {
    let emulator = emulator().await;
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "1");
    world.connect(&emulator.info().companies[0]).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-03-01 --to 2026-06-30";
    let backfill = world.start(line, "segments").await;
    backfill.end_with("KILL").await;
    let checks = world.run("doctor -o json").await.expect(0).json();
    let runner = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["check"] == "runner")
        .unwrap();
    assert_eq!(runner["result"], "warning");
    assert!(
        runner["next"].as_str().unwrap().contains("scheduler serve"),
        "{runner}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_has_one_runner_by_whatever_path_it_is_reached() {
    const LINE: &str = "backfill --connection demo-us --entity class --from 2026-06-01 --to 2026-06-01";
    let emulator = emulator().await;
    let world = World::beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let link = |name: &str, to: &std::path::Path| std::os::unix::fs::symlink(to, world.path(name)).unwrap();
    link("link.db", &world.path("ledgerfleet.db"));
    link("folder", world.directory.path());
    for path in ["link.db", "folder/ledgerfleet.db"] {
        let there = world.elsewhere("LEDGERFLEET_DATABASE_URL", &format!("sqlite://{path}"));
        there
            .run("serve --listen 127.0.0.1:0")
            .await
            .expect(7)
            .says(&format!("process {}", server.pid()));
        there.run(LINE).await.expect(0).says("handed to it");
    }
    std::fs::remove_file(world.path("ledgerfleet.db.lock")).unwrap();
    world
        .run("serve --listen 127.0.0.1:0")
        .await
        .expect(7)
        .says("already runs");
    world.run(LINE).await.expect(0).says("handed to it");
    server.end_with("TERM").await.expect(143);
    world.run(LINE).await.expect(0);
}
