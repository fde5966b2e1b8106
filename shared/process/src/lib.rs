#![doc = include_str!("../README.md")]

mod http;
mod signals;

pub use http::{Listening, record_metrics};
pub use signals::{Signal, Stop};
