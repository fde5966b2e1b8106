//! World: an upstream in a process of its own, a Redis, a durable Postgres and real programs. All of it ends when this is
//! dropped.

mod redis;
mod settings;
mod upstream;
mod work;

use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::time::Instant;

use ledgerfleet_chaos::{Fleet, Hire};
use ledgerfleet_ledger::{NewConnection, PostgresLedger, PostgresOptions};
use ledgerfleet_model::{Connection, ConnectionId, Environment};
use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{PrivatePostgres, PrivateRedis, Process, Settings};
use ledgerfleet_wiring::{Opening, Parts, assemble};
use secrecy::SecretString;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tempfile::TempDir;

pub(crate) use redis::{count_commands, info};
pub(crate) use settings::Variables;
pub(crate) use upstream::{Books, Company, Upstream};
pub(crate) use work::{LAST, empty_days};

use crate::usage::{self, Usage};
use crate::{Bench, Size};

/// A rate that is no limit, in requests per second.
const UNLIMITED_RATE: f64 = 1_000.0;

/// What Postgres is told beside the testkit's own settings: it keeps what it has committed as it does anywhere.
pub(crate) const POSTGRES: &[(&str, &str)] = &[
    ("wal_level", "replica"),
    ("max_connections", "300"),
    ("max_wal_size", "8GB"),
    // When a transaction was over, and not only when it began.
    ("track_commit_timestamp", "on"),
];

/// Whether a company's gate holds anybody back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    /// The connector's own.
    Own,
    /// As good as none on the rate, and so many slots for each company: as many as it can use, because a leader offers
    /// as many of its segments.
    Off { slots: u32 },
}

impl Limits {
    /// The slots, where they are not the connector's own.
    fn slots(self) -> Option<u32> {
        match self {
            Self::Own => None,
            Self::Off { slots } => Some(slots),
        }
    }
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) books: Books,
    pub(crate) limits: Limits,
}

/// Everything that a figure works with. The order is that in which it ends.
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    /// The harness's own way to ledger and bell.
    pub(crate) parts: Parts,
    /// Statements behind the product's back.
    pub(crate) database: PgPool,
    pub(crate) upstream: Upstream,
    pub(crate) redis: PrivateRedis,
    pub(crate) postgres: PrivatePostgres,
    pub(crate) connections: Vec<Connection>,
    pub(crate) variables: Variables,
    pub(crate) folder: TempDir,
    scheduler: PathBuf,
    limits: Limits,
    database_url: String,
}

