//! The server: what stands between a socket and an upstream: connections, throttling, and answers as they leave.

mod bend;
mod delivery;
mod padding;
pub(crate) mod reply;
pub(crate) mod traffic;
mod window;
pub(crate) mod wire;

pub(crate) use bend::bend;
pub(crate) use delivery::Stream;
