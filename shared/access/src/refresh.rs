//! Refresh: from an access token that ends to the next one, in steps that never lose a credential.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::{AccessGrant, AuthenticationError, Connector};
use ledgerfleet_model::ConnectionId;
use ledgerfleet_telemetry::metrics::{self, RefreshResult};
use secrecy::SecretString;
use tokio::sync::OwnedMutexGuard;

use crate::access::{Known, Parts};
use crate::credential::Credential;
use crate::{AccessError, AccessToken};

/// How often other processes may be first before this one gives up for now.
const ROUNDS: usize = 5;

/// Before these reads of the ledger a refused credential may still turn out to be replaced by a sibling.
const SIBLING_PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// A company whose credential lives no longer than this should be connected again by a person.
const SHORT_LIFE: Duration = Duration::from_hours(14 * 24);

/// One refresh. It holds the connection's lock, so it is the only one in this process.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) parts: Arc<Parts>,
    pub(crate) connection: ConnectionId,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) known: OwnedMutexGuard<Known>,
}

/// What an upstream granted, on its way into the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    /// The version it shall replace.
    replaces: i64,
    /// The secret that was exchanged; dead if the granted one differs.
    exchanged: SecretString,
    /// What to store.
    credential: Credential,
    /// Until when the granted access is used.
    until: DateTime<Utc>,
}

/// A credential as it stands in the ledger.
#[derive(Debug)]
struct Stored {
    version: i64,
    credential: Credential,
}

impl Refresh {
    /// Saves what is not saved, takes what a sibling stored, or exchanges the secret; again, while siblings are
    /// first.
    pub(crate) async fn run(mut self) -> Result<AccessToken, AccessError> {
        for _ in 0..ROUNDS {
            if let Some(token) = self.save().await? {
                return Ok(token);
            }
            let stored = self.load().await?;
            if let Some(token) = self.take_stored(&stored) {
                return Ok(token);
            }
            self.exchange(stored).await?;
        }
        Err(AccessError::Unsettled)
    }

    /// Stores what was granted and is not stored yet. Answers the token if it is in use now.
    async fn save(&mut self) -> Result<Option<AccessToken>, AccessError> {
        while let Some(granted) = self.known.unsaved.clone() {
            let version = granted.replaces + 1;
            let sealed = granted
                .credential
                .seal(&self.parts.vault, self.connection, version);
            match self
                .parts
                .ledger
                .replace_credential(self.connection, granted.replaces, &sealed)
                .await
            {
                Ok(true) => {
                    self.known.unsaved = None;
                    return Ok(self.put_in_use(&granted.credential, version, granted.until));
                }
                Ok(false) => self.known.unsaved = self.on_top_of_sibling(granted).await?,
                Err(error) => {
                    tracing::warn!(connection = %self.connection, "a granted credential is kept until it can be stored");
                    return Err(AccessError::Ledger(error));
                }
            }
        }
        Ok(None)
    }

    /// A sibling stored something first. Ours is still the newer one if the sibling's holds the secret that our
    /// exchange replaced; in every other case the sibling's is the one to use.
    async fn on_top_of_sibling(&self, granted: Granted) -> Result<Option<Granted>, AccessError> {
        let sibling = self.load().await?;
        let rotated = !granted.credential.has_secret(&granted.exchanged);
        let is_newer = rotated && sibling.credential.has_secret(&granted.exchanged);
        Ok(is_newer.then_some(Granted {
            replaces: sibling.version,
            ..granted
        }))
    }

    async fn load(&self) -> Result<Stored, AccessError> {
        let stored = self
            .parts
            .ledger
            .credential(self.connection)
            .await
            .map_err(AccessError::Ledger)?;
        let stored = stored.ok_or(AccessError::NoCredential)?;
        let credential = Credential::open(&self.parts.vault, self.connection, &stored)?;
        Ok(Stored {
            version: stored.version,
            credential,
        })
    }

    /// Takes the stored access into use, if it is neither refused nor about to end.
    fn take_stored(&mut self, stored: &Stored) -> Option<AccessToken> {
        let until = stored.credential.access_expires_at? - self.parts.margin(self.connection);
        if stored.version <= self.known.refused || until <= self.parts.clock.now() {
            return None;
        }
        self.put_in_use(&stored.credential, stored.version, until)
    }

    fn put_in_use(
        &mut self,
        credential: &Credential,
        version: i64,
        until: DateTime<Utc>,
    ) -> Option<AccessToken> {
        let token = AccessToken {
            secret: credential.access.clone()?,
            version,
        };
        self.known.current = Some((token.clone(), until));
        Some(token)
    }

