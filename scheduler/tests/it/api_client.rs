//! The client in deploy, on good and on bad days.

use chrono::SecondsFormat;
use ledgerfleet_model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::cutting::Cutting;
use crate::served::{Served, serve};
use crate::world::{Ended, emulator};

/// Runs the client against this address.
async fn client(served: &Served, address: &str, key: &str, more: &str) -> Ended {
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/client.py");
    let url = format!("http://{address}");
    let key = key.trim_start_matches("Bearer ");
    let arguments: Vec<&str> = [client, "--url", &url, "--key", key]
        .into_iter()
        .chain(more.split(' '))
        .collect();
    served.world.run_program("/usr/bin/python3", &arguments).await
}

#[tokio::test]
async fn the_client_in_deploy_copies_what_has_changed() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let key = served.key("client", "--scope read,run").await;
    let days = "demo-us invoice 2026-06-01 2026-06-05";
    let first = client(&served, &served.address, &key, days).await.expect(0);
    let rows = first.stdout.lines().count();
    assert!(rows > 0, "{first:?}");
    assert!(first.stderr.contains(&format!("{rows} records")), "{first:?}");
    let since = async |instant: &str| {
        let more = format!("--since {instant} demo-us invoice");
        client(&served, &served.address, &key, &more).await
    };
    let now = SystemClock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let second = since(&now).await.expect(0);
    assert_eq!(second.stdout, "", "{second:?}");
    assert!(second.stderr.contains("0 records"), "{second:?}");
    let ahead = since("2099-01-01T00:00:00Z").await.expect(1);
    assert!(ahead.stderr.contains("was set back"), "{ahead:?}");
    served.server.end_with("TERM").await;
}

#[tokio::test]
async fn a_client_whose_connections_break_has_each_record_once_and_submits_once() {
    let emulator = emulator().await;
    let served = serve(&emulator).await;
    let year = json!({
        "connections": ["demo-us"], "entities": ["invoice"], "from": "2025-06-01", "to": "2026-06-30", "segment": "month",
    });
    served.run_to_its_end("/api/v1/runs", &year).await;
    let key = served.key("client", "--scope read,run").await;
    let path = "/api/v1/records?connection=demo-us&entity=invoice&format=ndjson";
    let whole = served.get_with(path, &key).await.expect(200);
    let whole = whole.lines();
    assert!(whole.len() > 1_000, "{}", whole.len());
    let most = usize::MAX;
    // The answer about the run is lost, its events break off, and then the records do: before and after a mark.
    let middle = whole.iter().map(|line| line.len() + 1).sum::<usize>() * 6 / 10;
    let cutting = Cutting::before(
        &served.address,
        vec![20, most, 500, most, 9_000, middle, 0, middle],
    )
    .await;
    let days = "demo-us invoice 2026-06-01 2026-06-05";
    let copied = client(&served, &cutting.address, &key, days).await.expect(0);
    assert!(
        copied.stderr.matches("once more").count() >= 5,
        "{}",
        copied.stderr
    );
    let ids = |lines: Vec<&str>| -> Vec<Value> {
        let records = lines
            .into_iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.map(|record| record["id"].clone()).collect()
    };
    let (end, records) = whole.split_last().unwrap();
    assert!(end.contains("\"end\":true"), "{end}");
    assert_eq!(
        ids(copied.stdout.lines().collect()),
        ids(records.iter().map(String::as_str).collect())
    );
    assert!(
        copied.stderr.contains(&format!("{} records", records.len())),
        "{}",
        copied.stderr
    );
    let runs = served.get_with("/api/v1/runs", &key).await.expect(200).json();
    assert_eq!(runs.as_array().unwrap().len(), 2, "{runs}");
    served.server.end_with("TERM").await;
}
