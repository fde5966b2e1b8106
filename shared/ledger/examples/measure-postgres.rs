//! How fast the ledger is on a private Postgres with durable commits:
//! `cargo run --release -p ledgerfleet-ledger --example measure-postgres`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of the developers'"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ledgerfleet_ledger::conformance::scene::{
    LEASE, credential, daily, new_connection, new_run, only_page, page, record, window, worker,
};
use ledgerfleet_ledger::{
    Claim, Claims, Connections, DispatchLimits, Dispatching, NewSegment, NextStep, Pages, PostgresLedger,
    PostgresOptions, Runs, Steer,
};
use ledgerfleet_model::{ConnectionId, Lane, Record, RunId, SegmentId};
use ledgerfleet_testkit::{PrivatePostgres, Settings};

const SEGMENTS: usize = 1_000_000;
const CONNECTIONS: usize = 200;

#[tokio::main]
async fn main() {
    let postgres = PrivatePostgres::start_with(&Settings {
        durable: true,
        ..Settings::default()
    });
    let url = postgres.url("postgres");
    let options = PostgresOptions::default();
    PostgresLedger::migrate(&url, &options).await.unwrap();
    let ledger = PostgresLedger::connect(&url, &options).await.unwrap();

    pages(&ledger).await;
    small_segments(&ledger).await;
    let run = submit(&ledger).await;
    for analyzed in ["", ", analyzed"] {
        if !analyzed.is_empty() {
            postgres.command("ANALYZE");
        }
        ticks(&ledger, analyzed).await;
    }
    small_segments(&ledger).await;
    let began = Instant::now();
    ledger.steer_run(run, Steer::Cancel).await.unwrap();
    told("cancel of the million", began);
}

fn told(what: &str, began: Instant) {
    println!("{what}: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
}

async fn company(ledger: &PostgresLedger) -> ConnectionId {
    let new = new_connection(&ConnectionId::new().to_string());
    ledger.add_connection(&new, &credential(1)).await.unwrap().id
}

async fn claimed(ledger: &PostgresLedger, connection: ConnectionId, segments: usize) -> Vec<Claim> {
    let plan = daily(connection, segments);
    let ids: Vec<SegmentId> = plan.iter().map(|segment| segment.id).collect();
    let run = new_run(Lane::Live, &ConnectionId::new().to_string());
    ledger.submit(&run, &mut plan.into_iter()).await.unwrap();
    ledger.claim(&ids, &worker("north-1"), LEASE).await.unwrap()
}

/// A page of a thousand records of two kilobytes: new, the same again, all changed.
async fn pages(ledger: &PostgresLedger) {
    let claim = claimed(ledger, company(ledger).await, 1).await.remove(0);
    let large = |id: i64, version| {
        let lines: Vec<String> = (0..20)
            .map(|line| {
                let amount = (id * 7919 + line * 104_729) % 1_000_000;
                format!(r#"{{"Id":"{line}","Description":"Item {amount} of the catalogue","Amount":{amount}.25,"TaxCode":"NON"}}"#)
            })
            .collect();
        let payload = format!(
            r#"{{"Id":"{id}","SyncToken":"{version}","Line":[{}]}}"#,
            lines.join(",")
        );
        Record {
            payload: payload.into(),
            ..record(&format!("{id}"), version)
        }
    };
    for round in 0..5 {
        let mut new: Vec<Record> = (0..1000).map(|id| large(round * 1000 + id, 1)).collect();
        let bytes: usize = new.iter().map(|record| record.payload.len()).sum();
        for what in ["new", "same", "changed"] {
            if what == "changed" {
                new = (0..1000).map(|id| large(round * 1000 + id, 2)).collect();
            }
            let began = Instant::now();
            ledger
                .commit_page(&page(&claim, 1, &new, NextStep::Page))
                .await
                .unwrap();
            told(
                &format!("commit_page, 1000 records, {} KB, {what}", bytes / 1000),
                began,
            );
        }
    }
}

async fn submit(ledger: &PostgresLedger) -> RunId {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(company(ledger).await);
    }
    let mut plan = (0..SEGMENTS).map(|number| NewSegment {
        id: SegmentId::new(),
        connection: connections[number * CONNECTIONS / SEGMENTS],
        entity: "invoice".to_owned(),
        work: window(number % 2000).into(),
    });
    let run = new_run(Lane::Backfill, "everything");
    let before = peak_memory();
    let began = Instant::now();
    ledger.submit(&run, &mut plan).await.unwrap();
    told("submit of a million segments over 200 connections", began);
    println!("  memory grew by {} MB", peak_memory() - before);
    let began = Instant::now();
    ledger.run(run.id).await.unwrap().unwrap();
    told("report of that run", began);
    run.id
}

/// The most memory this process has used so far, in megabytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

async fn ticks(ledger: &PostgresLedger, analyzed: &str) {
    let limits = DispatchLimits {
        slots: HashMap::from([("quickbooks".to_owned(), 9)]),
        total: 2000,
    };
    for _ in 0..8 {
        let began = Instant::now();
        let due = ledger.due(&limits).await.unwrap();
        told(&format!("due{analyzed}, {} offered", due.len()), began);
    }
    let began = Instant::now();
    ledger.next_due().await.unwrap();
    told("next_due", began);
    let began = Instant::now();
    ledger.close_runs().await.unwrap();
    told("close_runs", began);
    let began = Instant::now();
    ledger.segment_counts().await.unwrap();
    told("segment_counts", began);
}

/// Claims and empty last pages, sixteen at a time, for some seconds.
async fn small_segments(ledger: &PostgresLedger) {
    let connection = company(ledger).await;
    let plan = daily(connection, 60_000);
    let ids: Vec<SegmentId> = plan.iter().map(|segment| segment.id).collect();
    let run = new_run(Lane::Live, &ConnectionId::new().to_string());
    ledger.submit(&run, &mut plan.into_iter()).await.unwrap();
    for at_once in [1, 8] {
        let (next, done) = (
            AtomicUsize::new(if at_once == 1 { 0 } else { 30_000 }),
            AtomicUsize::new(0),
        );
        let began = Instant::now();
        let work = async |name: usize| {
            let worker = worker(&format!("north-{name}"));
            while began.elapsed() < Duration::from_secs(5) {
                let first = next.fetch_add(at_once, Ordering::Relaxed);
                let few = &ids[first..first + at_once];
                for claim in ledger.claim(few, &worker, LEASE).await.unwrap() {
                    ledger.commit_page(&only_page(&claim, &[])).await.unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        futures::future::join_all((0..16).map(work)).await;
        let rate = f64::from(u32::try_from(done.into_inner()).unwrap()) / began.elapsed().as_secs_f64();
        println!("claim {at_once} and commit, 16 at once, one process: {rate:.0} segments/s");
    }
}
