#![doc = include_str!("../README.md")]

mod attempt;
mod braking;
mod claiming;
mod connections;
mod fetch;
mod gate_time;
mod hearing;
mod heartbeat;
mod held;
mod keeper;
mod lessons;
mod reading;
mod reconcile;
mod run;
mod settle;
mod source;
mod watchdog;

pub use run::{WorkerError, WorkerOptions, run};
