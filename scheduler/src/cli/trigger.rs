//! The command line of triggers.

use chrono_tz::Tz;
use clap::{Args, Subcommand};
use ledgerfleet_model::TriggerId;

#[derive(Debug, Subcommand)]
pub(crate) enum TriggerCommand {
    /// Has a backfill or a sync submitted at an instant, once or again and again.
    Add(AddTriggerArgs),
    /// Shows the triggers: the next first, and then those that are over.
    List,
    /// Ends a trigger.
    Cancel {
        /// Its id, as `trigger list` shows it.
        #[arg(value_parser = trigger_id)]
        id: TriggerId,
    },
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("when").required(true).args(["at", "cron"]))]
pub(crate) struct AddTriggerArgs {
    /// Once, at this instant: 2026-03-05T04:07:00Z, or 2026-03-04T23:07 by the clock of --zone (UTC where none is named).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Again and again: minute, hour, day of the month, month, day of the week, such as '30 2 * * *'.
    #[arg(long, value_name = "'M H D M W'", requires = "zone")]
    pub(crate) cron: Option<String>,
    /// Whose clock it is by: America/Guayaquil.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub(crate) zone: Option<Tz>,
    /// What is submitted: `backfill …` or `sync …`. Days such as -30d are counted when it is.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

fn trigger_id(text: &str) -> Result<TriggerId, String> {
    text.parse()
        .map_err(|_| "a trigger is named by its whole id, as `scheduler trigger list` shows it".to_owned())
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        "a zone is one of the IANA's, such as America/Guayaquil, Europe/Madrid or UTC".to_owned()
    })
}
