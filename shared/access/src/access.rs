//! Access: the token to send with the next request of a connection.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_connectors::Connectors;
use ledgerfleet_ledger::{Ledger, SealedCredential};
use ledgerfleet_model::{Clock, Connection, ConnectionId, Timings, WorkerName};
use ledgerfleet_vault::Vault;
use secrecy::SecretString;

use crate::AccessError;
use crate::credential::Credential;
use crate::expiry::Expiries;
use crate::refresh::{Refresh, Unsaved};
use crate::spool::{Spool, on_disk};

/// An access token is refreshed this long before it ends.
const EARLY: Duration = Duration::from_mins(5);

/// And up to this much earlier still, differently for every process and connection.
const JITTER_MILLIS: u64 = 60_000;

/// What one process is to the others that refresh.
#[derive(Debug, Clone)]
pub struct AccessOptions {
    /// What the ledger calls it. No other process may have the same name.
    pub name: WorkerName,
    /// How long things take; all processes of a fleet have the same.
    pub timings: Timings,
    /// Where what was granted waits for the ledger.
    pub spool: Spool,
}

/// Gives access tokens. Cloning shares what it knows.
#[derive(Debug, Clone)]
pub struct Access(pub(crate) Arc<Parts>);

/// An access token, with the version of the credential that it was stored with.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub(crate) secret: SecretString,
    pub(crate) version: i64,
}

impl AccessToken {
    /// The token, to be sent.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}

/// What refreshing needs.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) name: WorkerName,
    pub(crate) timings: Timings,
    pub(crate) spool: Spool,
    spool_checked: AtomicBool,
    pub(crate) expiries: Expiries,
    known: Mutex<HashMap<ConnectionId, Arc<tokio::sync::Mutex<Known>>>>,
    jitter: RandomState,
}

/// What this process knows of one connection. Whoever holds its lock is the one who refreshes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The token in use, and until when it is.
    pub(crate) current: Option<(AccessToken, DateTime<Utc>)>,
    /// The newest version whose token the upstream refused before its time.
    pub(crate) refused: i64,
    /// What was granted and is not stored yet. Nothing else happens before it is.
    pub(crate) unsaved: Option<Unsaved>,
    /// The version whose secret is refused for good, and why.
    pub(crate) dead: Option<(i64, String)>,
}

impl Access {
    /// Access to the connections of `ledger`, whose credentials are sealed by `vault`.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        vault: Arc<Vault>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
        options: AccessOptions,
    ) -> Self {
        let AccessOptions { name, timings, spool } = options;
        Self(Arc::new(Parts {
            ledger,
            vault,
            connectors,
            clock,
            name,
            timings,
            spool,
            spool_checked: AtomicBool::new(false),
            expiries: Expiries::default(),
            known: Mutex::default(),
            jitter: RandomState::new(),
        }))
    }

    /// Brings to the ledger what processes that have ended left in the spool; to be called at start, when the ledger
    /// answers and the key is known to be right. Says what is wrong with its files: nothing of it keeps a process from
    /// starting.
    pub async fn recover(&self) {
        self.0.recover_all().await;
    }

    /// Says if nothing can be put into the spool. Refreshing says it too, before the first exchange of this process; who
    /// will refresh for long calls this at start. It is said once.
    pub async fn check_spool(&self) {
        self.0.check_spool().await;
    }

    /// Shows in the metrics when the first credential of these connections expires, as far as this process knows.
    pub fn show_expiry(&self, connections: &[Connection]) {
        self.0.expiries.show(connections, self.0.clock.now());
    }

    /// The connection's access token, refreshed if it ends soon. Any number of callers cause one refresh.
    ///
    /// May be dropped at any point: a refresh that has begun ends by itself, and the next call finds its result.
    pub async fn token(&self, connection: &Connection) -> Result<AccessToken, AccessError> {
        let known = self.0.known(connection.id).lock_owned().await;
        if let Some((token, until)) = &known.current
            && self.0.clock.now() < *until
        {
            return Ok(token.clone());
        }
        let connector = self.0.connectors.get(&connection.connector);
        let connector =
            connector.ok_or_else(|| AccessError::UnknownConnector(connection.connector.clone()))?;
        let refresh = Refresh {
            parts: Arc::clone(&self.0),
            connection: connection.id,
            connector: Arc::clone(connector),
            known,
            waiting: None,
        };
        tokio::spawn(refresh.run()).await.unwrap_or_else(|end| {
            Err(if end.is_panic() {
                AccessError::Panicked
            } else {
                AccessError::Stopped
            })
        })
    }

    /// The upstream refused `token` before its time: the next call of [`Access::token`] gets another one. Does
    /// nothing if the token in use is a later one already.
    pub async fn refused(&self, connection: ConnectionId, token: &AccessToken) {
        let mut known = self.0.known(connection).lock_owned().await;
        known.refused = known.refused.max(token.version);
        known
            .current
            .take_if(|(current, _)| current.version <= token.version);
    }

    /// Opens the connection's stored credential, to find out at start whether this process has the right key: found
    /// out at work, the wrong one would look like a company that must be connected again.
    pub async fn check_key(&self, connection: ConnectionId) -> Result<(), AccessError> {
        self.0.load(connection).await.map(drop)
    }

    /// The first version of a new connection's credential.
    pub fn seal_first(&self, connection: ConnectionId, secret: &SecretString) -> SealedCredential {
        self.seal_replacement(connection, 1, secret)
    }

    /// A later version of a connection's credential, for a company that was connected again.
    pub fn seal_replacement(
        &self,
        connection: ConnectionId,
        version: i64,
        secret: &SecretString,
    ) -> SealedCredential {
        Credential::new(secret).seal(&self.0.vault, connection, version)
    }
}

impl Parts {
    fn known(&self, connection: ConnectionId) -> Arc<tokio::sync::Mutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(connection).or_default())
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

    /// A number below `end`, different for every process, connection and `turn`.
    pub(crate) fn random(&self, connection: ConnectionId, turn: u32, end: u64) -> u64 {
        self.jitter.hash_one((connection, turn)) % end
    }

    /// How long before its end a token of this connection is refreshed: 5 to 6 minutes.
    pub(crate) fn margin(&self, connection: ConnectionId) -> Duration {
        EARLY + Duration::from_millis(self.random(connection, 0, JITTER_MILLIS))
    }
}
