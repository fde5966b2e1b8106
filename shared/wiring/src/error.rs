//! Error: why the parts could not be put together.

use std::path::PathBuf;

use ledgerfleet_connectors::http::HttpError;
use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::LedgerError;
use ledgerfleet_vault::{KeyError, VaultError};

use crate::key_file::KeyFileError;

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened")]
    Ledger(#[from] LedgerError),
    /// There is no ledger where one was looked for.
    #[error("there is no ledger at {}", .0.display())]
    NoLedger(PathBuf),
    /// The file holds nothing, although its key has been made.
    #[error("{} is empty, but {} is the key of a database that was in use", database.display(), key.display())]
    EmptyBesideKey {
        /// The file.
        database: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// The key beside the database is unusable.
    #[error("the master key cannot be read")]
    KeyFile(#[from] KeyFileError),
    /// The configured key is not one.
    #[error("the configured master key is not a key")]
    Key(#[from] KeyError),
    /// The key does not open the credentials in the database.
    #[error("this is not the master key that the stored credentials were sealed with")]
    WrongKey(#[source] VaultError),
    /// The ledger is used with another key, and nothing may be sealed yet that would show it.
    #[error("this ledger is used with master key {ledger}, but the master key here is {here}")]
    OtherKey {
        /// The id of the key that the ledger is used with.
        ledger: String,
        /// The id of the one here.
        here: String,
    },
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Http(#[from] HttpError),
    /// A fleet shares its key, so nobody makes one by the way.
    #[error("a fleet needs a master key")]
    NoKey,
    /// A certificate, or its key, cannot be read.
    #[error("the certificate or key {} cannot be read", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The URL of Redis is not one.
    #[error("the Redis URL cannot be used")]
    Redis(#[source] Unreachable),
    /// This Redis cannot be worked with.
    #[error("{0}")]
    UnsuitableRedis(String),
}
