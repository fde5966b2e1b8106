//! Connections as the worker knows them: read from the ledger, kept for a few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ledgerfleet_ledger::{Ledger, LedgerError};
use ledgerfleet_model::{Connection, ConnectionId};
use tokio::time::Instant;

/// How long a connection is believed to be as it was read. Its state needs no such belief: claiming checks it.
const FRESH: Duration = Duration::from_secs(5);

/// A small cache, so that a connection is not read again for each of its segments.
#[derive(Debug, Default)]
pub(crate) struct KnownConnections {
    known: Mutex<HashMap<ConnectionId, (Arc<Connection>, Instant)>>,
}

impl KnownConnections {
    /// The connection, read anew if what is known is old.
    pub(crate) async fn get(
        &self,
        ledger: &dyn Ledger,
        id: ConnectionId,
    ) -> Result<Arc<Connection>, LedgerError> {
        if let Some(connection) = self.fresh(id) {
            return Ok(connection);
        }
        let connection = Arc::new(
            ledger
                .connection(id)
                .await?
                .ok_or(LedgerError::NoSuchConnection(id))?,
        );
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, (connection.clone(), Instant::now()));
        Ok(connection)
    }

    fn fresh(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&id)
            .filter(|(_, read_at)| read_at.elapsed() < FRESH)
            .map(|(connection, _)| connection.clone())
    }
}
