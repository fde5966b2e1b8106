#![doc = include_str!("../README.md")]

mod banner;
mod gauges;
mod clients;
mod http;
mod memory;
mod readiness;
mod serving;
mod signals;

pub use banner::banner;
pub use http::{Listening, record_metrics};
pub use signals::{Signal, Stop};
