//! A worker against a real ledger on SQLite and the emulator over real HTTP. Whether it did right is judged by the
//! emulator's own truth.

mod copying;
mod crashing;
mod failing;
mod world;
