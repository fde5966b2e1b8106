use std::time::Duration;

use ledgerfleet_process::record_metrics;
use ledgerfleet_telemetry::metrics::gate_waited;
use tokio::sync::Mutex;

/// Memory is the whole process'; where tests share one, they take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// It is told so by `.cargo/config.toml` when it is compiled.
#[test]
fn the_allocator_gives_back_at_once() {
    let _turn = TURN.blocking_lock();
    let before = resident_mebibytes();
    let records: Vec<Vec<u8>> = (0..32_768).map(|_| vec![1; 2_048]).collect();
    let during = resident_mebibytes();
    drop(records);
    let after = resident_mebibytes();
    assert!(during >= before + 48, "{before}, {during}");
    assert!(after <= before + 8, "{before}, {during}, {after}");
}

/// Memory that grows with the work would end every long backfill.
#[tokio::test(start_paused = true)]
async fn metrics_that_nobody_asks_for_do_not_grow_with_the_work() {
    let _turn = TURN.lock().await;
    record_metrics().unwrap();
    let first = after_more_waits().await;
    let mut last = first;
    for _ in 0..9 {
        last = after_more_waits().await;
    }
    // A sample is kept in some twenty bytes.
    assert!(last <= first + 16, "{first} MiB grew to {last}");
}

/// Records 300,000 in two minutes, and tells how much memory the process has then.
async fn after_more_waits() -> u64 {
    for _ in 0..20 {
        for _ in 0..15_000 {
            gate_waited("quickbooks", Duration::from_millis(3));
        }
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    resident_mebibytes()
}

fn resident_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = resident
        .expect("Linux tells it since 4.5")
        .trim()
        .trim_end_matches(" kB");
    kibibytes.parse::<u64>().unwrap() / 1024
}
