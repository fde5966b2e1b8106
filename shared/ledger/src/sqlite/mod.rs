//! The ledger in one SQLite file, for a laptop or one small server.
//!
//! One connection writes, inside `BEGIN IMMEDIATE`; a few read snapshots beside it (WAL). A commit is on the disk
//! when it returns (`synchronous = FULL`). Several processes may have the file open; which of them runs segments
//! is decided elsewhere, by a lock on a file of its own.

mod api_keys;
mod audit;
mod backup;
mod brakes;
mod cancelling;
mod claims;
mod clocks;
mod codec;
mod comparing;
mod connections;
mod consents;
mod coverage;
mod dead_letters;
mod dispatching;
mod error;
mod file;
mod hints;
mod http_answers;
mod learned;
mod master_key;
mod models;
mod overview;
mod pages;
mod quarantine;
mod records;
mod refreshes;
mod remaining;
mod replays;
mod reports;
mod runs;
mod segments;
mod syncing;
#[cfg(test)]
mod tests;
mod triggers;
mod typed;
mod upsert;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_model::Clock;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, Transaction};
use tokio::time::timeout;

use crate::LedgerError;
pub use backup::{Backup, BackupError, back_up};
use codec::Stamp;
use error::failed;

/// How long a statement waits for another process that writes. The longest of these writes is the submission of a
/// million segments, about 12 s.
const BUSY: Duration = Duration::from_secs(30);

/// Bytes that the log keeps on the disk after a large transaction: 64 MiB.
const LOG: &str = "67108864";

/// How long the end of all connections is waited for, and with it the last write of the log's pages into the file.
const CLOSING: Duration = Duration::from_secs(30);

/// How long readers in other processes may hold up the folding of the log.
const READER_PATIENCE: Duration = Duration::from_secs(2);

/// Readers at once in this process.
const READERS: u32 = 4;

/// A ledger in a SQLite file.
#[derive(Clone)]
pub struct SqliteLedger {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl std::fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLedger")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SqliteLedger {
    /// Opens the ledger in the file at `path`, which is made if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`LedgerError::Foreign`] if the file holds something else, [`LedgerError::NewerVersion`] if a newer
    /// program wrote it: in both cases it is left as it is.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        // SQLite follows a link too, and keeps its log beside the file that it leads to.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let found = file::inspect(path).await?;
        if found == file::Found::Nothing {
            file::make_private(path);
        }
        let ledger = Self::over(path, clock);
        let prepared = ledger.prepare(found).await;
        if prepared.is_err() {
            ledger.close().await;
        }
        prepared.map(|()| ledger)
    }

    async fn prepare(&self, found: file::Found) -> Result<(), LedgerError> {
        if found == file::Found::Current && self.has_write_ahead_log().await? {
            return Ok(());
        }
        self.migrate().await
    }

    /// Opens the ledger in an existing file: for commands that only make sense where something is stored.
    ///
    /// # Errors
    /// As [`SqliteLedger::open`]; [`LedgerError::Unavailable`] if there is no file.
    pub async fn open_existing(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        if file::inspect(path).await? == file::Found::Nothing {
            return Err(LedgerError::Unavailable(
                format!("there is no ledger at {}", path.display()),
                None,
            ));
        }
        Self::open(path, clock).await
    }

    /// Whether there is a file at `path` in which nothing was ever stored, not even a table. Looks and changes nothing.
    pub fn is_empty_file(path: &Path) -> bool {
        file::is_empty(path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends all connections to the file and leaves it as one: what was committed is in it, not in a log beside it. Until
    /// then a copy of the file alone may lack anything, all of it even.
    ///
    /// Other processes that have it open keep the log; the last of them folds it in.
    pub async fn close(&self) {
        let closing = async {
            self.readers.close().await;
            self.fold_log().await;
            // The last connection to go, which could write: it takes the log with it.
            self.writer.close().await;
        };
        if timeout(CLOSING, closing).await.is_err() {
            let path = self.path.display();
            tracing::warn!(%path, "the database was not closed in time: copy it only together with its -wal file");
        }
    }

    /// Brings the log into the file. Also for a process that has only read: whoever was killed before may have left one.
    async fn fold_log(&self) {
        if !self.path.exists() {
            return;
        }
        // Who reads elsewhere is not waited for long: what is folded is folded.
        let wait = format!("PRAGMA busy_timeout = {}", READER_PATIENCE.as_millis());
        let folded = async {
            let mut writer = self.writer.acquire().await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(wait))
                .execute(&mut *writer)
                .await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut *writer)
                .await
        };
        if let Err(error) = folded.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the log stays beside the database"
            );
        }
    }

    fn over(path: &Path, clock: Arc<dyn Clock>) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("journal_size_limit", LOG)
            // Statements carry records; they are reported by whoever handles their errors.
            .disable_statement_logging();
        let writer = pool(1).connect_lazy_with(options.clone().create_if_missing(true));
        let readers = pool(READERS).connect_lazy_with(options.read_only(true));
        Self {
            path: path.to_owned(),
            clock,
            writer,
            readers,
        }
    }

    /// The ledger's time, as exact as the file can hold it.
    fn now(&self) -> Stamp {
        self.clock.now().into()
    }

    /// Begins to write. Until the commit nothing but SQL may be awaited: everybody else who writes is waiting.
    /// Dropping the transaction undoes it.
    async fn write(&self, step: &'static str) -> Result<Transaction<'static, Sqlite>, LedgerError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed(step))
    }

    /// Begins to read one snapshot.
    async fn read(&self, step: &'static str) -> Result<Transaction<'static, Sqlite>, LedgerError> {
        self.readers.begin().await.map_err(failed(step))
    }
}

/// A pool whose connections live as long as it does, unless one is left inside a transaction.
fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // After an error such as a full disk SQLite has rolled back by itself; the rollback that follows then
        // fails, and the connection would believe for ever that a transaction is open. It is replaced. (The ping
        // comes first, because a rollback may still be on its way.)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}
