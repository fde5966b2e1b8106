//! Consent: what a person has brought back from the upstream's page becomes the first, or the next, credential of a
//! company; and a credential that is no longer wanted is revoked.
//!
//! Nothing of this asks for the credential that is stored: it may be dead, or sealed with a key that is gone.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::{AccessGrant, AuthenticationError, Connector, Revocation};
use ledgerfleet_ledger::{LedgerError, SealedCredential};
use ledgerfleet_model::{Connection, ConnectionId};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::access::Access;
use crate::credential::Credential;
use crate::error::AccessError;
use crate::exchange::after;
use crate::granted::Granted;
use crate::recovery::remove;
use crate::spool::on_disk;

/// What was granted is brought to a ledger that is away for so long; a person is waiting at the browser.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose credential was stored longer ago is idle: each use stores what it brings.
const IDLE: TimeDelta = TimeDelta::days(7);

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// A code that a person has brought back.
#[derive(Debug)]
pub struct Code<'a> {
    /// The code. It is good for one exchange.
    pub code: &'a SecretString,
    /// Where it was sent to, letter by letter as the upstream was told.
    pub redirect_url: &'a str,
}

/// A credential that was just granted, for a company that is not connected yet.
#[derive(Debug)]
pub struct Fresh(Credential);

/// When a company has to be connected again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// If its credential is not used until then. Every use moves it.
    pub unused_at: Option<DateTime<Utc>>,
    /// At the latest, however much it is used.
    pub at_the_latest: Option<DateTime<Utc>>,
}

impl Access {
    /// Exchanges a code for the first credential of a company.
    pub async fn redeem(&self, connector: &str, code: &Code<'_>) -> Result<Fresh, AccessError> {
        let connector = self.connector(connector)?;
        let sent_at = self.shared().clock.now();
        let grant = exchange(&*connector, code).await?;
        Ok(Fresh(credential_of(grant, sent_at)?))
    }

    /// Seals what [`Access::redeem`] brought as that version of that connection's credential.
    pub fn seal_fresh(&self, connection: ConnectionId, version: i64, fresh: &Fresh) -> SealedCredential {
        fresh
            .0
            .seal(&self.shared().store.keys.vault(), connection, version)
    }

    /// Exchanges a code for the next credential of a connected company, and stores that. What was granted is in the
    /// spool before anything else is done: if this process ends before it is stored, the next one that starts stores it.
    pub async fn reauthorise(&self, connection: &Connection, code: &Code<'_>) -> Result<(), AccessError> {
        let connector = self.connector(&connection.connector)?;
        // Whoever refreshes in this process has to wait: there will be another credential.
        let mut known = self.shared().known(connection.id).lock_owned().await;
        let version = self.version(connection.id).await?;
        self.shared().store.check_spool().await;
        let sent_at = self.shared().clock.now();
        let grant = exchange(&*connector, code).await?;
        let transaction_id = grant.transaction_id.clone();
        let credential = credential_of(grant, sent_at)?;
        let mut granted = Granted {
            replaces: version,
            exchanged: code.code.clone(),
            credential,
            transaction_id,
        };
        let spooled = granted.seal(&self.shared().store.keys.vault(), connection.id);
        let spool = self.shared().store.spool.clone();
        let file = on_disk(move || spool.write(&spooled))
            .await
            .ok()
            .and_then(Result::ok);
        self.replace(connection.id, &mut granted).await?;
        known.current = None;
        known.dead = None;
        known.unsaved = None;
        if let Some(file) = file {
            remove(file).await;
        }
        Ok(())
    }

