//! Access against an emulator over real HTTP and a ledger in a real file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod escrow;
mod failures;
mod fleet;
mod guards;
mod keys;
mod recovery;
mod renewal;
mod siblings;
mod world;
