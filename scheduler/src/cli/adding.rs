//! The command line of `connection add`: a subcommand for each connector of the registry, with what its entry asks for.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, Error, FromArgMatches, Subcommand, value_parser};
use ledgerfleet_connectors::{Account, ConnectorEntry, CredentialField, REGISTRY, connector_entry};
use ledgerfleet_model::Environment;

use super::values::time_zone;

/// A company to be connected.
#[derive(Debug, Clone)]
pub(crate) struct AddCommand {
    pub(crate) entry: &'static ConnectorEntry,
    pub(crate) name: String,
    /// Its id, where its person gives it.
    pub(crate) account: Option<String>,
    pub(crate) environment: Option<Environment>,
    pub(crate) time_zone: Tz,
    /// The files that hold its credential.
    pub(crate) files: Vec<(&'static CredentialField, PathBuf)>,
    /// An address of its own.
    pub(crate) api_url: Option<String>,
}

impl Subcommand for AddCommand {
    fn augment_subcommands(command: Command) -> Command {
        let command = command.subcommand_required(true).arg_required_else_help(true);
        command.subcommands(REGISTRY.iter().map(command_of))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        connector_entry(name).is_some()
    }
}

fn command_of(entry: &'static ConnectorEntry) -> Command {
    let mut command = Command::new(entry.name)
        .about(format!("A company of {}", entry.title))
        .arg(
            Arg::new("name")
                .long("name")
                .required(true)
                .help("The name you want to use for it"),
        );
    if let Account::Asked { flag, what, .. } = entry.account {
        command = command.arg(
            Arg::new("account")
                .long(flag)
                .value_name("ID")
                .required(true)
                .help(format!("The company's {what}")),
        );
    }
    for field in entry.credential {
        let use_of_it = if field.is_kept {
            ""
        } else {
            "; checked and not kept, because nothing that is read needs it"
        };
        command = command.arg(
            Arg::new(field.flag)
                .long(field.flag)
                .value_name("FILE")
                .required(field.is_kept)
                .value_parser(value_parser!(PathBuf))
                .help(format!("A file that holds its {}{use_of_it}", field.what)),
        );
    }
    if let Some(usual) = entry.environments.first() {
        let names = entry.environments.iter().map(|environment| environment.as_str());
        command = command.arg(
            Arg::new("environment")
                .long("environment")
                .value_parser(PossibleValuesParser::new(names))
                .default_value(usual.as_str())
                .help("The world it lives in"),
        );
    }
    if !entry.domains.is_empty() {
        command = command.arg(
            Arg::new("api-url")
                .long("api-url")
                .value_name("URL")
                .help("Where it is asked, if that is not the usual address"),
        );
    }
    command.arg(
        Arg::new("time-zone")
            .long("time-zone")
            .value_name("ZONE")
            .default_value(entry.time_zone.name())
            .value_parser(time_zone)
            .help("The zone in which its days begin, for --by created and updated"),
    )
}

impl FromArgMatches for AddCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let missing = || Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let entry = connector_entry(name).ok_or_else(missing)?;
        let text = |id: &str| matches.try_get_one::<String>(id).ok().flatten().cloned();
        let file = |field: &'static CredentialField| {
            let path = matches.get_one::<PathBuf>(field.flag)?;
            Some((field, path.clone()))
        };
        let environment = text("environment").and_then(|name| name.parse().ok());
        Ok(Self {
            entry,
            name: text("name").unwrap_or_default(),
            account: text("account"),
            environment,
            time_zone: matches.get_one("time-zone").copied().unwrap_or(entry.time_zone),
            files: entry.credential.iter().filter_map(file).collect(),
            api_url: text("api-url"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
