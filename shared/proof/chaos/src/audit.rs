//! Audit: triggers of the harness's own that see every write as it happens.

/// Notes every move of a segment and every written record, and what must never happen.
pub(crate) const INSTALL: &str = include_str!("audit.sql");

/// What was noted that must never happen, a line each.
pub(crate) const VIOLATIONS: &str =
    "SELECT what || ' (' || count(*) || ' times)' FROM chaos.violations GROUP BY what";
