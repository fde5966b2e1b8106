//! Connection: one company behind one upstream API. Every row of data and every segment belongs to one.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{ConnectionId, words};

/// A company that Ledgerfleet copies from. It holds no secret: those are sealed beside it in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Identity; part of every key.
    pub id: ConnectionId,
    /// The name people use, unique among the connections that are not removed.
    pub name: String,
    /// The connector's name in the registry: `quickbooks`.
    pub connector: String,
    /// The upstream's id of the company (QuickBooks: the realm).
    pub account: String,
    /// Which of the upstream's worlds the company lives in.
    pub environment: Environment,
    /// The zone in which a day of an instant axis begins.
    pub time_zone: Tz,
    /// Whether its segments may be claimed.
    pub state: ConnectionState,
    /// Why the state is not `active`, for people.
    pub state_reason: Option<String>,
    /// What is wrong with it, for programs; known where it needs to be authorised again.
    pub state_cause: Option<RefusalCause>,
    /// Requests per second the gate grants, where it differs from the connector's default.
    pub requests_per_second: Option<f64>,
    /// Requests in flight the gate grants, where it differs from the connector's default.
    pub slots: Option<u32>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// Which of the upstream's worlds a company lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// The upstream's test world.
    Sandbox,
    /// Real companies.
    Production,
}
words!(Environment { Sandbox => "sandbox", Production => "production" });

/// Whether a connection's segments may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Segments are claimed.
    Active,
    /// A person stopped it; segments wait.
    Paused,
    /// The upstream refuses its credentials for good; segments wait for a person.
    NeedsReauthorisation,
    /// Taken out; its name is free again and its data, if kept, stays keyed by its id.
    Removed,
}
words!(ConnectionState {
    Active => "active",
    Paused => "paused",
    NeedsReauthorisation => "needs_reauthorisation",
    Removed => "removed",
});

/// What a person has to put right before a connection that was refused can be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCause {
    /// The app's own keys are wrong or missing.
    AppKeys,
    /// The company is not where it is looked for: another account or another environment.
    Place,
    /// The stored credential is sealed with another master key.
    MasterKey,
    /// The credential itself: it was refused, or it is not there.
    Credential,
    /// Nobody has written it down.
    Unknown,
}
words!(RefusalCause {
    AppKeys => "app_keys",
    Place => "place",
    MasterKey => "master_key",
    Credential => "credential",
    Unknown => "unknown",
});
