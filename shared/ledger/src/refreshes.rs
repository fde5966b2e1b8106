//! Refreshes: who exchanges a connection's credential for the next one, and what became of it.
//!
//! A credential whose value rotates can be exchanged once. So a process takes the *intent* before it sends the value:
//! a lease on the credential's version, by the ledger's clock. Everybody else waits for the next version, and takes the
//! intent over when the lease ends without one.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, WorkerName, words};

use crate::{LedgerError, SealedCredential};

/// Whether a process may exchange a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshIntent {
    /// Nobody else will, until the lease ends.
    Taken,
    /// Another process does.
    Held {
        /// Which.
        by: WorkerName,
        /// How long its lease still lasts.
        left: Duration,
    },
    /// Another process has: this is stored now.
    Replaced(SealedCredential),
    /// The process that was waited for has been told that the upstream refuses this version. Asking again would only be
    /// told the same.
    Refused,
}

/// What became of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// Access was granted; the credential kept its value.
    Granted,
    /// Access was granted, and another value of the credential.
    Rotated,
    /// The upstream does not accept the value any more.
    Refused,
    /// The upstream does not accept the app's own keys.
    WrongKeys,
    /// It was sent, and no answer came back: the value may have rotated unseen.
    Lost,
    /// It was not sent, or the upstream could not answer. The value is as it was.
    Failed,
    /// The process that had the intent did not say before its lease ended: the value may have rotated unseen.
    Abandoned,
    /// What had been granted was stored later, from the spool of a process that had ended.
    Recovered,
    /// What had been granted was given up, because something newer was stored meanwhile.
    Superseded,
}
words!(RefreshOutcome {
    Granted => "granted",
    Rotated => "rotated",
    Refused => "refused",
    WrongKeys => "wrong_keys",
    Lost => "lost",
    Failed => "failed",
    Abandoned => "abandoned",
    Recovered => "recovered",
    Superseded => "superseded",
});

/// One exchange in the story of a credential. It holds no value, nor anything made of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The version that was exchanged.
    pub version: i64,
    /// The process that did it.
    pub worker: WorkerName,
    /// What became of it.
    pub outcome: RefreshOutcome,
    /// What the upstream calls it, where that is known.
    pub transaction_id: Option<String>,
    /// When it was written down, by the ledger's clock. Ignored when it is written.
    pub at: Option<DateTime<Utc>>,
}

/// Refreshes of credentials.
#[async_trait]
pub trait Refreshes: Send + Sync {
    /// Takes the intent to exchange `version` for `lease` from now, if that is still the version, no other process has
    /// the intent and the version was not refused while the caller `waited` for another. A process that has it gets it
    /// anew. An intent that another one has let end is written down as [`RefreshOutcome::Abandoned`], unless that one
    /// has said that its answer was lost. None if the connection has no credential.
    async fn intend_refresh(
        &self,
        id: ConnectionId,
        version: i64,
        worker: &WorkerName,
        lease: Duration,
        waited: Duration,
    ) -> Result<Option<RefreshIntent>, LedgerError>;

    /// Replaces the credential of version `refresh.version` by `new`, whose version is the next, ends the intent and
    /// writes the refresh down, all or nothing; a [recovered](RefreshOutcome::Recovered) one makes a connection active
    /// again that waited for a person because of the old value. Answers whether it was that version; if not, nothing is
    /// written. Durable on return.
    async fn store_refresh(
        &self,
        id: ConnectionId,
        new: &SealedCredential,
        refresh: &Refresh,
    ) -> Result<bool, LedgerError>;

    /// Writes down a refresh that brought nothing to store, and ends the intent of its worker. One that was
    /// [lost](RefreshOutcome::Lost) keeps it: while the upstream may still be at work on the value, nobody else shall
    /// send it.
    async fn note_refresh(&self, id: ConnectionId, refresh: &Refresh) -> Result<(), LedgerError>;

    /// Forgets what is older than the newest `keep` refreshes of each connection, at most `batch` at once, the oldest
    /// first. Those of the stored credential's version are kept whatever their number: they tell whether it was refused.
    /// Answers how many were forgotten.
    async fn prune_refreshes(&self, keep: u32, batch: u32) -> Result<u64, LedgerError>;

    /// The story of the connection's credential, newest first, at most so many.
    async fn refreshes(&self, id: ConnectionId, most: u32) -> Result<Vec<Refresh>, LedgerError>;
}
