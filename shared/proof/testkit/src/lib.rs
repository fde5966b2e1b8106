#![doc = include_str!("../README.md")]
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up fails"
)]

#[cfg(feature = "collector")]
mod collector;
mod names;
mod postgres;
pub mod process;
mod proxy;
mod redis;
mod tls;
mod told;
pub mod wait;

#[cfg(feature = "collector")]
pub use collector::{CollectedSpan, Collector};
pub use names::{NameServer, Naming};
pub use postgres::{Database, PrivatePooler, PrivatePostgres, Settings, postgres_program};
pub use process::{Process, Signal};
pub use proxy::{Cut, Direction, FaultProxy, LineFaults, Seen};
pub use redis::PrivateRedis;
pub use told::until_told;