    /// Stores what a person has brought on top of whatever is stored now, also if a refresh elsewhere was first.
    async fn replace(&self, connection: ConnectionId, granted: &mut Granted) -> Result<(), AccessError> {
        let began = Instant::now();
        loop {
            let store = &self.shared().store;
            let sealed = granted
                .credential
                .seal(&store.keys.vault(), connection, granted.replaces + 1);
            let replaced = store
                .ledger
                .replace_credential(connection, granted.replaces, &sealed)
                .await;
            let stored = match replaced {
                Ok(true) => return Ok(()),
                Ok(false) => self.version(connection).await,
                // The key was replaced while a person was on the upstream's page.
                Err(refusal) if store.keys.follow(&refusal) => continue,
                Err(error) => Err(AccessError::Ledger(error)),
            };
            match stored {
                Ok(version) => granted.replaces = version,
                Err(AccessError::Ledger(error)) if error.is_passing() && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Stores what a person has brought; `store` seals it. Again, sealed with the new key, where the master key was replaced
    /// since this process has read it; and again while the ledger is away, for as long as a person waits.
    ///
    /// # Errors
    /// The ledger did not store it.
    pub async fn store_sealed<T, F: Future<Output = Result<T, LedgerError>>>(
        &self,
        store: impl Fn() -> F,
    ) -> Result<T, LedgerError> {
        loop {
            match patiently(&store).await {
                Err(refusal) if self.shared().store.keys.follow(&refusal) => {}
                stored => return stored,
            }
        }
    }

    /// Ends the consent of a connection at the upstream. A credential that the upstream does not know any more is as good
    /// as revoked; so is a key, which nobody can revoke from here.
    pub async fn revoke(&self, connection: &Connection) -> Result<Revocation, AccessError> {
        let connector = self.connector(&connection.connector)?;
        let Some(oauth) = connector.oauth() else {
            return Ok(Revocation::NothingToRevoke);
        };
        let known = self.shared().known(connection.id).lock_owned().await;
        let stored = match self.shared().store.load(connection.id).await {
            Ok(stored) => stored,
            Err(AccessError::NoCredential) => return Ok(Revocation::NothingToRevoke),
            Err(error) => return Err(error),
        };
        let revoked = oauth.revoke(&stored.credential.secret).await;
        drop(known);
        revoked.map_err(told)
    }

    /// Uses the credential of a company that nobody has asked for a week, so that it does not end for want of use. Answers
    /// whether it was idle. One request at most.
    pub async fn use_if_idle(&self, connection: &Connection) -> Result<bool, AccessError> {
        if self.connector(&connection.connector)?.oauth().is_none() {
            return Ok(false);
        }
        let stored = self.shared().store.ledger.credential(connection.id).await;
        let stored = stored
            .map_err(AccessError::Ledger)?
            .ok_or(AccessError::NoCredential)?;
        let now = self.shared().clock.now();
        if stored.stored_at.is_none_or(|at| now - at < IDLE) {
            return Ok(false);
        }
        self.token(connection).await.map(|_| true)
    }

    /// When the company has to be connected again, as far as its upstream has said so.
    pub async fn ends(&self, connection: ConnectionId) -> Result<Ends, AccessError> {
        let credential = self.shared().store.load(connection).await?.credential;
        Ok(Ends {
            unused_at: credential.secret_expires_at,
            at_the_latest: credential.consent_ends_at,
        })
    }

    /// The version of the stored credential, which is not opened; 0 if there is none.
    async fn version(&self, connection: ConnectionId) -> Result<i64, AccessError> {
        let stored = self.shared().store.ledger.credential(connection).await;
        let stored = stored.map_err(AccessError::Ledger)?;
        Ok(stored.map_or(0, |stored| stored.version))
    }

    fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, AccessError> {
        let connector = self.shared().connectors.get(name).cloned();
        connector.ok_or_else(|| AccessError::UnknownConnector(name.to_owned()))
    }
}

/// Does `store` again while the ledger is away, for as long as a person waits.
pub async fn patiently<T, F: Future<Output = Result<T, LedgerError>>>(
    store: impl Fn() -> F,
) -> Result<T, LedgerError> {
    let began = Instant::now();
    loop {
        match store().await {
            Err(error) if error.is_passing() && began.elapsed() < PATIENCE => {
                tokio::time::sleep(AGAIN).await;
            }
            ended => return ended,
        }
    }
}

async fn exchange(connector: &dyn Connector, code: &Code<'_>) -> Result<AccessGrant, AccessError> {
    let oauth = connector.oauth().ok_or(AccessError::NoConsent)?;
    let granted = oauth.redeem(code.code, code.redirect_url).await;
    granted.map_err(|error| match error {
        AuthenticationError::Refused(no) => AccessError::CodeRefused {
            redirect_url: code.redirect_url.to_owned(),
            reason: no.reason,
        },
        error => told(error),
    })
}

fn told(error: AuthenticationError) -> AccessError {
    match error {
        AuthenticationError::Refused(no) => AccessError::NeedsReauthorisation(no.reason),
        AuthenticationError::WrongKeys(no) => AccessError::WrongKeys(no.reason),
        AuthenticationError::NotSent(reason) => AccessError::Unreachable(reason),
        AuthenticationError::Unavailable(no) => AccessError::Unavailable(no.reason),
        AuthenticationError::Throttled(no, wait) => AccessError::Throttled(no.reason, wait),
        AuthenticationError::Lost(no) => AccessError::Lost(no.reason),
    }
}

fn credential_of(grant: AccessGrant, sent_at: DateTime<Utc>) -> Result<Credential, AccessError> {
    let secret = grant.rotated.ok_or(AccessError::Unreadable)?;
    Ok(Credential {
        secret,
        access_expires_at: grant.access.is_some().then(|| after(sent_at, grant.expires_in)),
        access: grant.access,
        secret_expires_at: grant.credential_expires_in.map(|life| after(sent_at, life)),
        consent_ends_at: grant.consent_expires_in.map(|life| after(sent_at, life)),
    })
}
