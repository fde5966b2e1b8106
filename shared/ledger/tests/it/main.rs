//! The SQLite ledger: the promises that every ledger keeps, and those that only a file can break.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod file;
mod guard;
mod hours;
mod size;
mod world;

mod promises {
    ledgerfleet_ledger::ledger_conformance!(crate::world::world);
}
