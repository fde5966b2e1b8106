//! The command line of keys of the HTTP API.

use std::time::Duration;

use clap::{Args, Subcommand};
use ledgerfleet_ledger::Scope;

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Makes a key, and prints it once.
    Create(CreateKeyArgs),
    /// Lists the keys, without their secrets.
    List,
    /// Ends a key.
    Revoke {
        /// Its name, or the beginning of its id, as `api-key list` shows them.
        #[arg(value_name = "KEY")]
        key: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKeyArgs {
    /// What it is called, in the audit too.
    #[arg(long)]
    pub(crate) name: String,
    /// What it may be used for: read, run, replay, connect, admin.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub(crate) scope: Vec<Scope>,
    /// When it ends by itself: 90d, 12h.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) expires: Option<Duration>,
    /// The only companies that it sees.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) connection: Vec<String>,
}

/// A number of days or hours.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let told = || "a time is written 90d or 12h, and is at most 3650d".to_owned();
    let (number, hours) = match text.strip_suffix('d') {
        Some(days) => (days, 24),
        None => (text.strip_suffix('h').ok_or_else(told)?, 1),
    };
    let number: u64 = number.parse().map_err(|_| told())?;
    let hours = number
        .checked_mul(hours)
        .filter(|hours| (1..=3_650 * 24).contains(hours));
    hours.map(Duration::from_hours).ok_or_else(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_for_days_or_hours() {
        assert_eq!(span("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(span("12h"), Ok(Duration::from_hours(12)));
        for wrong in ["", "90", "0d", "-1d", "3651d", "18446744073709551615d", "soon"] {
            assert!(span(wrong).unwrap_err().contains("90d"), "{wrong}");
        }
    }
}
