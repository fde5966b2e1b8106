//! Usage: what processes have cost.

use std::time::{Duration, Instant};

use ledgerfleet_testkit::Process;
use ledgerfleet_testkit::process::cpu;
use tokio::time::sleep;

/// What a process has cost until it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// From its start to its end.
    pub(crate) seconds: f64,
    /// Processor time.
    pub(crate) cpu: f64,
    /// The most memory, in MiB.
    pub(crate) memory: f64,
}

/// Between two looks at a process that will take its cost with it.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until a process has ended well, and tells what it had cost at the last look before.
pub(crate) async fn of_ended(mut process: Process, began: Instant) -> Usage {
    let mut usage = Usage {
        seconds: 0.0,
        cpu: 0.0,
        memory: 0.0,
    };
    let status = loop {
        let (cpu, memory) = (process.cpu().as_secs_f64(), memory(&process));
        if let Some(status) = process.ended() {
            break status;
        }
        usage.cpu = usage.cpu.max(cpu);
        usage.memory = usage.memory.max(memory);
        sleep(LOOK).await;
    };
    usage.seconds = began.elapsed().as_secs_f64();
    assert!(status.success(), "{status}: {}", process.log());
    usage
}

/// The most memory that a process has used, in MiB.
pub(crate) fn memory(process: &Process) -> f64 {
    process.peak_memory() as f64 / 1024.0
}

/// The processor time of a server and of all it has started, in seconds.
pub(crate) fn cpu_of_server(pid: u32) -> f64 {
    let children: Duration = children(pid).into_iter().map(cpu).sum();
    (cpu(pid) + children).as_secs_f64()
}

fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
}
