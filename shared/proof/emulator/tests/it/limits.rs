use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_emulator::{EmulatorOptions, Rate};
use serde_json::json;

use crate::client::{Client, options};

async fn statuses(client: &Client, requests: usize) -> (usize, usize) {
    let mut seen = (0, 0);
    for _ in 0..requests {
        match client.query("SELECT count(*) FROM Item").await.status.as_u16() {
            200 => seen.0 += 1,
            429 => seen.1 += 1,
            other => panic!("status {other}"),
        }
    }
    seen
}

#[tokio::test]
async fn ten_requests_in_any_second_are_answered_and_the_eleventh_is_throttled() {
    let client = Client::with(EmulatorOptions {
        rate: Rate::Enforce,
        ..options()
    })
    .await;
    assert_eq!(statuses(&client, 6).await, (6, 0));
    client.emulator.clock().step(Duration::from_millis(600));
    assert_eq!(statuses(&client, 6).await, (4, 2));
    client.emulator.clock().step(Duration::from_millis(400));
    assert_eq!(statuses(&client, 7).await, (6, 1));
    let summary = client.emulator.summary();
    let seen = &summary.company("demo-us").unwrap().api;
    assert_eq!((seen.requests, seen.throttled, seen.metered), (19, 3, 16));
    assert_eq!((seen.peak_1s, seen.peak_60s, seen.peak_in_flight), (13, 19, 1));
    assert_eq!((seen.statuses[&200], seen.statuses[&429]), (16, 3));
    assert_eq!(summary.company("demo-ca").unwrap().api.requests, 0);
}

#[tokio::test]
async fn five_hundred_requests_in_any_minute_are_answered() {
    let client = Client::with(EmulatorOptions {
        rate: Rate::Enforce,
        ..options()
    })
    .await;
    for _ in 0..50 {
        assert_eq!(statuses(&client, 10).await, (10, 0));
        client.emulator.clock().step(Duration::from_secs(1));
    }
    assert_eq!(statuses(&client, 3).await, (0, 3));
    client.emulator.clock().step(Duration::from_secs(10));
    assert_eq!(statuses(&client, 11).await, (10, 1));
}

#[tokio::test]
async fn a_throttled_answer_is_xml_and_has_variants() {
    let client = Client::with(EmulatorOptions {
        rate: Rate::PerSecond(1),
        ..options()
    })
    .await;
    statuses(&client, 1).await;
    let throttled = client.query("SELECT * FROM Item").await;
    assert_eq!(throttled.status, 429);
    assert!(
        throttled.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/xml")
    );
    assert!(
        throttled.body.contains("errorCode=003001; statusCode=429"),
        "{}",
        throttled.body
    );
    assert!(!throttled.headers.contains_key("retry-after"));

    let switches = json!({ "switches": { "throttle_status": 403, "throttle_body": "json", "throttle_retry_after": 60 } });
    client.control("faults", &switches.to_string()).await;
    let variant = client.query("SELECT * FROM Item").await;
    assert_eq!((variant.status.as_u16(), variant.code().as_str()), (403, "3001"));
    assert_eq!(variant.headers["retry-after"], "60");
}

#[tokio::test]
async fn the_requests_are_listed_one_by_one() {
    let client = Client::start().await;
    client.query("SELECT * FROM Item").await;
    client.query("SELECT * FROM Unicorn").await;
    let list = client.look("requests").await.json();
    let requests = list["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 3, "a token and two queries");
    assert_eq!(requests[0]["path"], json!("/oauth2/v1/tokens/bearer"));
    assert_eq!(requests[1]["query"], json!("SELECT * FROM Item"));
    assert_eq!(
        (&requests[1]["status"], &requests[2]["status"]),
        (&json!(200), &json!(400))
    );
    assert_eq!(
        (&requests[1]["company"], &requests[1]["in_flight"]),
        (&json!("demo-us"), &json!(1))
    );
    let summary = client.look("requests?summary=1").await.json();
    assert_eq!(
        (&summary["requests"], &summary["metered"], &summary["throttled"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert_eq!(summary["companies"][0]["peak_1s"], json!(2));
    assert_eq!(client.look("requests?sumary=1").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_its_answer_is_no_longer_in_flight() {
    let client = Arc::new(Client::start().await);
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move {
                for _ in 0..25 {
                    assert_eq!(
                        client.query("SELECT * FROM Invoice MAXRESULTS 80").await.status,
                        200
                    );
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let seen = client.emulator.summary().company("demo-us").unwrap().api.clone();
    assert_eq!(seen.requests, 200);
    assert!((2..=8).contains(&seen.peak_in_flight), "{}", seen.peak_in_flight);
}
