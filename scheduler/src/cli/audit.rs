//! The command line of the audit.

use chrono::{DateTime, Utc};
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// From an instant on: 2026-03-05T04:07:00Z.
    #[arg(long, value_name = "TIME", value_parser = super::dates::since, allow_hyphen_values = true)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}
