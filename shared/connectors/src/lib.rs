#![doc = include_str!("../README.md")]

mod capabilities;
mod charges;
mod condition;
mod connector;
mod connectors;
pub mod contifico;
mod entity;
pub mod http;
mod json;
mod limits;
mod oauth;
pub mod quickbooks;
mod registry;
pub mod scrub;
mod text;
mod waiting;

pub use capabilities::{Changed, ChangedEntity, Changes, ChangesRequest, Counting, FirstDays, LookUp};
pub use charges::Charges;
pub use condition::{Condition, Test, Value};
pub use connector::{
    Connector, CountRequest, Dialect, Ending, FindRequest, Identity, Page, PageRequest, RecordRequest,
    RecordsRequest, Target,
};
pub use connectors::Connectors;
pub use entity::{CHANGES, EntityKind, EntitySpec, SourceSpec, Trust};
pub use oauth::{AccessGrant, AuthenticationError, NoGrant, OAuth, Revocation};
pub use registry::{
    Account, Build, ConnectorEntry, CredentialField, Endpoints, GateDefaults, REGISTRY, Synopsis,
    connector_entry, find_entity,
};
