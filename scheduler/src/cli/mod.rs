//! The command line: every command, argument and flag.

mod dates;
mod dlq;
mod examples;
mod ids;
mod model;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};

use dates::{first_day, last_day};
pub(crate) use dlq::{Choice, DlqCommand, DropArgs, ListArgs, ReplayArgs};
pub(crate) use examples::command;
pub(crate) use ids::IdArg;
use ids::run_id;
pub(crate) use model::{DictionaryArgs, ModelCommand, NotesArgs, RefreshArgs};
pub(crate) use values::{AxisArg, EnvironmentArg, Format, SegmentArg, When};
use values::{page_size, time_zone, wait};

/// Copies accounting data out of rate-limited APIs into a database that you control.
///
/// Every day asked for ends as done or as dead with a reason, never silently missing.
#[derive(Debug, Parser)]
#[command(name = "scheduler", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// How data is printed on stdout.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub(crate) output: Format,
    /// Says nothing but errors on stderr.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Logs more: -v what is done, -vv how.
    #[arg(short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colour; NO_COLOR turns `auto` off.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: When,
    /// A configuration file instead of ledgerfleet.toml in the working directory.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Answers every question with yes.
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Never asks: what would need an answer is refused.
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the main job against an emulator in this process: no account, no server.
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Shows on one page where every company stands: last success, gaps, dead letters, calls of this month.
    Status,
    /// Shows what can be copied, and what `--entity all` means.
    Entities(EntitiesArgs),
    /// Brings the database's schema up to date.
    Migrate,
    /// Adds, lists, tests and removes companies.
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Copies a range of days of some entities of some companies.
    Backfill(BackfillArgs),
    /// Shows and steers runs.
    #[command(subcommand)]
    Run(RunCommand),
    /// Shows what is stored.
    Records(RecordsArgs),
    /// Shows which days are complete.
    Coverage(CoverageArgs),
    /// Shows dead letters, sends them again, hides them.
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Compares what is stored with the source, record by record.
    ///
    /// Green: the same. Yellow: what differs is accounted for: it changed at the source since it was read, was never read,
    /// or cannot be stored and is in quarantine. Red: something was lost or spoilt here, or is gone at the source.
    ///
    /// Exit codes: 0 all green or yellow (with --strict green alone); 1 something is red or was not compared, or --fix submitted a run and nothing was
    /// compared after it; 3 that run ended with dead segments; 4 a connection needs re-authorisation; 5 the company
    /// throttled for too long, or it, the database or Redis is away; 7 another process runs this file.
    Verify(VerifyArgs),
    /// Makes the tables in which people read the records, and says what they mean.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Runs until it is stopped: duties, health, metrics; on a SQLite file the worker too.
    Serve(ServeArgs),
    /// Checks configuration, database, key and connections.
    Doctor,
    /// Shows the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes master keys.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Days to copy, counted back from the last day of the emulator's books.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub(crate) days: u32,
    /// Goes on serving emulator, health and metrics until Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EntitiesArgs {
    /// Of this connector only.
    #[arg(long, value_name = "NAME")]
    pub(crate) connector: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// Adds a company, or replaces the credential of one. Makes no network call.
    #[command(subcommand)]
    Add(AddCommand),
    /// Lists the companies.
    List,
    /// Shows one company.
    Show {
        /// Its name.
        name: String,
    },
    /// Asks the upstream for access and for the company's name.
    Test {
        /// Its name.
        name: String,
        /// Waits where the gate is closed or the company throttles, for up to five minutes.
        #[arg(long)]
        wait: bool,
    },
    /// Changes a company's name or environment. Its records, coverage and history stay.
    Set(SetConnectionArgs),
    /// Removes a company: deletes its credential and cancels its unfinished segments. Its records wait for it to be
    /// added again.
    Remove {
        /// Its name.
        name: String,
        /// Deletes its records too, also of a company that is removed already.
        #[arg(long)]
        purge_data: bool,
    },
    /// Deletes the records of all companies that are removed.
    Purge,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Changes {
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The world it lives in.
    #[arg(long, value_enum)]
    pub(crate) environment: Option<EnvironmentArg>,
}

#[derive(Debug, Args)]
pub(crate) struct SetConnectionArgs {
    /// Its name now.
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: String,
    #[command(flatten)]
    pub(crate) changes: Changes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AddCommand {
    /// A QuickBooks Online company.
    Quickbooks(AddQuickbooksArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AddQuickbooksArgs {
    /// The name you want to use for it.
    #[arg(long)]
    pub(crate) name: String,
    /// The company's realm id.
    #[arg(long, value_name = "ID")]
    pub(crate) realm: String,
    /// A file that holds its refresh token.
    #[arg(long, value_name = "FILE")]
    pub(crate) refresh_token_file: PathBuf,
    /// The world it lives in.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) environment: EnvironmentArg,
    /// The zone in which its days begin, for --by created and updated.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = time_zone)]
    pub(crate) time_zone: Tz,
}

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
    #[arg(long, value_enum, default_value_t)]
    pub(crate) segment: SegmentArg,
    /// The date along which the range is cut; by created or updated, documents of mistyped years (0206, 9999) come, too.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) by: AxisArg,
    /// Rows in one request, 1 to 1000.
    #[arg(long, value_name = "N", value_parser = page_size, allow_negative_numbers = true)]
    pub(crate) page_size: Option<u32>,
    /// Shows what would be asked for, and asks for nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
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

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Shows every setting. Secrets are only said to be set.
    Show {
        /// Shows where each value comes from.
        #[arg(long)]
        origin: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Prints a new master key.
    Generate,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn days_may_be_told_by_their_distance_and_by_their_month_wherever_a_day_is_taken() {
        const CHOICE: &str = "--connection acme --entity invoice";
        for command in [
            format!("backfill {CHOICE}"),
            format!("verify {CHOICE}"),
            format!("records {CHOICE}"),
            "coverage".to_owned(),
            "dlq list".to_owned(),
            "dlq replay".to_owned(),
            "dlq drop".to_owned(),
        ] {
            for days in [
                "--from -30d --to today",
                "--from=-30d --to=yesterday",
                "--from 2026-05 --to 2026-05",
            ] {
                let line = format!("scheduler {command} {days}");
                let parsed = Cli::try_parse_from(line.split(' '));
                assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
            }
        }
    }
}
