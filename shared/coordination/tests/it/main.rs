//! The bells, gates and locks of one process and of a fleet keep every promise of the conformance suite.

mod memory;
mod redis;
