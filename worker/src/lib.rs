#![doc = include_str!("../README.md")]

mod attempt;
mod braking;
mod claiming;
mod connections;
mod fleet;
mod hearing;
mod heartbeat;
mod held;
mod reading;
mod run;
mod settle;
mod source;

pub use braking::try_keys_again;
pub use fleet::WorkerOptions;
pub use run::{WorkerError, run};
