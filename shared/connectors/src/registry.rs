//! Registry: the visible list of connectors.

use std::sync::Arc;

use chrono_tz::Tz;
use ledgerfleet_model::Environment;
use secrecy::SecretString;
use serde_json::value::RawValue;

use crate::http::HttpClient;
use crate::{Connector, EntitySpec, contifico, quickbooks};

/// The connectors that exist. A new one is a folder and a line here.
pub const REGISTRY: &[ConnectorEntry] = &[quickbooks::ENTRY, contifico::ENTRY];

/// What is known of a connector before it is built.
#[derive(Debug)]
pub struct ConnectorEntry {
    /// Its name: `quickbooks`.
    pub name: &'static str,
    /// What people call it: `QuickBooks Online`.
    pub title: &'static str,
    /// Its entities.
    pub entities: &'static [EntitySpec],
    /// The limits its gate keeps.
    pub gate: GateDefaults,
    /// The most rows a page may ask for.
    pub page_size_max: u32,
    /// Metered calls that the upstream's free plan grants in a month, where it counts them.
    pub free_calls_a_month: Option<u32>,
    /// Whether days are cut into windows as they are filled: it serves the first days of a window, and counts.
    pub cuts_days: bool,
    /// The worlds that a company may live in; none where there is only one.
    pub environments: &'static [Environment],
    /// How a company is told from others when it is connected.
    pub account: Account,
    /// What a person brings to connect a company.
    pub credential: &'static [CredentialField],
    /// The zone in which a company's days begin unless its person says otherwise.
    pub time_zone: Tz,
    /// The domains whose hosts may be given as a connection's own address; none where it has no address of its own.
    pub domains: &'static [&'static str],
    /// The upstream's own addresses in that environment: of the API and of everything OAuth.
    pub addresses: fn(Environment) -> [&'static str; 2],
    /// Makes one.
    pub build: Build,
    /// Tells a record of it as people know it.
    pub synopsis: fn(&RawValue) -> Synopsis,
}

/// How a company is told from others when it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// By an id that its person gives.
    Asked {
        /// The flag: `realm`.
        flag: &'static str,
        /// What it is, for people: `realm id`.
        what: &'static str,
        /// The most digits that it has; it has nothing else.
        digits: usize,
    },
    /// By its key, until the upstream has told its id ([`crate::Identity::account`]).
    OfKey {
        /// What the id is then, for people: `RUC`.
        what: &'static str,
    },
}

/// One of the texts that a person brings to connect a company, in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialField {
    /// The flag that names the file: `refresh-token-file`.
    pub flag: &'static str,
    /// What it holds, for people: `refresh token`.
    pub what: &'static str,
    /// Whether it is what requests are made with; others are read, checked and not kept.
    pub is_kept: bool,
}

impl ConnectorEntry {
    /// What the upstream calls a company's id.
    pub fn account_word(&self) -> &'static str {
        match self.account {
            Account::Asked { flag, .. } => flag,
            Account::OfKey { what } => what,
        }
    }

    /// The command that connects a company, or gives it another credential, as far as this knows the words.
    pub fn connect_command(&self, name: &str, account: &str) -> String {
        let account = match self.account {
            Account::Asked { flag, .. } => format!(" --{flag} {account}"),
            Account::OfKey { .. } => String::new(),
        };
        let kept = self.credential.iter().filter(|field| field.is_kept);
        let files: Vec<String> = kept.map(|field| format!("--{} FILE", field.flag)).collect();
        let files = files.join(" ");
        format!(
            "scheduler connection add {} --name {name}{account} {files}",
            self.name
        )
    }
}

/// Limits of one connection towards its upstream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateDefaults {
    /// Requests granted per second, evenly spaced.
    pub requests_per_second: f64,
    /// Requests in flight.
    pub slots: u32,
}

/// What identifies a record to a person. Empty where the record has nothing of the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synopsis {
    /// Its number: of a document, an account, an item.
    pub number: Option<String>,
    /// Whom it concerns, or what it is called.
    pub party: Option<String>,
    /// Its amount, in decimal digits as the source writes them.
    pub total: Option<String>,
    /// What is left of that, likewise.
    pub balance: Option<String>,
}

/// Makes a connector from its endpoints.
pub type Build = fn(Endpoints, HttpClient) -> Arc<dyn Connector>;

/// Where an upstream is and with which keys of the app it is asked.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Base of the API, where it is not the upstream's own (which depends on the environment).
    pub api_url: Option<String>,
    /// Base of everything OAuth (token, revoke, authorize), where it is not the upstream's own.
    pub oauth_url: Option<String>,
    /// The app's client id.
    pub client_id: Option<String>,
    /// The app's client secret.
    pub client_secret: Option<SecretString>,
}

/// The connector of that name.
pub fn connector_entry(name: &str) -> Option<&'static ConnectorEntry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// The entity that people mean by `name`: any case, `-` or `_`, or the upstream's own spelling.
pub fn find_entity(connector: &'static ConnectorEntry, name: &str) -> Option<&'static EntitySpec> {
    let plain = |text: &str| text.replace(['-', '_', ' '], "").to_ascii_lowercase();
    let wanted = plain(name);
    connector
        .entities
        .iter()
        .find(|entity| plain(entity.name) == wanted || plain(entity.upstream) == wanted)
}
