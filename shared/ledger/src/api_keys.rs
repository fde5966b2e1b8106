//! API keys: who may use the HTTP API, for what, and of which companies.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ApiKeyId, ConnectionId, words};
use serde::Serialize;

use crate::LedgerError;

/// What a key may be used for. None of them includes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To see what there is.
    Read,
    /// To submit and steer runs.
    Run,
    /// To replay and drop dead letters.
    Replay,
    /// To connect, pause and remove companies.
    Connect,
    /// To make and revoke keys, and to read the audit.
    Admin,
}
words!(Scope {
    Read => "read",
    Run => "run",
    Replay => "replay",
    Connect => "connect",
    Admin => "admin",
});

/// A key, without anything that could be used in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Identity; part of the key's text.
    pub id: ApiKeyId,
    /// The name people use.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The companies that it sees; none where it sees every one.
    pub connections: Option<Vec<ConnectionId>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// The name people use.
    pub name: String,
    /// The hash of its secret.
    pub hash: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The companies that it sees; none where it sees every one.
    pub connections: Option<Vec<ConnectionId>>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key as it is looked up by whoever has to judge one.
#[derive(Debug, Clone)]
pub struct KnownApiKey {
    /// The key.
    pub key: ApiKey,
    /// The hash of its secret.
    pub hash: String,
    /// Whether its time is over, by the ledger's clock.
    pub is_over: bool,
}

/// API keys.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Keeps a key. Written to the audit.
    ///
    /// # Errors
    /// [`LedgerError::NameTaken`] if a key that is not revoked has the name.
    async fn add_api_key(&self, key: &NewApiKey, who: &str) -> Result<ApiKey, LedgerError>;

    /// Every key, revoked ones too, the newest first.
    async fn api_keys(&self) -> Result<Vec<ApiKey>, LedgerError>;

    /// The key of that id.
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<KnownApiKey>, LedgerError>;

    /// Ends a key. Answers whether there was one to end. Written to the audit.
    async fn revoke_api_key(&self, id: ApiKeyId, who: &str) -> Result<bool, LedgerError>;

    /// Notes that a key is in use. Writes at most once an hour and key.
    async fn note_api_key_use(&self, id: ApiKeyId) -> Result<(), LedgerError>;
}
