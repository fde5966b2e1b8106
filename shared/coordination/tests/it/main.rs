//! The bells, gates and locks of one process and of a fleet keep every promise of the conformance suite.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose scene cannot be set up has failed"
)]

mod links;
mod memory;
mod redis;
