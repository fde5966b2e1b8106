//! The command line of connections.

use std::net::SocketAddr;

use chrono_tz::Tz;
use clap::{Args, Subcommand};

use super::adding::AddCommand;
use super::sync::{Every, every};
use super::values::{EnvironmentArg, time_zone};

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// Adds a company, or replaces the credential of one. Makes no network call.
    #[command(subcommand)]
    Add(AddCommand),
    /// Connects a company, or authorises it again, by consent on the upstream's page.
    Authorize(AuthorizeArgs),
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
    /// Stops asking a company; what is to be done for it waits.
    Pause {
        /// Its name.
        name: String,
    },
    /// Goes on with a company that was paused.
    Resume {
        /// Its name.
        name: String,
    },
    /// Changes a company's name, environment, or how often it is synced. Its records, coverage and history stay.
    Set(SetConnectionArgs),
    /// Removes a company: ends the consent at the upstream, deletes its credential and cancels its unfinished segments. Its
    /// records wait for it to be added again.
    Remove {
        /// Its name.
        name: String,
        /// Deletes its records too, also of a company that is removed already.
        #[arg(long)]
        purge_data: bool,
        /// Removes it also where its consent cannot be ended at the upstream.
        #[arg(long)]
        force: bool,
    },
    /// Deletes the records of all companies that are removed.
    Purge,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorizeArgs {
    /// The name you want to use for the company, or the one that it has.
    #[arg(long)]
    pub(crate) name: String,
    /// The world it lives in.
    #[arg(long, value_enum)]
    pub(crate) environment: Option<EnvironmentArg>,
    /// The zone in which its days begin, for --by created and updated.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = time_zone)]
    pub(crate) time_zone: Tz,
    /// A code of somebody who has consented elsewhere.
    #[arg(long, requires = "realm", conflicts_with = "redirected_to")]
    pub(crate) code: Option<String>,
    /// The realm id that came with the code.
    #[arg(long, value_name = "ID", requires = "code")]
    pub(crate) realm: Option<String>,
    /// The whole address that somebody was sent back to who has consented.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) redirected_to: Option<String>,
    /// The redirect address, instead of quickbooks.redirect_url.
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_url: Option<String>,
    /// Where to wait for the way back, if the redirect address does not say it: behind a tunnel or a proxy.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
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
    /// How often `serve` keeps it in sync: 5m, 1h, off, or default. At least a minute.
    #[arg(long, value_name = "INTERVAL", value_parser = every)]
    pub(crate) sync_every: Option<Every>,
}

#[derive(Debug, Args)]
pub(crate) struct SetConnectionArgs {
    /// Its name now.
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: String,
    #[command(flatten)]
    pub(crate) changes: Changes,
}
