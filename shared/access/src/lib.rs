#![doc = include_str!("../README.md")]

mod access;
mod consent;
mod credential;
mod error;
mod exchange;
mod expiry;
mod granted;
mod keys;
mod known;
pub mod private_file;
mod recovery;
mod refresh;
mod rotation;
mod shared;
mod spool;
mod store;

pub use access::{Access, AccessOptions};
pub use consent::{Code, Ends, Fresh, patiently};
pub use error::AccessError;
pub use keys::Reread;
pub use known::AccessToken;
pub use rotation::reseal;
pub use spool::{Spool, SpoolError};
