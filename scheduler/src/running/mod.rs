//! Running: who runs the segments of a request, and how a run is followed to its end.

pub(crate) mod carry;
mod disk;
pub(crate) mod follow;
pub(crate) mod patience;
mod remaining;
pub(crate) mod report;
pub(crate) mod role;
pub(crate) mod runner;
pub(crate) mod watch;
