//! Connectors: the registry, built.

use std::sync::Arc;

use crate::http::HttpClient;
use crate::{Connector, ConnectorEntry, Endpoints, REGISTRY};

/// One connector of each kind, ready to be asked.
#[derive(Debug)]
pub struct Connectors(Vec<(&'static str, Arc<dyn Connector>)>);

impl Connectors {
    /// Builds every connector of the registry. `endpoints` answers where each of them is and with which keys.
    ///
    /// Addresses are taken as they are: `config` has refused those that tokens must not be sent to.
    pub fn build(http: &HttpClient, endpoints: impl Fn(&'static ConnectorEntry) -> Endpoints) -> Self {
        let built = |entry: &'static ConnectorEntry| {
            let endpoints = endpoints(entry);
            let http = http.clone().keeping(&endpoints.client_secret);
            (entry.build)(endpoints, http)
        };
        Self(REGISTRY.iter().map(|entry| (entry.name, built(entry))).collect())
    }

    /// The connector of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, connector)| connector)
    }
}
