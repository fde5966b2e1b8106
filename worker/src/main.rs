//! `worker`: one worker of a fleet.

mod command;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match command::run().await {
        Ok(code) => code,
        Err(refused) => refused.report(),
    }
}
