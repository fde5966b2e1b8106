//! Told: a program that somebody may tell to stop.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Runs a program to its end, or until Ctrl-C or SIGTERM, which drop it with everything it has started.
pub async fn until_told(program: impl Future<Output = ExitCode>) -> ExitCode {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::select! {
        code = program => code,
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        _ = terminate.recv() => ExitCode::from(143),
    }
}
