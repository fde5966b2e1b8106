//! What a collector sees of a backfill, and what a backfill notices of a collector.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ledgerfleet_emulator::{FaultSpec, RunningEmulator};
use ledgerfleet_testkit::{CollectedSpan, Collector};

use crate::world::{Ended, World, emulator};

const BACKFILL: &str =
    "backfill --connection demo-us --entity invoice --from 2026-06-26 --to 2026-06-30 -o json";

async fn traced(emulator: &RunningEmulator, endpoint: &str) -> World {
    let world = World::beside(emulator);
    world.connect(&emulator.info().companies[0]).await;
    world.with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
}

fn fault(text: &str) -> FaultSpec {
    text.parse().unwrap()
}

/// The spans of each name.
fn by_name(spans: Vec<CollectedSpan>) -> BTreeMap<String, Vec<CollectedSpan>> {
    let mut named: BTreeMap<String, Vec<CollectedSpan>> = BTreeMap::new();
    for span in spans {
        named.entry(span.name.clone()).or_default().push(span);
    }
    named
}

#[tokio::test]
async fn a_backfill_is_traced_from_its_request_through_the_ledger_to_every_commit() {
    let emulator = emulator().await;
    let collector = Collector::start().await;
    let world = traced(&emulator, &collector.endpoint()).await;
    let report = world.run(BACKFILL).await.expect(0).json();
    let spans = by_name(collector.spans());
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    assert_eq!(names, ["attempt", "commit", "gate", "lock", "request", "submit"]);

    let [submit] = spans["submit"].as_slice() else {
        panic!("{:?}", spans["submit"]);
    };
    assert_eq!(submit.attribute("ledgerfleet.run.id"), report["run_id"]);
    assert_eq!(submit.attribute("messaging.batch.message_count"), "5");
    assert_eq!(submit.process["service.name"], "ledgerfleet-scheduler");
    assert!(submit.process["service.instance.id"].starts_with("scheduler-"));

    assert_eq!(spans["attempt"].len(), 5);
    for attempt in &spans["attempt"] {
        assert_eq!(attempt.links, [(submit.trace.clone(), submit.id.clone())]);
        assert_eq!(attempt.attribute("ledgerfleet.run.id"), report["run_id"]);
        assert_eq!(attempt.attribute("ledgerfleet.outcome"), "done");
        assert!(attempt.parent.is_none() && attempt.trace != submit.trace && !attempt.failed);
        for step in ["lock", "gate", "request", "commit"] {
            let of_it: Vec<_> = spans[step]
                .iter()
                .filter(|span| span.trace == attempt.trace)
                .collect();
            // A first page of an entity is counted: that is a second request, and a second commit.
            let most = if step == "lock" { 1 } else { 2 };
            assert!((1..=most).contains(&of_it.len()), "{step}");
            let parents = of_it.iter().map(|span| span.parent.as_ref());
            assert!(
                parents.into_iter().all(|parent| parent == Some(&attempt.id)),
                "{step}"
            );
        }
    }
    for request in &spans["request"] {
        assert_eq!(request.attribute("http.request.method"), "GET");
        assert_eq!(request.attribute("url.template"), "/v3/company/{id}/query");
        assert_eq!(request.attribute("http.response.status_code"), "200");
        let transaction = request.attribute("ledgerfleet.upstream.transaction_id");
        assert!(!transaction.is_empty());
    }
    let new: u64 = spans["commit"]
        .iter()
        .map(|span| span.attribute("ledgerfleet.rows.new").parse::<u64>().unwrap())
        .sum();
    assert_eq!(report["rows"], new);
}

#[tokio::test]
async fn an_attempt_that_fails_says_of_what_and_the_next_one_links_to_the_same_request() {
    let emulator = emulator().await;
    emulator.set_fault(fault("html=503,times=1"));
    let collector = Collector::start().await;
    let world = traced(&emulator, &collector.endpoint())
        .await
        .with("LEDGERFLEET_TIME_SCALE", "0.05");
    world.run(BACKFILL).await.expect(0);
    let spans = by_name(collector.spans());
    let failed: Vec<&CollectedSpan> = spans["attempt"].iter().filter(|span| span.failed).collect();
    let [failed] = failed.as_slice() else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.attribute("ledgerfleet.outcome"), "retry");
    assert!(!failed.attribute("error.type").is_empty());
    assert_eq!(spans["settle"][0].parent.as_ref(), Some(&failed.id));
    let of_it = |span: &&CollectedSpan| span.trace == failed.trace;
    let request = spans["request"].iter().find(of_it).unwrap();
    assert!(request.failed);
    assert_eq!(request.attribute("http.response.status_code"), "503");
    assert!(
        !request
            .attribute("ledgerfleet.upstream.transaction_id")
            .is_empty()
    );
    assert!(spans["attempt"].iter().all(|span| span.links == failed.links));
}

