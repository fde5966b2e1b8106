#![doc = include_str!("../README.md")]

mod access;
mod credential;
mod error;
mod refresh;

pub use access::{Access, AccessToken};
pub use error::AccessError;
