#![doc = include_str!("../README.md")]

mod connector;
mod entity;
pub mod http;
pub mod quickbooks;
mod registry;

pub use connector::{
    AccessGrant, AuthenticationError, Connector, CountRequest, Page, PageRequest, Target,
};
pub use entity::{EntityKind, EntitySpec};
pub use registry::{Build, ConnectorEntry, Endpoints, GateDefaults, REGISTRY, connector_entry, find_entity};
