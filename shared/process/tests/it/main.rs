//! What the programs share, seen from outside.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose scene cannot be set up has failed"
)]

#[cfg(target_os = "linux")]
mod memory;
