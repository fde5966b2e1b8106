//! The command line: every command, argument and flag.

mod adding;
mod api_key;
mod audit;
mod connection;
mod dates;
mod dlq;
mod examples;
mod ids;
mod model;
mod records;
mod run;
mod sync;
mod trigger;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use adding::AddCommand;
pub(crate) use api_key::{ApiKeyCommand, CreateKeyArgs, span as key_span};
pub(crate) use audit::AuditArgs;
pub(crate) use connection::{AuthorizeArgs, ConnectionCommand, SetConnectionArgs};
pub(crate) use dlq::{Choice, DlqCommand, DropArgs, ListArgs, ReplayArgs};
pub(crate) use examples::command;
pub(crate) use ids::IdArg;
pub(crate) use model::{DictionaryArgs, ModelCommand, NotesArgs, RefreshArgs};
pub(crate) use records::{CoverageArgs, RecordsArgs, VerifyArgs};
pub(crate) use run::{BackfillArgs, RunCommand};
pub(crate) use sync::{Every, SyncArgs, SyncCommand, every};
pub(crate) use trigger::{AddTriggerArgs, TriggerCommand};
pub(crate) use values::{EnvironmentArg, Format, When};

/// Copies accounting data out of rate-limited APIs into a database that you control.
///
/// Every day asked for ends as done or as dead with a reason, never silently missing.
#[derive(Debug, Parser)]
#[command(name = "scheduler", version = ledgerfleet_telemetry::release::version(), max_term_width = 110)]
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
    /// Brings companies in sync with their source, now: everything the first time, what has changed afterwards. From then
    /// on, `serve` keeps them so.
    Sync(SyncArgs),
    /// Has a backfill or a sync submitted later, once or again and again.
    #[command(subcommand)]
    Trigger(TriggerCommand),
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
    /// Shows the metered calls of a month: what was used, what is left, and when it runs out.
    Quota(QuotaArgs),
    /// Makes the tables in which people read the records, and says what they mean.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Makes, lists and revokes keys of the HTTP API.
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Copies the ledger's file, also while it is used, and checks the copy.
    ///
    /// The copy is whole and as of one instant, appears under its name when it was read to its end, and replaces no file. A
    /// plain copy of a file in use lacks what is still in the log beside it. To use it: stop what runs, delete `FILE-wal` and
    /// `FILE-shm` of the ledger, and put the copy in the ledger's place. A fleet's ledger is backed up with pg_dump.
    Backup(BackupArgs),
    /// Shows who has done what, the newest first.
    Audit(AuditArgs),
    /// Runs until it is stopped: duties, health, metrics, HTTP API; on a SQLite file the worker too.
    Serve(ServeArgs),
    /// Checks configuration, database, key and connections.
    Doctor,
    /// Shows the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes master keys, and replaces one by another.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Prints what makes a shell complete commands, flags and values.
    Completions(CompletionsArgs),
    /// Writes the manual's pages, one for each command.
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct QuotaArgs {
    /// Companies by name, or all.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// Another month than this one, YYYY-MM.
    #[arg(long, value_name = "MONTH", value_parser = dates::month_begins)]
    pub(crate) month: Option<chrono::NaiveDate>,
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

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where the copy goes: a new name in a folder that is there.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder they go to; made if there is none.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// A certificate and what signs it, as PEM: HTTP is spoken through TLS. Read at the start.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's key, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Beyond loopback: starts although there is no key of the HTTP API, which answers nobody until there is one.
    #[arg(long)]
    pub(crate) closed_without_keys: bool,
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
    /// Seals anew, with another master key, what is sealed. May be broken off and begun again at any time.
    Rotate,
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
