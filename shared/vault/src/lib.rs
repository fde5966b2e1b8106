#![doc = include_str!("../README.md")]

mod key;
mod seal;

pub use key::{KeyError, MasterKey};
pub use seal::{Place, Vault, VaultError};
