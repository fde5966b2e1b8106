//! Access: the token to send with the next request of a connection.

use std::sync::Arc;

use ledgerfleet_connectors::Connectors;
use ledgerfleet_ledger::{Ledger, SealedCredential};
use ledgerfleet_model::{Clock, Connection, ConnectionId, Timings, WorkerName};
use ledgerfleet_vault::Vault;
use secrecy::SecretString;

use crate::credential::Credential;
use crate::error::AccessError;
use crate::keys::{Keys, Reread};
use crate::known::AccessToken;
use crate::refresh::Refresh;
use crate::shared::Shared;
use crate::spool::Spool;
use crate::store::Store;

/// What one process is to the others that refresh.
#[derive(Debug, Clone)]
pub struct AccessOptions {
    /// What the ledger calls it. No other process may have the same name.
    pub name: WorkerName,
    /// How long things take; all processes of a fleet have the same.
    pub timings: Timings,
    /// Where what was granted waits for the ledger.
    pub spool: Spool,
    /// How to read the master keys anew, where another process may replace them.
    pub reread: Option<Reread>,
}

/// Gives access tokens. Cloning shares what it knows.
#[derive(Debug, Clone)]
pub struct Access(Arc<Shared>);

impl Access {
    /// Access to the connections of `ledger`, whose credentials are sealed by `vault`.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        vault: Arc<Vault>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
        options: AccessOptions,
    ) -> Self {
        let AccessOptions {
            name,
            timings,
            spool,
            reread,
        } = options;
        let store = Store::new(ledger, Keys::new(vault, reread), spool, name);
        Self(Arc::new(Shared::new(store, connectors, clock, &timings)))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Brings to the ledger what processes that have ended left in the spool; to be called at start, when the ledger
    /// answers and the key is known to be right. Says what is wrong with its files: nothing of it keeps a process from
    /// starting.
    pub async fn recover(&self) {
        self.0.store.recover_all().await;
    }

    /// Says if nothing can be put into the spool. Refreshing says it too, before the first exchange of this process; who
    /// will refresh for long calls this at start. It is said once.
    pub async fn check_spool(&self) {
        self.0.store.check_spool().await;
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
        if connector.oauth().is_none() {
            return self.key(connection.id).await;
        }
        let refresh = Refresh {
            shared: Arc::clone(&self.0),
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

    /// A token that was granted just now, which proves that the upstream takes the app's keys and the credential: one that
    /// is still good would say nothing of either.
    pub async fn renewed(&self, connection: &Connection) -> Result<AccessToken, AccessError> {
        let token = self.token(connection).await?;
        self.refused(connection.id, &token).await;
        self.token(connection).await
    }

    /// A key is stored as it is sent: it is neither exchanged nor renewed. One that is refused has to be replaced by a person.
    async fn key(&self, connection: ConnectionId) -> Result<AccessToken, AccessError> {
        let stored = self.0.store.load(connection).await?;
        Ok(AccessToken {
            secret: stored.credential.secret,
            version: stored.version,
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
        self.0.store.load(connection).await.map(drop)
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
        Credential::new(secret).seal(&self.0.store.keys.vault(), connection, version)
    }
}
