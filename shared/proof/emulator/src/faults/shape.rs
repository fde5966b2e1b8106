//! A fault's shape: who seems to have written it. The service, the gateway and the throttle spell faults differently.

use serde::{Deserialize, Serialize};

/// The spelling of a fault's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultShape {
    /// JSON with `Fault`, `Error` and `Message`.
    Service,
    /// JSON with `fault`, `error` and `message` among members that are null.
    #[default]
    Gateway,
    /// XML, whatever was asked for.
    Xml,
    /// No fault at all but a gateway's page.
    Html,
    /// JSON of the service with two errors in one fault.
    Double,
}
