//! The command line of runs: asking for one, and steering it.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::dates::{first_day, last_day};
use super::ids::{IdArg, run_id};
use super::values::{AxisArg, SegmentArg, page_size};

#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
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
    /// How long one segment is.
    #[arg(long, value_enum)]
    pub(crate) segment: Option<SegmentArg>,
    /// The date along which the range is cut; by created or updated, documents of mistyped years (0206, 9999) come, too.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) by: AxisArg,
    /// Rows in one request, 1 to 1000.
    #[arg(long, value_name = "N", value_parser = page_size, allow_negative_numbers = true)]
    pub(crate) page_size: Option<u32>,
    /// Shows what would be asked for and what that costs, and asks for nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// With --dry-run: asks every source how many rows it has, a metered call for each entity.
    #[arg(long, requires = "dry_run")]
    pub(crate) ask: bool,
    /// Waits until it is over or nothing can progress.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// Lists the newest runs.
    List {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Shows one run.
    Show {
        /// Its id, the beginning of it, or `last`.
        #[arg(value_parser = run_id)]
        id: IdArg,
    },
    /// Shows a run's progress until it is over or nothing can progress.
    Watch {
        /// Its id, the beginning of it, or `last`.
        #[arg(value_parser = run_id)]
        id: IdArg,
    },
    /// Claims nothing more of a run.
    Pause {
        /// Its id, the beginning of it, or `last`.
        #[arg(value_parser = run_id)]
        id: IdArg,
    },
    /// Claims of a paused run again.
    Resume {
        /// Its id, the beginning of it, or `last`.
        #[arg(value_parser = run_id)]
        id: IdArg,
    },
    /// Ends every segment of a run that has not ended.
    Cancel {
        /// Its id, the beginning of it, or `last`.
        #[arg(value_parser = run_id)]
        id: IdArg,
    },
}
