//! A worker against a real ledger on SQLite and the emulator over real HTTP. Whether it did right is judged by the
//! emulator's own truth.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose scene cannot be set up has failed"
)]

mod budget;
mod chaos;
mod contifico;
mod copying;
mod crashing;
mod cutting;
mod drifting;
mod edges;
mod failing;
mod faults;
mod fleet;
mod guards;
mod hints;
mod locked;
mod pruning;
mod quarantining;
mod refusing;
mod seeded;
mod shown;
mod silence;
mod syncing;
mod toy;
mod traces;
mod unserved;
mod world;
