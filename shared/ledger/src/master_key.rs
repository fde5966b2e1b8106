//! Master key: which one the secrets of a ledger are sealed with.

use async_trait::async_trait;

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
}
