//! Refresh: from an access token that ends to the next one, in steps that never lose a credential.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use ledgerfleet_connectors::Connector;
use ledgerfleet_ledger::RefreshIntent;
use ledgerfleet_model::ConnectionId;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::credential::Credential;
use crate::error::AccessError;
use crate::known::{AccessToken, Known};
use crate::recovery::remove;
use crate::shared::Shared;
use crate::spool::Left;
use crate::store::{Kept, Stored};

/// How often other processes may be first before this one gives up for now.
const ROUNDS: u32 = 5;

/// Who waits for another process looks after this time whether that one is done, and up to as much again later.
const PAUSE_MILLIS: u64 = 100;

/// One refresh. It holds the connection's lock, so it is the only one in this process.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: ConnectionId,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) known: OwnedMutexGuard<Known>,
    /// Since when it has waited for another process, if it has.
    pub(crate) waiting: Option<Instant>,
}

/// What one round has come to.
enum Round {
    /// A token that can be used.
    Token(AccessToken),
    /// The ledger holds something else now: look again.
    Again,
    /// Another process is at it, for so long at most.
    Wait(Duration),
}

impl Refresh {
    /// Saves what is not saved, takes what a sibling stored, or exchanges the secret; again, while siblings are first.
    pub(crate) async fn run(mut self) -> Result<AccessToken, AccessError> {
        // One intent may end without a result, and the next one's holder needs its time too.
        let patience = self.shared.timings.refresh_intent() * 2;
        let began = Instant::now();
        let (mut rounds, mut waits) = (0, 0);
        while rounds < ROUNDS && began.elapsed() < patience {
            match self.round().await? {
                Round::Token(token) => return Ok(token),
                Round::Again => rounds += 1,
                Round::Wait(left) => {
                    waits += 1;
                    self.waiting.get_or_insert_with(Instant::now);
                    tokio::time::sleep(self.pause(waits).min(left)).await;
                }
            }
        }
        Err(AccessError::Unsettled)
    }

    async fn round(&mut self) -> Result<Round, AccessError> {
        if let Some(token) = self.save().await? {
            return Ok(Round::Token(token));
        }
        self.shared
            .store
            .recover(Some(self.connection), Left::ByTheDead)
            .await?;
        let stored = self.shared.store.load(self.connection).await?;
        if let Some(token) = self.take_stored(&stored) {
            return Ok(Round::Token(token));
        }
        self.stop_if_dead(&stored)?;
        self.exchange_unless_another_does(stored).await
    }

    async fn exchange_unless_another_does(&mut self, stored: Stored) -> Result<Round, AccessError> {
        let asked = Instant::now();
        match self.intend(&stored).await? {
            RefreshIntent::Taken if self.may_send(asked) => {
                // Who had the intent before has had its time: what it could not store is ours to store.
                let recovered = self.shared.store.recover(Some(self.connection), Left::ByAnybody).await?;
                if recovered == 0 {
                    let version = stored.version;
                    let exchanged = AssertUnwindSafe(self.exchange(stored, asked)).catch_unwind().await;
                    match exchanged {
                        Ok(exchanged) => exchanged?,
                        Err(_) => self.after_panic(version).await?,
                    }
                }
                Ok(Round::Again)
            }
            // A ledger that took so long to answer will be faster the next time.
            RefreshIntent::Taken | RefreshIntent::Replaced(_) => Ok(Round::Again),
            RefreshIntent::Held { by, left } => {
                tracing::debug!(connection = %self.connection, %by, left_seconds = left.as_secs_f64(), "another process renews the access");
                Ok(self.still_good(&stored).map_or(Round::Wait(left), Round::Token))
            }
            RefreshIntent::Refused => Err(AccessError::NeedsReauthorisation(
                "the upstream no longer accepts the company's credential, as another process was just told: connect \
                 the company again"
                    .to_owned(),
            )),
        }
    }

    async fn intend(&self, stored: &Stored) -> Result<RefreshIntent, AccessError> {
        let (lease, name) = (self.shared.timings.refresh_intent(), &self.shared.store.name);
        let waited = self.waiting.map(|since| since.elapsed()).unwrap_or_default();
        let intent =
            self.shared
                .store
                .ledger
                .intend_refresh(self.connection, stored.version, name, lease, waited);
        intent
            .await
            .map_err(AccessError::Ledger)?
            .ok_or(AccessError::NoCredential)
    }

    /// Stores what was granted and is not stored yet. Answers the token if it is in use now.
    async fn save(&mut self) -> Result<Option<AccessToken>, AccessError> {
        let Some(mut unsaved) = self.known.unsaved.take() else {
            return Ok(None);
        };
        let outcome = unsaved.granted.outcome();
        let kept = self
            .shared
            .store
            .keep(self.connection, &mut unsaved.granted, outcome)
            .await;
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(connection = %self.connection, "a granted credential is kept until it can be stored");
                self.known.unsaved = Some(unsaved);
                return Err(error);
            }
        };
        if let Some(file) = unsaved.file {
            remove(file).await;
        }
        Ok(match kept {
            Kept::Stored(version) => self.put_in_use(&unsaved.granted.credential, version, unsaved.until),
            Kept::Superseded => None,
        })
    }

    /// Takes the stored access into use, if it is neither refused nor about to end.
    fn take_stored(&mut self, stored: &Stored) -> Option<AccessToken> {
        let until = stored.credential.access_expires_at? - self.shared.margin(self.connection);
        if stored.version <= self.known.refused || until <= self.shared.clock.now() {
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
        self.shared
            .expiries
            .note(self.connection, credential.secret_expires_at);
        let token = AccessToken {
            secret: credential.access.clone()?,
            version,
        };
        self.known.current = Some((token.clone(), until));
        Some(token)
    }

    /// The stored access, while another process gets the next one: it is renewed minutes before it ends, so mostly there
    /// is no need to wait.
    fn still_good(&self, stored: &Stored) -> Option<AccessToken> {
        let end = stored.credential.access_expires_at? - self.shared.timings.request;
        if stored.version <= self.known.refused || end <= self.shared.clock.now() {
            return None;
        }
        Some(AccessToken {
            secret: stored.credential.access.clone()?,
            version: stored.version,
        })
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

    fn pause(&self, turn: u32) -> Duration {
        Duration::from_millis(PAUSE_MILLIS + self.shared.random(self.connection, turn, PAUSE_MILLIS))
    }
}
