#![doc = include_str!("../README.md")]

mod assemble;
mod error;
mod host;
mod key_file;
mod keys;
mod parts;
mod runner_lock;

pub use assemble::{Opening, assemble, assemble_of, migrate};
pub use error::WiringError;
pub use host::host_or;
pub use key_file::KeyFileError;
pub use keys::{finish_rotation, next_key};
pub use parts::{Parts, Places};
pub use runner_lock::{RunnerLock, RunnerLockError};
