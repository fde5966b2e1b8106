//! The ledger in Postgres, for a fleet.
//!
//! Every process has a small pool; the clock is the server's. Transactions are short and run at READ COMMITTED: what
//! must hold between several is held by the fence in the segment's row, by unique indexes and by row locks that the
//! statements explain. Rows are locked in the order of their ids; should two transactions still block each other, the
//! one that Postgres undoes is done again.
//!
//! Sessions have settings and prepared statements: a pooler in between must keep a session to its client (PgBouncer:
//! `pool_mode = session`). One that does not is refused (`pooler.rs`).

mod api_keys;
mod audit;
mod brakes;
mod cancelling;
mod claims;
mod clocks;
mod codec;
mod comparing;
mod connection_rows;
mod connections;
mod consents;
mod coverage;
mod database;
mod dead_letter_rows;
mod dead_letters;
mod dispatching;
mod error;
mod hints;
mod http_answers;
mod leadership;
mod learned;
mod master_key;
mod models;
mod overview;
mod pages;
mod pool;
mod pooler;
mod quarantine;
mod records;
mod refreshes;
mod remaining;
mod removing;
mod renewed;
mod replays;
mod reports;
mod reviving;
mod runs;
mod segments;
mod session;
mod statements;
mod syncing;
mod triggers;
mod turns;
mod typed;
mod unanswered;
mod upsert;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Postgres, Transaction};
use tokio::time::timeout;

use crate::LedgerError;
use error::failed;
pub use leadership::Leadership;
use pool::Pool;
use turns::Turns;

/// How long the end of the connections is waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a Postgres is reached, beside its URL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Connections at once. 5. Two of them (one of fewer than four) are never with the tables of records.
    pub connections: u32,
    /// The certificate (PEM) of the authority that signed the server's. With it the server must prove its name
    /// (`sslmode=verify-full`), unless the URL says `disable` or `verify-ca`.
    pub root_certificate: Option<PathBuf>,
    /// What this program shows to a server that asks who it is.
    pub client: Option<ClientCertificate>,
    /// How long to wait for a free session. 10 s.
    pub patience: Duration,
    /// What the server's lists of sessions call this program.
    pub application_name: String,
}

/// A certificate of this program's, PEM files.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 5,
            patience: session::CONNECTING,
            root_certificate: None,
            client: None,
            application_name: "ledgerfleet".to_owned(),
        }
    }
}

/// A ledger in a Postgres database.
#[derive(Debug, Clone)]
pub struct PostgresLedger {
    pool: Pool,
    turns: Arc<Turns>,
}

impl PostgresLedger {
    /// Connects to the ledger in the database at `url`.
    ///
    /// # Errors
    /// [`LedgerError::NewerVersion`] if a newer program has migrated it; [`LedgerError::NotMigrated`] if it has not
    /// been migrated for this program; [`LedgerError::Unavailable`] if it cannot be reached or
    /// refuses the user; [`LedgerError::Unsuitable`] if a pooler gives sessions away, or the encoding cannot hold all texts.
    pub async fn connect(url: &str, options: &PostgresOptions) -> Result<Self, LedgerError> {
        let target = session::target(url, options)?;
        database::check_version(&target).await?;
        Ok(Self {
            pool: Pool::new(options, target),
            turns: Arc::new(Turns::new(options)),
        })
    }

    /// Brings the schema of the database at `url` up to date. It may be called from several places at once: one does
    /// it, the others wait. An applied migration is never run again, nor may its file have changed since.
    ///
    /// # Errors
    /// As [`PostgresLedger::connect`]; [`LedgerError::Foreign`] if the database has a schema `fleet` of another program.
    pub async fn migrate(url: &str, options: &PostgresOptions) -> Result<(), LedgerError> {
        database::migrate(&session::target(url, options)?).await
    }

    /// Ends all connections. A server that does not answer is not waited for: what it has committed it has.
    pub async fn close(&self) {
        if timeout(LAST_WORDS, self.pool.close()).await.is_err() {
            tracing::debug!("the connections to Postgres were not ended in time");
        }
    }

    /// Begins a transaction. Dropping it undoes it.
    async fn begin(&self, step: &'static str) -> Result<Transaction<'static, Postgres>, LedgerError> {
        self.pool.begin().await.map_err(failed(step))
    }
}
