//! Granted: what an upstream has given out, on its way into the ledger.

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::RefreshOutcome;
use ledgerfleet_model::ConnectionId;
use ledgerfleet_vault::{Place, Vault};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::credential::Credential;
use crate::error::AccessError;
use crate::spool::Spooled;

/// What an upstream has granted in exchange for a credential.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    /// The version it shall replace.
    pub(crate) replaces: i64,
    /// The secret that was exchanged; dead if the granted one differs.
    pub(crate) exchanged: SecretString,
    /// What to store.
    pub(crate) credential: Credential,
    /// The upstream's name for the exchange.
    pub(crate) transaction_id: Option<String>,
}

/// What a file of the spool holds, in the clear, for the one moment before it is sealed.
#[derive(Serialize)]
struct InTheClear<'a> {
    exchanged: &'a str,
    secret: &'a str,
    access: Option<&'a str>,
    access_expires_at: Option<DateTime<Utc>>,
    secret_expires_at: Option<DateTime<Utc>>,
    consent_ends_at: Option<DateTime<Utc>>,
    transaction_id: Option<&'a str>,
}

/// The same, opened.
#[derive(Deserialize)]
struct Opened {
    exchanged: SecretString,
    #[serde(flatten)]
    credential: Credential,
    #[serde(default)]
    transaction_id: Option<String>,
}

impl Granted {
    /// Whether the secret has changed: only then is there something that can be lost.
    pub(crate) fn rotated(&self) -> bool {
        !self.credential.has_secret(&self.exchanged)
    }

    /// How its refresh ended.
    pub(crate) fn outcome(&self) -> RefreshOutcome {
        if self.rotated() {
            RefreshOutcome::Rotated
        } else {
            RefreshOutcome::Granted
        }
    }

    /// Whether it is newer than what a sibling has stored: only if that is the secret that the exchange has replaced.
    pub(crate) fn is_newer_than(&self, sibling: &Credential) -> bool {
        self.rotated() && sibling.has_secret(&self.exchanged)
    }

    /// Seals it for the spool.
    pub(crate) fn seal(&self, vault: &Vault, connection: ConnectionId) -> Spooled {
        let clear = InTheClear {
            exchanged: self.exchanged.expose_secret(),
            secret: self.credential.secret.expose_secret(),
            access: self.credential.access.as_ref().map(ExposeSecret::expose_secret),
            access_expires_at: self.credential.access_expires_at,
            secret_expires_at: self.credential.secret_expires_at,
            consent_ends_at: self.credential.consent_ends_at,
            transaction_id: self.transaction_id.as_deref(),
        };
        // Members of text cannot fail to be written.
        let text = SecretString::from(serde_json::to_string(&clear).unwrap_or_default());
        Spooled {
            connection,
            replaces: self.replaces,
            sealed: vault.seal(&place(connection, self.replaces), &text),
        }
    }

    /// Opens what [`Granted::seal`] has sealed.
    pub(crate) fn open(vault: &Vault, spooled: &Spooled) -> Result<Self, AccessError> {
        let text = vault
            .open(&place(spooled.connection, spooled.replaces), &spooled.sealed)
            .map_err(AccessError::Sealed)?;
        // The parser's error might quote what it read.
        let opened: Opened =
            serde_json::from_str(text.expose_secret()).map_err(|_| AccessError::Unreadable)?;
        Ok(Self {
            replaces: spooled.replaces,
            exchanged: opened.exchanged,
            credential: opened.credential,
            transaction_id: opened.transaction_id,
        })
    }
}

fn place(connection: ConnectionId, replaces: i64) -> Place<'static> {
    Place {
        table: "spool",
        connection,
        column: "granted",
        version: replaces,
    }
}
