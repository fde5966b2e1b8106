//! The Postgres ledger: the promises that every ledger keeps, and those that only a server can break.

mod causes;
mod database;
mod entities;
mod failures;
mod identity;
mod locking;
mod queries;
mod reaching;
mod records;
mod sessions;
mod shown;
mod size;
pub(crate) mod world;

pub(crate) use world::{PostgresWorld, world};

mod promises {
    ledgerfleet_ledger::ledger_conformance!(crate::postgres::world::world);
}
