//! What the model promises.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose scene cannot be set up has failed"
)]

mod failure;
mod outcome;
mod retry;
mod segment;
mod window;
mod words;
