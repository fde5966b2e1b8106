#![doc = include_str!("../README.md")]

mod charges;
mod condition;
mod connector;
mod connectors;
mod entity;
pub mod http;
mod limits;
pub mod quickbooks;
mod registry;
pub mod scrub;

pub use charges::Charges;
pub use condition::{Condition, Test, Value};
pub use connector::{
    AccessGrant, AuthenticationError, Connector, CountRequest, Dialect, Ending, FindRequest, NoGrant, Page,
    PageRequest, RecordRequest, Target,
};
pub use connectors::Connectors;
pub use entity::{EntityKind, EntitySpec, ReadBy, RowShape};
pub use registry::{
    Build, ConnectorEntry, Endpoints, GateDefaults, REGISTRY, Synopsis, connector_entry, find_entity,
};
