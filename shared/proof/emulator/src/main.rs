//! The emulator as a program.

use std::process::ExitCode;

use clap::Parser;
use ledgerfleet_emulator::Command;

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ledgerfleet_emulator::complain(&error);
            ExitCode::FAILURE
        }
    }
}
