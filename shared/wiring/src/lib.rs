#![doc = include_str!("../README.md")]

mod assemble;
mod key_file;
mod runner_lock;

pub use assemble::{Opening, Parts, WiringError, assemble};
pub use key_file::KeyFileError;
pub use runner_lock::{RunnerLock, RunnerLockError};
