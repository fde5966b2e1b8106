//! Connections and their sealed credentials.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{Connection, ConnectionId, ConnectionState, Environment, RefusalCause};

use crate::LedgerError;

/// A connection to be added. Its id is chosen before, because the seal of its credential is bound to it.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Identity.
    pub id: ConnectionId,
    /// The name people use.
    pub name: String,
    /// The connector's name in the registry.
    pub connector: String,
    /// The upstream's id of the company.
    pub account: String,
    /// Which of the upstream's worlds it lives in.
    pub environment: Environment,
    /// The zone in which its days begin.
    pub time_zone: chrono_tz::Tz,
    /// Requests per second, where it differs from the connector's default.
    pub requests_per_second: Option<f64>,
    /// Requests in flight, where it differs from the connector's default.
    pub slots: Option<u32>,
}

/// A connection's secrets, sealed: a token in clear never reaches the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// Rises by one with every replacement; the seal is bound to it.
    pub version: i64,
    /// The sealed text, as the vault wrote it (it names its key).
    pub sealed: String,
    /// When this version was stored, by the ledger's clock. Ignored when it is written.
    pub stored_at: Option<DateTime<Utc>>,
}

/// What may change of a connection that stays what it is; none leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionChange {
    /// The name people use.
    pub name: Option<String>,
    /// Which of the upstream's worlds it lives in.
    pub environment: Option<Environment>,
    /// The upstream's id of the company, where that has told it only later.
    pub account: Option<String>,
}

/// A connection that was removed. What is stored of its company is kept under its id, and waits for it.
#[derive(Debug, Clone)]
pub struct RemovedConnection {
    /// As it was.
    pub connection: Connection,
    /// The version of the credential that went with it; the next one goes on from there. 0 if it never had one.
    pub last_version: i64,
}

/// Whether a removed connection's records go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// The records stay, keyed by the connection's id.
    KeepRecords,
    /// The records are deleted.
    DeleteRecords,
}

/// Connections and credentials.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Adds a connection with the first version of its credential.
    ///
    /// # Errors
    /// [`LedgerError::NameTaken`] if a connection that is not removed has the name, [`LedgerError::CompanyTaken`] if one
    /// is of this company: of its connector, environment and account.
    async fn add_connection(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError>;

    /// Connects a removed company again, under its old id (`new.id`): its records, coverage and history are its own again.
    /// `credential.version` must follow the last one it had.
    ///
    /// # Errors
    /// As [`Connections::add_connection`]; [`LedgerError::NoSuchConnection`] if no removed connection has this id, company
    /// and last version.
    async fn reconnect(
        &self,
        new: &NewConnection,
        credential: &SealedCredential,
    ) -> Result<Connection, LedgerError>;

    /// Changes a connection that is not removed. Written to the audit.
    ///
    /// # Errors
    /// As [`Connections::add_connection`]; [`LedgerError::NoSuchConnection`] if it is not there.
    async fn change_connection(
        &self,
        id: ConnectionId,
        change: &ConnectionChange,
    ) -> Result<Connection, LedgerError>;

    /// Every removed connection, the last one that was added first.
    async fn removed_connections(&self) -> Result<Vec<RemovedConnection>, LedgerError>;

    /// Every connection that is not removed, by name.
    async fn connections(&self) -> Result<Vec<Connection>, LedgerError>;

    /// One connection, also a removed one.
    async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, LedgerError>;

    /// Sets whether its segments are claimed, and why not; what was wrong with it before is forgotten. A removed
    /// connection stays removed; setting `removed` removes it and keeps its records.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchConnection`] if it was never added.
    async fn set_connection_state(
        &self,
        id: ConnectionId,
        state: ConnectionState,
        reason: Option<&str>,
    ) -> Result<(), LedgerError>;

    /// Marks an active connection as `needs_reauthorisation`, with what a person has to put right, unless its credential
    /// was replaced after `since` (the ledger's time at which the refused attempt was claimed): what was refused then is
    /// not what is stored now. Answers whether it did.
    async fn park_connection(
        &self,
        id: ConnectionId,
        since: DateTime<Utc>,
        cause: RefusalCause,
        reason: &str,
    ) -> Result<bool, LedgerError>;

    /// Removes a connection: its credential and the story of that are deleted, its unfinished segments are cancelled, its dead letters and
    /// coverage are listed no more, its name is free. One that is removed already can be removed again, to delete its
    /// records. Answers how many records were deleted with it. Written to the audit.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchConnection`] if it was never added.
    async fn remove_connection(&self, id: ConnectionId, purge: Purge) -> Result<u64, LedgerError>;

    /// The current credential.
    async fn credential(&self, id: ConnectionId) -> Result<Option<SealedCredential>, LedgerError>;

    /// Replaces the credential by one that a person has brought, if its version is still `expected`; `new.version` must
    /// be `expected + 1`. Whoever intends to refresh the old one does so in vain. Answers whether it was replaced; if
    /// not, somebody else was first. Durable on return.
    ///
    /// # Errors
    /// [`LedgerError::FormerKey`] if it is sealed with a master key that a rotation has replaced.
    async fn replace_credential(
        &self,
        id: ConnectionId,
        expected: i64,
        new: &SealedCredential,
    ) -> Result<bool, LedgerError>;
}
