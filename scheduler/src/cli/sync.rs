//! The command line of syncs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::dates::since;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SyncArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SyncCommand>,
    /// Companies by name, or `all`.
    #[arg(long, value_delimiter = ',', value_name = "NAME", default_value = "all")]
    pub(crate) connection: Vec<String>,
    /// Entities such as `invoice,customer`; all that are kept in sync where none is named.
    #[arg(long, value_delimiter = ',', value_name = "ENTITY")]
    pub(crate) entity: Vec<String>,
    /// Reads everything, whatever is in sync.
    #[arg(long, conflicts_with = "since")]
    pub(crate) full: bool,
    /// Reads what has changed since an instant, whatever is in sync: 2026-03-05T04:07:00Z, 7d or 12h ago, or 2026-03-05 (from
    /// midnight in UTC).
    #[arg(long, value_name = "TIME", value_parser = since, allow_hyphen_values = true)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Waits until it is over or nothing can progress.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SyncCommand {
    /// Shows how far each entity of each company is in sync.
    Status {
        /// Companies by name, or `all`.
        #[arg(long, value_delimiter = ',', value_name = "NAME", default_value = "all")]
        connection: Vec<String>,
    },
}

/// The shortest interval of a company: what has changed is charged by the call.
const SHORTEST: Duration = Duration::from_mins(1);

/// How often a company is synced: `5m`, `1h`, `off`, or `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Every {
    /// As configured.
    Default,
    /// Never.
    Off,
    /// So often.
    Interval(Duration),
}

impl Every {
    /// As the ledger has it.
    pub(crate) fn stored(self) -> Option<Duration> {
        match self {
            Self::Default => None,
            Self::Off => Some(Duration::ZERO),
            Self::Interval(every) => Some(every),
        }
    }
}

/// How often a company is synced.
pub(crate) fn every(text: &str) -> Result<Every, String> {
    let wrong =
        || "it takes an interval such as 5m or 1h, at least 1m and at most 30d; off; or default".to_owned();
    match text {
        "off" => return Ok(Every::Off),
        "default" => return Ok(Every::Default),
        _ => {}
    }
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let every = Duration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?);
    if every < SHORTEST || every > Duration::from_hours(30 * 24) {
        return Err(wrong());
    }
    Ok(Every::Interval(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_minute_or_more() {
        assert_eq!(every("off"), Ok(Every::Off));
        assert_eq!(every("default"), Ok(Every::Default));
        assert_eq!(every("5m"), Ok(Every::Interval(Duration::from_mins(5))));
        assert_eq!(every("60s"), Ok(Every::Interval(Duration::from_mins(1))));
        for wrong in [
            "59s",
            "0m",
            "5",
            "m",
            "",
            "-5m",
            "5x",
            "31d",
            "99999999999999999999d",
            "5é",
        ] {
            assert!(every(wrong).unwrap_err().contains("at least 1m"), "{wrong}");
        }
    }
}
