//! Connectors: a registry, built.

use std::sync::Arc;

use crate::http::HttpClient;
use crate::{Connector, ConnectorEntry, Endpoints, REGISTRY};

/// One connector of each kind, ready to be asked.
#[derive(Debug)]
pub struct Connectors(Vec<(&'static ConnectorEntry, Arc<dyn Connector>)>);

impl Connectors {
    /// Builds every connector of the registry. `endpoints` answers where each of them is and with which keys.
    ///
    /// Addresses are taken as they are: `config` has refused those that tokens must not be sent to.
    pub fn build(http: &HttpClient, endpoints: impl Fn(&'static ConnectorEntry) -> Endpoints) -> Self {
        Self::of(REGISTRY, http, endpoints)
    }

    /// The same of another registry.
    pub fn of(
        registry: &'static [ConnectorEntry],
        http: &HttpClient,
        endpoints: impl Fn(&'static ConnectorEntry) -> Endpoints,
    ) -> Self {
        let built = |entry: &'static ConnectorEntry| {
            let endpoints = endpoints(entry);
            let http = http.clone().keeping(&endpoints.client_secret);
            (entry, (entry.build)(endpoints, http))
        };
        Self(registry.iter().map(built).collect())
    }

    /// What is known of each.
    pub fn entries(&self) -> impl Iterator<Item = &'static ConnectorEntry> {
        self.0.iter().map(|(entry, _)| *entry)
    }

    /// The connector of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        let named = |(entry, _): &&(&ConnectorEntry, _)| entry.name == name;
        self.0.iter().find(named).map(|(_, connector)| connector)
    }
}
