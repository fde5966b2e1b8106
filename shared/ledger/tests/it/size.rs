//! A large book of work: memory stays flat, and what every tick asks stays fast.

use std::time::{Duration, Instant};

use ledgerfleet_ledger::conformance::World;
use ledgerfleet_ledger::conformance::scene::{
    claim_all, company, due, finish, new_run, record, run_for, seconds, window,
};
use ledgerfleet_ledger::{Dispatching, NewSegment, RescueScope, Runs, Steer};
use ledgerfleet_model::{ConnectionId, Lane, Record, RunId, SegmentId, Timings};

use crate::world::{SqliteWorld, world};

/// Submits a plan that exists only while it is read.
async fn submit_many(world: &SqliteWorld, connection: ConnectionId, segments: usize) -> RunId {
    let run = new_run(Lane::Backfill, &RunId::new().to_string());
    let mut plan = (0..segments).map(|number| NewSegment {
        id: SegmentId::new(),
        connection,
        entity: "invoice".to_owned(),
        window: window(number % 2000),
    });
    let submitted = world.ledger.submit(&run, &mut plan).await.unwrap();
    assert_eq!(submitted.segments, u64::try_from(segments).unwrap());
    run.id
}

/// The most memory this process has used so far, in kilobytes, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

async fn took<T>(what: &str, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = work.await;
    eprintln!("{what}: {:?}", began.elapsed());
    answer
}

#[tokio::test]
async fn measure() {
    let world = world().await;
    let connection = company(&world, "Ash").await;
    let n: usize = std::env::vars()
        .find(|v| v.0 == "N")
        .map_or(200_000, |v| v.1.parse().unwrap());
    let m0 = peak_memory();
    let run = took("submit", submit_many(&world, connection, n)).await;
    eprintln!("memory {} -> {}", m0, peak_memory());
    for _ in 0..3 {
        took("due", due(&world, 9)).await;
    }
    took("report", world.ledger.run(run)).await.unwrap();
    took("volumes", world.ledger.volumes(run)).await.unwrap();
    took("counts", world.ledger.segment_counts()).await.unwrap();
    took("next_due", world.ledger.next_due()).await.unwrap();
    took("close", world.ledger.close_runs()).await.unwrap();
    took(
        "rescue",
        world.ledger.rescue(RescueScope::Expired, &Timings::default()),
    )
    .await
    .unwrap();
    let ids = due(&world, 9).await;
    took("claim12", claim_all(&world, &ids)).await;
    let other = run_for(&world, connection, Lane::Manual, 10).await;
    let text = "x".repeat(2000);
    let recs: Vec<Record> = (0..1000)
        .map(|i| Record {
            payload: format!(r#"{{"t":"{text}"}}"#).into(),
            ..record(&format!("{i}"), 1)
        })
        .collect();
    took("commit 1000x2KB new", finish(&world, other.segments[0], &recs)).await;
    took("commit 1000x2KB same", finish(&world, other.segments[1], &recs)).await;
    let recs: Vec<Record> = recs
        .iter()
        .map(|r| Record {
            source_version: Some(2),
            payload_hash: [3; 32],
            ..r.clone()
        })
        .collect();
    took(
        "commit 1000x2KB changed",
        finish(&world, other.segments[2], &recs),
    )
    .await;
    took("commit empty", finish(&world, other.segments[3], &[])).await;
    took("commit 1", finish(&world, other.segments[4], &[record("q", 1)])).await;
    took("pause", world.ledger.steer_run(run, Steer::Pause))
        .await
        .unwrap();
    took("due after pause", due(&world, 9)).await;
    took("resume", world.ledger.steer_run(run, Steer::Resume))
        .await
        .unwrap();
    took("cancel", world.ledger.steer_run(run, Steer::Cancel))
        .await
        .unwrap();
    eprintln!(
        "file {} MB",
        std::fs::metadata(world.path()).unwrap().len() / 1_000_000
    );
    world.pass_time(seconds(1)).await;
    let _ = Duration::ZERO;
}