    /// Exchanges the stored secret. What is granted waits in `unsaved`.
    async fn exchange(&mut self, stored: Stored) -> Result<(), AccessError> {
        self.stop_if_dead(&stored)?;
        // The life of what is granted counts from before the request, so that it is never believed too long.
        let asked_at = self.parts.clock.now();
        let answer = self.ask(&stored).await;
        metrics::token_refreshed(match &answer {
            Ok(_) => RefreshResult::Granted,
            Err(AuthenticationError::Refused(_) | AuthenticationError::WrongKeys(_)) => {
                RefreshResult::Refused
            }
            Err(_) => RefreshResult::Failed,
        });
        match answer {
            Ok(grant) => {
                self.report(&grant);
                self.known.unsaved = Some(self.granted(stored, grant, asked_at));
                Ok(())
            }
            Err(AuthenticationError::Refused(reason)) => self.on_refusal(&stored, &reason).await,
            Err(AuthenticationError::WrongKeys(reason)) => Err(AccessError::WrongKeys(reason)),
            Err(AuthenticationError::NotSent(reason)) => Err(AccessError::Unreachable(reason)),
            Err(AuthenticationError::Unavailable(reason)) => Err(AccessError::Unavailable(reason)),
            Err(AuthenticationError::Lost(reason)) => Err(AccessError::Lost(reason)),
        }
    }

    /// Sends the secret; if the answer is lost, once more, because the same value may still be good.
    async fn ask(&mut self, stored: &Stored) -> Result<AccessGrant, AuthenticationError> {
        match self.connector.authenticate(&stored.credential.secret).await {
            Err(AuthenticationError::Lost(reason)) => {
                tracing::warn!(connection = %self.connection, reason, "an answer with a credential was lost");
                self.known.uncertain = Some(stored.version);
                self.connector.authenticate(&stored.credential.secret).await
            }
            answer => answer,
        }
    }

    fn granted(&self, stored: Stored, grant: AccessGrant, asked_at: DateTime<Utc>) -> Granted {
        // A life of minutes, as a test may grant, is used to its half: five minutes early would be never.
        let used = grant
            .expires_in
            .saturating_sub(self.parts.margin(self.connection))
            .max(grant.expires_in / 2);
        Granted {
            replaces: stored.version,
            credential: Credential {
                secret: grant.rotated.unwrap_or_else(|| stored.credential.secret.clone()),
                access: Some(grant.access),
                access_expires_at: Some(asked_at + grant.expires_in),
            },
            exchanged: stored.credential.secret,
            until: asked_at + used,
        }
    }

    fn report(&self, grant: &AccessGrant) {
        let rotated = grant.rotated.is_some();
        tracing::info!(connection = %self.connection, rotated, "access renewed");
        if let Some(life) = grant.credential_expires_in.filter(|life| *life < SHORT_LIFE) {
            let hours = life.as_secs() / 3600;
            tracing::warn!(connection = %self.connection, hours, "the company must be connected again before these hours are over");
        }
    }

    /// The upstream refuses the secret. If a sibling has replaced it meanwhile, the next round sees that; if not,
    /// only a person can help.
    async fn on_refusal(&mut self, stored: &Stored, reason: &str) -> Result<(), AccessError> {
        if self.sibling_follows(stored).await? {
            return Ok(());
        }
        let explained = if self.known.uncertain == Some(stored.version) {
            format!(
                "an answer of the upstream was lost while it renewed the access; it is uncertain whether that answer \
                 held a new credential, and the old one is refused now ({reason}): connect the company again"
            )
        } else {
            format!(
                "the upstream no longer accepts the company's credential ({reason}): connect the company again"
            )
        };
        self.known.dead = Some((stored.version, explained.clone()));
        Err(AccessError::NeedsReauthorisation(explained))
    }

    /// Whether another process has replaced what was refused. One that was a moment ahead of us upstream may still
    /// be storing what it got, so the ledger is asked for more than a second before a person is.
    async fn sibling_follows(&self, stored: &Stored) -> Result<bool, AccessError> {
        for pause in SIBLING_PAUSES {
            tokio::time::sleep(pause).await;
            if self.load().await?.version > stored.version {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What was refused for good is not sent again.
    fn stop_if_dead(&self, stored: &Stored) -> Result<(), AccessError> {
        match &self.known.dead {
            Some((version, reason)) if *version == stored.version => {
                Err(AccessError::NeedsReauthorisation(reason.clone()))
            }
            _ => Ok(()),
        }
    }
}
