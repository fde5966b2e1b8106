#![doc = include_str!("../README.md")]

mod advice;
mod boot;
mod braked;
mod cli;
mod commands;
mod consent;
mod countdown;
mod exit;
mod http;
mod meant;
mod output;
mod panel;
mod running;
mod session;
mod views;
mod waits;
mod webhooks;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    boot::run().await.into()
}