impl World {
    /// Makes a world without workers.
    pub(crate) async fn new(bench: &Bench, ground: &Ground) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::start(&bench.programs.emulator(), &ground.books, folder.path()).await;
        let redis = PrivateRedis::start();
        let postgres = start_postgres(bench);
        let database_url = postgres.url("postgres");
        PostgresLedger::migrate(&database_url, &PostgresOptions::default())
            .await
            .unwrap();
        let mut variables = settings::variables(&upstream, folder.path(), ground.limits);
        variables.push(("LEDGERFLEET_DATABASE_URL", database_url.clone()));
        variables.push(("LEDGERFLEET_REDIS_URL", redis.tcp_url()));
        let loaded = settings::load(&variables, folder.path());
        let program = bench.programs.worker();
        let options = PgConnectOptions::from_str(&database_url).unwrap();
        let mut world = Self {
            fleet: Fleet::new(program, folder.path().to_owned(), variables.clone()),
            parts: assemble(&loaded, Opening::Existing).await.unwrap(),
            database: PgPoolOptions::new().max_connections(2).connect_lazy_with(options),
            upstream,
            redis,
            postgres,
            connections: Vec::new(),
            variables,
            folder,
            scheduler: bench.programs.scheduler(),
            limits: ground.limits,
            database_url,
        };
        for company in world.upstream.companies.clone() {
            world
                .add(company.name, company.realm, company.refresh_token)
                .await;
        }
        world
    }

    async fn add(&mut self, name: String, account: String, refresh_token: String) {
        let new = NewConnection {
            // Numbered, so that statements can name them.
            id: ConnectionId(uuid::Uuid::from_u128(self.connections.len() as u128 + 1)),
            name,
            connector: "quickbooks".to_owned(),
            account,
            environment: Environment::Sandbox,
            time_zone: chrono_tz::UTC,
            requests_per_second: self.limits.slots().map(|_| UNLIMITED_RATE),
            slots: self.limits.slots(),
        };
        let credential = self
            .parts
            .access
            .seal_first(new.id, &SecretString::from(refresh_token));
        let added = self.parts.ledger.add_connection(&new, &credential).await;
        self.connections.push(added.unwrap());
    }

    /// Adds companies that no upstream knows.
    pub(crate) async fn add_strangers(&mut self, many: usize) {
        for number in 0..many {
            let name = format!("stranger-{number}");
            self.add(name, number.to_string(), "of no use".to_owned()).await;
        }
    }

    /// Starts a worker; answers its number.
    pub(crate) fn hire(&mut self, concurrency: u32) -> usize {
        self.fleet.hire(&Hire {
            concurrency,
            ..Hire::default()
        })
    }

    /// Another process's way to ledger and bell, as it were, with so many sessions at the database.
    pub(crate) async fn more_parts(&self, sessions: usize) -> Parts {
        let mut variables = self.variables.clone();
        variables.push(("LEDGERFLEET_DATABASE_CONNECTIONS", sessions.to_string()));
        let loaded = settings::load(&variables, self.folder.path());
        assemble(&loaded, Opening::Existing).await.unwrap()
    }

    /// Commands that were sent to Redis so far.
    pub(crate) async fn sent_to_redis(&self) -> f64 {
        count_commands(&self.redis).await
    }

    /// Waits until a worker leads, if nobody else does, and can be given work.
    pub(crate) async fn until_ready(&mut self, number: usize) {
        until("the worker leads", PATIENCE, async || {
            let worker = &mut self.fleet.workers[number];
            assert!(worker.process.ended().is_none(), "{}", worker.process.log());
            worker.metric("ledgerfleet_leader") > 0.0
        })
        .await;
    }

    /// Runs a command of the scheduler to its end.
    pub(crate) async fn scheduler(
        &self,
        name: &str,
        arguments: &[&str],
        variables: &Variables,
    ) -> (Usage, String) {
        let mut command = Command::new(&self.scheduler);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)));
        let log = self.folder.path().join(format!("{name}.log"));
        let began = Instant::now();
        let process = Process::start(&mut command, &log);
        let usage = usage::of_ended(process, began).await;
        (usage, std::fs::read_to_string(log).unwrap_or_default())
    }

    /// Where the ledger is.
    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// One number from the database.
    pub(crate) async fn number(&self, query: &'static str) -> f64 {
        sqlx::query_scalar(query).fetch_one(&self.database).await.unwrap()
    }

    /// Runs statements behind the product's back.
    pub(crate) async fn execute(&self, statements: &'static str) {
        sqlx::raw_sql(statements).execute(&self.database).await.unwrap();
    }

    /// Has the server done with what came before, so that of two that are compared neither pays for the other.
    pub(crate) async fn settle_down(&self) {
        self.execute("VACUUM ANALYZE").await;
        self.execute("CHECKPOINT").await;
    }

    /// Processor time of Postgres so far, in seconds.
    pub(crate) fn cpu_of_postgres(&self) -> f64 {
        usage::cpu_of_server(self.postgres.pid())
    }
}

/// One whose commits are on the disk, unless nobody looks at the numbers.
fn start_postgres(bench: &Bench) -> PrivatePostgres {
    let further = POSTGRES
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    PrivatePostgres::start_with(&Settings {
        durable: bench.size == Size::Full,
        tcp: true,
        further: further.collect(),
        ..Settings::default()
    })
}
