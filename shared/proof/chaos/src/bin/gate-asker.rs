//! `gate-asker REDIS FILE SEED`: asks the gate until it is told to stop; `chaos --grants` starts many.

use std::path::Path;
use std::process::ExitCode;

use ledgerfleet_chaos::grants::asker::ask;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [redis, file, seed] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let (Ok(seed), Ok(mut terminate)) = (seed.parse(), signal(SignalKind::terminate())) else {
        return ExitCode::from(2);
    };
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        told.cancel();
    });
    ask(redis, Path::new(file), seed, stop).await;
    ExitCode::SUCCESS
}
