//! The connectors against real servers on the loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod fault_places;
mod http;
mod memory;
mod quickbooks;
mod quickbooks_faults;
mod quickbooks_finding;
mod quickbooks_records;
mod raw;
mod secrets;
mod world;
