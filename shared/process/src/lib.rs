#![doc = include_str!("../README.md")]

mod banner;
mod clients;
mod disks;
mod gauges;
mod http;
mod memory;
mod panics;
mod patience;
mod readiness;
mod serving;
mod signals;
mod supervised;
mod tls;

pub use banner::banner;
pub use disks::{Room, open_files, raise_open_files, room};
pub use http::{Listening, health_routes, record_metrics};
pub use panics::log_panics;
pub use readiness::Readiness;
pub use serving::Peer;
pub use signals::{Signal, Stop};
pub use supervised::tell_ready;
pub use tls::TlsError;
