//! Running: who runs the segments of a request, and how a run is followed to its end.

pub(crate) mod carry;
mod disk;
mod remaining;
pub(crate) mod runner;
pub(crate) mod watch;
