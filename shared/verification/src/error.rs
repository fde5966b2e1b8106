//! Error: why a comparison did not come to its end.

use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::Failure;

/// Why a comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The source refuses, is away, or moves.
    #[error("the source could not be asked: {}", .0.message)]
    Source(Failure),
    /// The ledger does not answer.
    #[error("what is stored could not be read")]
    Stored(#[from] LedgerError),
    /// Nothing is wrong but the count of what was paid for.
    #[error("the metered requests so far are not counted in the ledger")]
    Uncounted(#[source] LedgerError),
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}
