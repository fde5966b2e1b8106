//! The ledgers: the promises that each keeps, and those that only a file or a server can break.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod causes;
mod file;
mod guard;
mod hours;
mod identity;
mod models;
mod postgres;
mod size;
mod views;
mod world;

mod promises {
    ledgerfleet_ledger::ledger_conformance!(crate::world::world);
}
