//! What the model promises.

mod failure;
mod outcome;
mod retry;
mod segment;
mod window;
mod words;
