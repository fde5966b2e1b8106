#![doc = include_str!("../README.md")]

mod http;
mod signals;

pub use http::Listening;
pub use signals::{Signal, Stop};
