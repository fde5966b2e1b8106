//! Credential: what is stored, sealed, for a connection.

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::SealedCredential;
use ledgerfleet_model::ConnectionId;
use ledgerfleet_vault::{Place, Vault};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::AccessError;

/// The secrets of a connection.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Credential {
    /// What is exchanged for access (QuickBooks: the refresh token).
    pub(crate) secret: SecretString,
    /// The access it was last exchanged for.
    pub(crate) access: Option<SecretString>,
    /// When that access ends.
    pub(crate) access_expires_at: Option<DateTime<Utc>>,
    /// When the secret itself ends if it is not used again, where the upstream has said so.
    pub(crate) secret_expires_at: Option<DateTime<Utc>>,
    /// When it ends however much it is used, where the upstream has said so.
    #[serde(default)]
    pub(crate) consent_ends_at: Option<DateTime<Utc>>,
}

/// A credential in the clear, for the one moment before it is sealed.
#[derive(Serialize)]
struct InTheClear<'a> {
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_expires_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_expires_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_ends_at: Option<DateTime<Utc>>,
}

impl Credential {
    /// A credential that was not exchanged yet.
    pub(crate) fn new(secret: &SecretString) -> Self {
        Self {
            secret: secret.clone(),
            access: None,
            access_expires_at: None,
            secret_expires_at: None,
            consent_ends_at: None,
        }
    }

    /// Seals it as that version of that connection's row.
    pub(crate) fn seal(&self, vault: &Vault, connection: ConnectionId, version: i64) -> SealedCredential {
        let clear = InTheClear {
            secret: self.secret.expose_secret(),
            access: self.access.as_ref().map(ExposeSecret::expose_secret),
            access_expires_at: self.access_expires_at,
            secret_expires_at: self.secret_expires_at,
            consent_ends_at: self.consent_ends_at,
        };
        // Members of text cannot fail to be written.
        let text = SecretString::from(serde_json::to_string(&clear).unwrap_or_default());
        let sealed = vault.seal(&place(connection, version), &text);
        SealedCredential {
            version,
            sealed,
            stored_at: None,
        }
    }

    /// Opens what [`Credential::seal`] sealed.
    pub(crate) fn open(
        vault: &Vault,
        connection: ConnectionId,
        stored: &SealedCredential,
    ) -> Result<Self, AccessError> {
        let text = vault
            .open(&place(connection, stored.version), &stored.sealed)
            .map_err(AccessError::Sealed)?;
        // The parser's error might quote what it read.
        serde_json::from_str(text.expose_secret()).map_err(|_| AccessError::Unreadable)
    }

    /// Whether both are the fruit of one exchange.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let access = |one: &Self| {
            one.access
                .as_ref()
                .map(|access| access.expose_secret().to_owned())
        };
        self.has_secret(&other.secret) && access(self) == access(other)
    }

    /// Whether both hold the same secret.
    pub(crate) fn has_secret(&self, secret: &SecretString) -> bool {
        self.secret.expose_secret() == secret.expose_secret()
    }
}

/// Where the credential of a connection is sealed for.
pub(crate) fn place(connection: ConnectionId, version: i64) -> Place<'static> {
    Place {
        table: "fleet.credentials",
        connection,
        column: "sealed",
        version,
    }
}
