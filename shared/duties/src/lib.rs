#![doc = include_str!("../README.md")]

mod bring_back;
mod close_runs;
mod dispatch;
mod lead;
mod leading;
mod open_gates;
mod prune;
mod pulse;
mod rescue;
mod stop_replays;

pub use bring_back::bring_back;
pub use close_runs::close_runs;
pub use dispatch::dispatch;
pub use lead::{Duties, lead};
pub use leading::Leading;
pub use open_gates::open_gates;
pub use prune::prune;
pub use rescue::rescue;
pub use stop_replays::stop_replays;

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
