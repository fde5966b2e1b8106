//! Error: why a duty could not be done this time.

use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::LedgerError;

/// Why a duty could not be done this time.
#[derive(Debug, thiserror::Error)]
pub enum DutyError {
    /// The ledger did not answer.
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    /// This process leads in vain.
    #[error("nothing could be dispatched for {} s", .0.as_secs())]
    NotDispatched(std::time::Duration),
    /// Bell or gate could not be reached.
    #[error("bell or gate failed")]
    Coordination(#[from] Unreachable),
}
