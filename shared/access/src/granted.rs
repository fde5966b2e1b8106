//! Granted: what an upstream has given out, on its way into the ledger.

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{Refresh, RefreshOutcome};
use ledgerfleet_model::ConnectionId;
use ledgerfleet_vault::{Place, Vault};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::AccessError;
use crate::access::Parts;
use crate::credential::Credential;
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

/// A credential as it stands in the ledger.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) version: i64,
    pub(crate) credential: Credential,
}

/// Where something granted has ended.
#[derive(Debug)]
pub(crate) enum Kept {
    /// In the ledger, as that version.
    Stored(i64),
    /// Nowhere: what the ledger holds is newer.
    Superseded,
}

/// What a file of the spool holds, in the clear, for the one moment before it is sealed.
#[derive(Serialize)]
struct InTheClear<'a> {
    exchanged: &'a str,
    secret: &'a str,
    access: Option<&'a str>,
    access_expires_at: Option<DateTime<Utc>>,
    secret_expires_at: Option<DateTime<Utc>>,
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
    fn is_newer_than(&self, sibling: &Credential) -> bool {
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

impl Parts {
    /// The credential in the ledger, opened.
    pub(crate) async fn load(&self, connection: ConnectionId) -> Result<Stored, AccessError> {
        let stored = self.ledger.credential(connection).await;
        let stored = stored.map_err(AccessError::Ledger)?;
        let stored = stored.ok_or(AccessError::NoCredential)?;
        Ok(Stored {
            version: stored.version,
            credential: Credential::open(&self.vault, connection, &stored)?,
        })
    }

    /// Stores what was granted on top of the version it replaces. If a sibling has stored something first, ours goes on
    /// top of that if it is the newer one; in every other case the sibling's is the one to use.
    pub(crate) async fn keep(
        &self,
        connection: ConnectionId,
        granted: &mut Granted,
        outcome: RefreshOutcome,
    ) -> Result<Kept, AccessError> {
        loop {
            let version = granted.replaces + 1;
            let sealed = granted.credential.seal(&self.vault, connection, version);
            let refresh = self.refresh(granted.replaces, outcome, granted.transaction_id.clone());
            let stored = self.ledger.store_refresh(connection, &sealed, &refresh).await;
            if stored.map_err(AccessError::Ledger)? {
                return Ok(Kept::Stored(version));
            }
            let sibling = self.load(connection).await?;
            // By ourselves, in a commit whose answer was lost, or by one who found it in the spool.
            if sibling.credential.is(&granted.credential) {
                return Ok(Kept::Stored(sibling.version));
            }
            if !granted.is_newer_than(&sibling.credential) {
                tracing::warn!(
                    %connection, replaces = granted.replaces, stored = sibling.version,
                    "a granted credential is given up, because a newer one was stored meanwhile"
                );
                let transaction_id = granted.transaction_id.clone();
                let given_up = self.refresh(granted.replaces, RefreshOutcome::Superseded, transaction_id);
                self.note(connection, &given_up).await;
                return Ok(Kept::Superseded);
            }
            granted.replaces = sibling.version;
        }
    }

    /// A refresh of `version` by this process.
    pub(crate) fn refresh(
        &self,
        version: i64,
        outcome: RefreshOutcome,
        transaction_id: Option<String>,
    ) -> Refresh {
        Refresh {
            version,
            worker: self.name.clone(),
            outcome,
            transaction_id,
            at: None,
        }
    }

    /// Writes a refresh into the story. A ledger that does not take it hides a line of history, and an intent that is
    /// not given back ends by itself.
    pub(crate) async fn note(&self, connection: ConnectionId, refresh: &Refresh) {
        if let Err(error) = self.ledger.note_refresh(connection, refresh).await {
            tracing::warn!(
                %connection, outcome = %refresh.outcome, error = &error as &dyn std::error::Error,
                "what became of a refresh could not be written down"
            );
        }
    }
}