#[tokio::test]
async fn no_secret_no_name_and_no_text_of_an_upstream_is_exported() {
    let emulator = emulator().await;
    emulator.set_fault(fault("html=503,times=2"));
    let collector = Collector::start().await;
    let world = traced(&emulator, &collector.endpoint())
        .await
        .with("LEDGERFLEET_TIME_SCALE", "0.05")
        .with(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20collectors-own",
        );
    let line =
        "backfill --connection demo-us --entity invoice,customer --from 2026-06-26 --to 2026-06-30 -vv";
    let said = world.run(line).await.expect(0);
    let exported = collector.text();
    assert!(exported.contains("ledgerfleet.entity"), "something was exported");

    let info = emulator.info();
    let key = std::fs::read_to_string(world.path("ledgerfleet.db.key")).unwrap();
    let mut forbidden = vec![
        info.client_secret.clone(),
        info.client_id.clone(),
        key.trim().to_owned(),
    ];
    for company in &info.companies {
        forbidden.extend([
            company.refresh_token.clone(),
            company.realm.clone(),
            company.name.clone(),
        ]);
    }
    forbidden.extend(
        [
            "eyJlbmMiOiJBMTI4",
            "Bearer",
            "collectors-own",
            "SELECT",
            "127.0.0.1",
        ]
        .map(str::to_owned),
    );
    forbidden.extend(customers(&world).await);
    for text in &forbidden {
        assert!(!exported.contains(text.as_str()), "`{text}` was exported");
    }
    assert!(!said.stderr.contains("collectors-own"));
}

async fn customers(world: &World) -> Vec<String> {
    let stored = world
        .run("records --connection demo-us --entity customer -o json")
        .await
        .expect(0);
    let stored = stored.json();
    let names: Vec<String> = stored
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|record| record["payload"]["DisplayName"].as_str().map(str::to_owned))
        .collect();
    assert!(!names.is_empty(), "{stored}");
    names
}

#[tokio::test]
async fn a_collector_that_is_away_or_hangs_changes_nothing_but_one_line_of_the_log() {
    let emulator = emulator().await;
    let hanging = Collector::start_hanging().await;
    for (endpoint, lines) in [("http://127.0.0.1:9", 1), (hanging.endpoint().as_str(), 0)] {
        let world = traced(&emulator, endpoint).await;
        let began = Instant::now();
        let ended: Ended = world.run(BACKFILL).await.expect(0);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(8), "{endpoint}: {took:?}");
        let warnings = ended.stderr.matches("spans cannot be sent").count();
        assert_eq!(warnings, lines, "{endpoint}: {}", ended.stderr);
        assert_eq!(ended.json()["done"], 5);
    }
}

#[tokio::test]
async fn without_the_variable_nothing_sends_and_nobody_waits_to() {
    let emulator = emulator().await;
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    for (variables, sends) in [
        (vec![], false),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())], true),
    ] {
        let mut world = World::beside(&emulator).with("LEDGERFLEET_SERVE_LISTEN", "127.0.0.1:0");
        for (name, value) in variables {
            world = world.with(name, value);
        }
        let serving = world.start("serve", "serving").await;
        assert_eq!(has_exporter(serving.pid()), sends);
        serving.end_with("TERM").await.expect(143);
    }
    assert!(collector.spans().is_empty(), "nothing was asked for");
}

/// Whether a process has the thread that sends spans.
fn has_exporter(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
    };
    tasks.map(name).any(|name| name.starts_with("OpenTelemetry"))
}

#[tokio::test]
async fn a_share_of_the_traces_can_be_kept_or_none() {
    let emulator = emulator().await;
    let collector = Collector::start().await;
    let world = traced(&emulator, &collector.endpoint())
        .await
        .with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        .with("OTEL_TRACES_SAMPLER_ARG", "0");
    world.run(BACKFILL).await.expect(0);
    assert!(collector.spans().is_empty());
}
