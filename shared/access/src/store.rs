//! Store: where credentials are kept: sealed in the ledger, and in the spool what waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ledgerfleet_ledger::{Ledger, Refresh, RefreshOutcome};
use ledgerfleet_model::{ConnectionId, WorkerName};

use crate::credential::Credential;
use crate::error::AccessError;
use crate::granted::Granted;
use crate::keys::Keys;
use crate::spool::{Spool, on_disk};

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

/// Ledger, keys and spool of one process.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) keys: Keys,
    pub(crate) spool: Spool,
    /// What the ledger calls this process.
    pub(crate) name: WorkerName,
    spool_checked: AtomicBool,
}

impl Store {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, keys: Keys, spool: Spool, name: WorkerName) -> Self {
        Self {
            ledger,
            keys,
            spool,
            name,
            spool_checked: AtomicBool::new(false),
        }
    }

    /// Tries once in the life of this process to put something into the spool.
    pub(crate) async fn check_spool(&self) {
        if self.spool_checked.swap(true, Ordering::Relaxed) {
            return;
        }
        let spool = self.spool.clone();
        if let Ok(Err(error)) = on_disk(move || spool.check()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a token that is granted while the database is away would be lost with this process: \
                 make the folder writable, or name another one (spool_dir)"
            );
        }
    }

    /// The credential in the ledger, opened.
    pub(crate) async fn load(&self, connection: ConnectionId) -> Result<Stored, AccessError> {
        let stored = self.ledger.credential(connection).await;
        let stored = stored.map_err(AccessError::Ledger)?;
        let stored = stored.ok_or(AccessError::NoCredential)?;
        Ok(Stored {
            version: stored.version,
            credential: Credential::open(&self.keys.vault(), connection, &stored)?,
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
            let sealed = granted.credential.seal(&self.keys.vault(), connection, version);
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
