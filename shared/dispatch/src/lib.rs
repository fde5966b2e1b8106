#![doc = include_str!("../README.md")]

mod close_runs;
mod dispatch;
mod lead;
mod rescue;

pub use close_runs::close_runs;
pub use dispatch::dispatch;
pub use lead::{Duties, lead};
pub use rescue::rescue;

use ledgerfleet_coordination::Unreachable;
use ledgerfleet_ledger::LedgerError;

/// Why a duty could not be done this time.
#[derive(Debug, thiserror::Error)]
pub enum DutyError {
    /// The ledger did not answer.
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    /// The bell could not be reached.
    #[error("the bell failed")]
    Bell(#[from] Unreachable),
}
