//! Registry: the visible list of connectors.

use std::sync::Arc;

use secrecy::SecretString;

use crate::http::HttpClient;
use crate::{Connector, EntitySpec, quickbooks};

/// The connectors that exist. A new one is a folder and a line here.
pub const REGISTRY: &[ConnectorEntry] = &[quickbooks::ENTRY];

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
    /// Makes one.
    pub build: Build,
}

/// Limits of one connection towards its upstream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateDefaults {
    /// Requests granted per second, evenly spaced.
    pub requests_per_second: f64,
    /// Requests in flight.
    pub slots: u32,
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
