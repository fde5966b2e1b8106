//! Rows of connections.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment, RefusalCause};
use sqlx::types::Uuid;

use super::codec::{Count, Word};
use crate::RemovedConnection;

/// One connection.
pub(super) struct ConnectionRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) connector: String,
    pub(super) account: String,
    pub(super) environment: Word<Environment>,
    pub(super) time_zone: Word<Tz>,
    pub(super) state: Word<ConnectionState>,
    pub(super) state_reason: Option<String>,
    pub(super) state_cause: Option<Word<RefusalCause>>,
    pub(super) requests_per_second: Option<f64>,
    pub(super) slots: Option<Count<u32>>,
    pub(super) created_at: DateTime<Utc>,
}

impl From<ConnectionRow> for Connection {
    fn from(row: ConnectionRow) -> Self {
        Self {
            id: ConnectionId(row.id),
            name: row.name,
            connector: row.connector,
            account: row.account,
            environment: row.environment.0,
            time_zone: row.time_zone.0,
            state: row.state.0,
            state_reason: row.state_reason,
            state_cause: row.state_cause.map(|cause| cause.0),
            requests_per_second: row.requests_per_second,
            slots: row.slots.map(|slots| slots.0),
            created_at: row.created_at,
        }
    }
}

/// One that was removed.
pub(super) struct RemovedRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) connector: String,
    pub(super) account: String,
    pub(super) environment: Word<Environment>,
    pub(super) time_zone: Word<Tz>,
    pub(super) state: Word<ConnectionState>,
    pub(super) state_reason: Option<String>,
    pub(super) state_cause: Option<Word<RefusalCause>>,
    pub(super) requests_per_second: Option<f64>,
    pub(super) slots: Option<Count<u32>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) retired_version: i64,
}

impl From<RemovedRow> for RemovedConnection {
    fn from(row: RemovedRow) -> Self {
        let connection = ConnectionRow {
            id: row.id,
            name: row.name,
            connector: row.connector,
            account: row.account,
            environment: row.environment,
            time_zone: row.time_zone,
            state: row.state,
            state_reason: row.state_reason,
            state_cause: row.state_cause,
            requests_per_second: row.requests_per_second,
            slots: row.slots,
            created_at: row.created_at,
        };
        Self {
            connection: connection.into(),
            last_version: row.retired_version,
        }
    }
}
