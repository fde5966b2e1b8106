//! The command line of dead letters.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use ledgerfleet_model::FailureKind;

use super::dates::{first_day, last_day};
use super::ids::{IdArg, run_id, segment_id};
use super::values::{page_size, rate, reason};

#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// Lists dead letters, newest first, or their causes.
    List(ListArgs),
    /// Shows one dead letter with its history.
    Show {
        /// The segment's id, the beginning of it, or `last`.
        #[arg(value_parser = segment_id)]
        id: IdArg,
    },
    /// Sends dead letters again, oldest first. It stops by itself when one of them dies of the cause it had.
    Replay(ReplayArgs),
    /// Lists what was sent again and how it fares, newest first.
    Replays {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Hides dead letters. They stay dead, and their days incomplete.
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) which: Choice,
    /// By cause instead, most first.
    #[arg(long)]
    pub(crate) group: bool,
    /// Those that were hidden with `dlq drop` instead.
    #[arg(long)]
    pub(crate) dropped: bool,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Goes on after this one, the last of the page before.
    #[arg(long, value_name = "ID", value_parser = segment_id, conflicts_with = "group")]
    pub(crate) after: Option<IdArg>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) which: Choice,
    /// All of them.
    #[arg(long)]
    pub(crate) all: bool,
    /// Of those that were hidden with `dlq drop`.
    #[arg(long)]
    pub(crate) dropped: bool,
    /// Counts them and shows the first; sends none.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Sends only the oldest N, to see how they fare.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) canary: Option<u32>,
    /// Sends so many a minute, such as 60/min. No process has to wait for it.
    #[arg(long, value_name = "N/min", value_parser = rate)]
    pub(crate) rate: Option<u32>,
    /// Rows in one request from now on, 1 to 1000: where pages were too large or came too late.
    #[arg(long, value_name = "N", value_parser = page_size, allow_negative_numbers = true)]
    pub(crate) page_size: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct DropArgs {
    #[command(flatten)]
    pub(crate) which: Choice,
    /// All of them.
    #[arg(long)]
    pub(crate) all: bool,
    /// Counts them and shows the first; hides none.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which dead letters; all that are given must hold.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which dead letters")]
pub(crate) struct Choice {
    /// These segments.
    #[arg(long, value_delimiter = ',', value_parser = segment_id)]
    pub(crate) id: Vec<IdArg>,
    /// Of this run.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub(crate) run: Option<IdArg>,
    /// Of these companies.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// Of these entities.
    #[arg(long, value_delimiter = ',')]
    pub(crate) entity: Vec<String>,
    /// With this reason, such as bad_request.
    #[arg(long, value_parser = reason)]
    pub(crate) reason: Option<FailureKind>,
    /// Of this cause, as `dlq list --group` shows it.
    #[arg(long)]
    pub(crate) fingerprint: Option<String>,
    /// With days from this one on. Lists that are read whole have no days.
    #[arg(long, value_name = "DATE", value_parser = first_day, allow_hyphen_values = true)]
    pub(crate) from: Option<NaiveDate>,
    /// With days up to this one.
    #[arg(long, value_name = "DATE", value_parser = last_day, allow_hyphen_values = true)]
    pub(crate) to: Option<NaiveDate>,
}

impl Choice {
    /// Whether nothing was chosen, which would mean all.
    pub(crate) fn is_empty(&self) -> bool {
        let lists = self.id.is_empty() && self.connection.is_empty() && self.entity.is_empty();
        let causes = self.reason.is_none() && self.fingerprint.is_none() && self.run.is_none();
        lists && causes && self.from.is_none() && self.to.is_none()
    }
}
