#![doc = include_str!("../README.md")]

mod access;
mod credential;
mod error;
mod exchange;
mod expiry;
mod granted;
pub mod private_file;
mod recovery;
mod refresh;
mod spool;

pub use access::{Access, AccessOptions, AccessToken};
pub use error::AccessError;
pub use spool::{Spool, SpoolError};
