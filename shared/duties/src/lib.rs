#![doc = include_str!("../README.md")]

mod bring_back;
mod close_runs;
mod dispatch;
mod duty;
mod error;
mod fire_triggers;
mod health;
mod keep_alive;
mod lead;
mod leading;
mod list;
mod open_gates;
mod prune;
mod pulse;
mod read_hints;
mod rescue;
mod rounds;
mod stop_replays;
mod sync_due;

pub use close_runs::close_runs;
pub use dispatch::dispatch;
pub use duty::{Context, Duty, Next, Round};
pub use error::DutyError;
pub use lead::lead;
pub use leading::Leading;
pub use list::DUTIES;
pub use open_gates::open_gates;
pub use rescue::rescue;
