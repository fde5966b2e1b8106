#![doc = include_str!("../README.md")]

mod advice;
mod boot;
mod braked;
mod carry;
mod cli;
mod commands;
mod disk;
mod exit;
mod meant;
mod output;
mod plan;
mod remaining;
mod runner;
mod session;
mod submit;
mod upstream;
mod verify;
mod watch;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    boot::run().await.into()
}
