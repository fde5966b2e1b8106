#![doc = include_str!("../README.md")]

mod assemble;
mod key_file;
mod parts;
mod runner_lock;

pub use assemble::{Opening, WiringError, assemble, migrate};
pub use key_file::KeyFileError;
pub use parts::{Parts, Places};
pub use runner_lock::{RunnerLock, RunnerLockError};
