//! Turns: how many sessions of this process may be with the tables of records at once.
//!
//! Somebody may hold a lock on one of those tables for long, and each statement on it then keeps its session for as long as
//! locks are waited for. So they never get all sessions: claims, heartbeats and duties find one, and of what is left one
//! table leaves one to the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::PostgresOptions;
use super::error::failed;
use crate::LedgerError;

/// What stands for the table of pages with records of several tables.
pub(super) const SEVERAL: &str = "several";

/// The sessions that tables of records may have.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    of_table: Mutex<HashMap<String, Arc<Semaphore>>>,
    shares: Shares,
    patience: Duration,
}

/// How many sessions there are for records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shares {
    all: usize,
    one_table: usize,
}

impl Shares {
    fn of(sessions: u32) -> Self {
        let sessions = usize::try_from(sessions).unwrap_or(usize::MAX);
        let kept = if sessions < 4 { 1 } else { 2 };
        let all = sessions.saturating_sub(kept).max(1);
        Self {
            all,
            one_table: all.saturating_sub(1).max(1),
        }
    }
}

/// The right to a session; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Turn {
    _of_table: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new(options: &PostgresOptions) -> Self {
        let shares = Shares::of(options.connections);
        Self {
            all: Arc::new(Semaphore::new(shares.all)),
            of_table: Mutex::default(),
            shares,
            patience: options.patience,
        }
    }

    /// Waits for a turn with a table, for as long as for a session.
    pub(super) async fn take(&self, table: &str) -> Result<Turn, LedgerError> {
        let of_table = self.of_table(table);
        let taking = async {
            // The table's own first: who waits for it keeps nobody else waiting.
            let of_table = of_table.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn {
                _of_table: of_table,
                _of_all: of_all,
            })
        };
        let taken = timeout(self.patience, taking).await.ok().flatten();
        taken.ok_or_else(|| failed("wait for a turn")(sqlx::Error::PoolTimedOut))
    }

    fn of_table(&self, table: &str) -> Arc<Semaphore> {
        let mut of_table = self.of_table.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(self.shares.one_table));
        Arc::clone(of_table.entry(table.to_owned()).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_never_get_all_sessions_and_a_table_never_all_of_those_where_there_are_enough() {
        for (sessions, all, one_table) in [(2, 1, 1), (3, 2, 1), (4, 2, 1), (5, 3, 2), (20, 18, 17)] {
            assert_eq!(Shares::of(sessions), Shares { all, one_table }, "{sessions}");
        }
    }
}
