//! `chaos`: makes a fleet go wrong, row by row, and tells what was left.

mod command;

use std::process::ExitCode;

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() -> ExitCode {
    command::obey().await
}
