#![doc = include_str!("../README.md")]

pub mod lessons;
pub mod search;
pub mod walk;

pub use lessons::Lessons;
pub use search::Search;
pub use walk::{Change, Walk};
