//! The command line of what is stored, and of what is not.

use std::time::Duration;

use chrono::NaiveDate;
use clap::Args;

use super::dates::{first_day, last_day};
use super::values::{page_size, wait};

#[derive(Debug, Args)]
pub(crate) struct RecordsArgs {
    /// The company.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// The entity.
    #[arg(long)]
    pub(crate) entity: String,
    /// Documents dated on or after this day.
    #[arg(long, value_name = "DATE", value_parser = first_day, allow_hyphen_values = true)]
    pub(crate) from: Option<NaiveDate>,
    /// Documents dated on or before this day.
    #[arg(long, value_name = "DATE", value_parser = last_day, allow_hyphen_values = true)]
    pub(crate) to: Option<NaiveDate>,
    /// The record with this id.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Those that cannot be stored as they are, and why; with --id the text that is kept.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) quarantined: bool,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct CoverageArgs {
    /// Of these companies.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// Of these entities.
    #[arg(long, value_delimiter = ',')]
    pub(crate) entity: Vec<String>,
    /// From this day on.
    #[arg(long, value_name = "DATE", value_parser = first_day, allow_hyphen_values = true)]
    pub(crate) from: Option<NaiveDate>,
    /// Up to this day.
    #[arg(long, value_name = "DATE", value_parser = last_day, allow_hyphen_values = true)]
    pub(crate) to: Option<NaiveDate>,
    /// Shows what is not complete instead, and why.
    #[arg(long)]
    pub(crate) gaps: bool,
    /// Ends with 1 if there are gaps, or nothing was ever asked for; without it the code is 0 either way.
    #[arg(long, requires = "gaps")]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Companies by name, or `all`.
    #[arg(long, required = true, value_delimiter = ',', value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// Entities such as `invoice,journal_entry`, or `all`.
    #[arg(long, required = true, value_delimiter = ',', value_name = "ENTITY")]
    pub(crate) entity: Vec<String>,
    /// First day: YYYY-MM-DD, YYYY-MM, today, yesterday or -30d.
    #[arg(long, value_name = "DATE", value_parser = first_day, allow_hyphen_values = true)]
    pub(crate) from: NaiveDate,
    /// Last day, included; of YYYY-MM the month's last.
    #[arg(long, value_name = "DATE", value_parser = last_day, allow_hyphen_values = true)]
    pub(crate) to: NaiveDate,
    /// Rows in one request, 1 to 1000; less where such pages are too large.
    #[arg(long, value_name = "N", value_parser = page_size, allow_negative_numbers = true)]
    pub(crate) page_size: Option<u32>,
    /// Submits a run that reads again whatever differs. On a SQLite file carries it, and compares again.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Waits for that run, compares again and ends by what that finds.
    #[arg(long, requires = "fix")]
    pub(crate) wait: bool,
    /// How long to wait for one answer while the company throttles, or it, Redis or the gate is away: 30s, 5m, 1h.
    #[arg(long, value_name = "TIME", value_parser = wait, default_value = "5m")]
    pub(crate) max_wait: Duration,
    /// Ends with 1 on yellow, too.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Records of each side that are held in memory at once; a list or day of more is read several times.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(10..))]
    pub(crate) at_once: u64,
}
