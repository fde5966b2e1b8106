//! Told: a program that somebody may tell to stop.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Runs a program to its end, or until Ctrl-C, SIGTERM or the loss of its terminal, which drop it with everything it has
/// started. One that was started with `nohup` outlives its terminal.
pub async fn until_told(program: impl Future<Output = ExitCode>) -> ExitCode {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::select! {
        code = program => code,
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        _ = terminate.recv() => ExitCode::from(143),
        () = hung_up() => ExitCode::from(129),
    }
}

async fn hung_up() {
    // Who listens to a signal no longer ignores it.
    if ignores_hangups() {
        return std::future::pending().await;
    }
    signal(SignalKind::hangup()).unwrap().recv().await;
}

/// Whether this process was started to ignore SIGHUP, where the system tells.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // A mask in hexadecimal; SIGHUP is the first signal.
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}
