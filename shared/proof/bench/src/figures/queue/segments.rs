//! Segments of the durable queue, which carriers and pgbench each have as many of.

/// Connections whose segments they are.
pub(super) const CONNECTIONS: usize = 200;

/// The first number of those that pgbench carries: they are numbered, so that statements can name them.
pub(super) const THEIRS: u128 = 2 << 32;
