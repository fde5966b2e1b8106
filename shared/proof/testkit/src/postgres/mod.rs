//! A Postgres of one's own.
//!
//! A cluster takes most of a second to make, a database in it a few hundredths. So tests share one cluster a machine
//! and user, each in a database of its own: [`PrivatePostgres::shared`]. Who kills servers or needs other settings
//! starts a cluster for that alone: [`PrivatePostgres::start_with`].

mod cluster;
mod database;
mod pooler;
mod psql;
mod shared;

use cluster::Cluster;
use psql::Psql;

pub use cluster::{Settings, program as postgres_program};
pub use database::Database;
pub use pooler::PrivatePooler;

/// A running Postgres.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    /// A session that says "in use" to the guard of a shared cluster, for as long as this process lives.
    #[expect(dead_code, reason = "it only has to live")]
    presence: Option<Psql>,
}

impl PrivatePostgres {
    /// The cluster that all tests of this user share. Whoever comes first starts it; half a minute after nobody is
    /// left, however they ended, it stops.
    pub fn shared() -> &'static Self {
        static SHARED: std::sync::OnceLock<PrivatePostgres> = std::sync::OnceLock::new();
        SHARED.get_or_init(|| {
            let (cluster, presence) = shared::join();
            Self {
                cluster,
                presence: Some(presence),
            }
        })
    }

    /// Starts a cluster that ends when this is dropped, fast and forgetful.
    pub fn start() -> Self {
        Self::start_with(&Settings::default())
    }

    /// Starts a cluster that ends when this is dropped.
    pub fn start_with(settings: &Settings) -> Self {
        Self {
            cluster: Cluster::start(settings),
            presence: None,
        }
    }

    /// Starts a primary with a port, and a standby that follows it. `SELECT pg_promote()` makes the standby a primary.
    pub fn start_pair() -> (Self, Self) {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let settings = Settings {
            tcp: true,
            further: vec![
                setting("wal_level", "replica"),
                setting("max_wal_senders", "4"),
                setting("shared_buffers", "32MB"),
            ],
            ..Settings::default()
        };
        let primary = Self::start_with(&settings);
        let standby = Self {
            cluster: primary.cluster.start_standby(&settings),
            presence: None,
        };
        (primary, standby)
    }

    /// Where to reach a database of that name.
    pub fn url(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    /// Runs statements in the database `postgres` and answers their rows, for what a test does behind the product's
    /// back.
    pub fn command(&self, sql: &str) -> String {
        Psql::connect(&self.cluster, "postgres").run(sql).unwrap()
    }

    /// The certificate of the authority that signed the server's, where it speaks TLS.
    pub fn root_certificate(&self) -> std::path::PathBuf {
        self.cluster.root_certificate()
    }

    /// A certificate that this authority has signed, and its key, for who must show one.
    pub fn client_certificate(&self) -> (std::path::PathBuf, std::path::PathBuf) {
        let directory = self.cluster.directory();
        (directory.join("client.crt"), directory.join("client.key"))
    }

    /// Kills the server and all its sessions without warning, as a power cut would.
    pub fn kill(&mut self) {
        self.cluster.kill();
    }

    /// Starts a killed server again on what it had written.
    pub fn start_again(&mut self) {
        self.cluster.start_again();
    }

    /// The port that it listens on, if it was told to.
    pub fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// The process number of the server, for signals.
    pub fn pid(&self) -> u32 {
        self.cluster.pid()
    }
}
