#![doc = include_str!("../README.md")]

mod amount;
mod compare;
mod comparison;
mod error;
mod portion;
mod rest;
mod subject;
mod tally;

pub use error::VerifyError;
pub use subject::{Compared, Observer, Subject};
pub use tally::{Place, Side, Span, Tallies, Tally, Verdict, spans, with_days_without_records};
