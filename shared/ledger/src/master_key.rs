//! Master key: which one the secrets of a ledger are sealed with.

use async_trait::async_trait;
use ledgerfleet_model::ConnectionId;

use crate::LedgerError;

/// Who decides which key is the ledger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChoice {
    /// Whoever came first.
    First,
    /// This one, while nothing is sealed; else whoever came first.
    WhileNothingIsSealed,
}

/// The key that all processes of a ledger have.
#[async_trait]
pub trait MasterKeys: Send + Sync {
    /// Answers the id of the key that the ledger is used with, and makes `id` that where `choice` allows it. It is never the
    /// key itself. A process whose key has another id can open nothing here and should seal nothing.
    async fn agree_on_key(&self, id: &str, choice: KeyChoice) -> Result<String, LedgerError>;

    /// Makes `id` the key that the ledger is used with; audited. The one before is a former key from then on: what a person
    /// brings is not stored if it is sealed with that ([`LedgerError::FormerKey`]). What a refresh brings is stored all the
    /// same: it would be lost, and whoever has both keys opens it.
    async fn turn_key(&self, id: &str, who: &str) -> Result<(), LedgerError>;

    /// All that is sealed, of removed connections, too.
    async fn sealed_rows(&self) -> Result<Vec<SealedRow>, LedgerError>;

    /// Puts the same secret, sealed anew, in the place of a row; false if the row is another one by now.
    async fn reseal(&self, row: &SealedRow, sealed: &str) -> Result<bool, LedgerError>;
}

/// The id of the key that has sealed a text, where it tells: `lfs1.<id>.<text>`.
pub(crate) fn key_of(sealed: &str) -> Option<&str> {
    sealed.strip_prefix("lfs1.")?.split('.').next()
}

/// A sealed credential, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Whose it is.
    pub connection: ConnectionId,
    /// Its version, to which the seal is bound.
    pub version: i64,
    /// The sealed text.
    pub sealed: String,
}
