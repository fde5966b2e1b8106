//! Company: a connection with all that this program knows of it, found out once.

use std::sync::Arc;

use ledgerfleet_connectors::{Connector, ConnectorEntry, EntitySpec, find_entity};
use ledgerfleet_coordination::GateLimits;
use ledgerfleet_model::{Connection, Failure, FailureKind};

/// A company that can be asked.
#[derive(Debug, Clone)]
pub struct Company {
    /// Which one.
    pub connection: Arc<Connection>,
    /// What is known of its connector.
    pub entry: &'static ConnectorEntry,
    /// Its connector.
    pub connector: Arc<dyn Connector>,
    /// The limits of its gate.
    pub limits: GateLimits,
}

/// This program knows less than the one that wrote what it reads.
#[derive(Debug, thiserror::Error)]
#[error("this program knows no {0}")]
pub struct Unknown(pub String);

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        Self::new(FailureKind::BadRequest, unknown.to_string())
    }
}

impl Company {
    /// Its entity of that name.
    pub fn entity(&self, name: &str) -> Result<&'static EntitySpec, Unknown> {
        find_entity(self.entry, name)
            .ok_or_else(|| Unknown(format!("entity `{name}` of {}", self.entry.name)))
    }
}
