//! The database: how it is reached, and its schema.

use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, Executor};

use super::PostgresOptions;
use super::error::{failed, migration_failed};
use crate::LedgerError;

/// Its bookkeeping is kept beside the tables, so that another program's in the same database is not mistaken for it.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.dangerous_set_table_name("fleet.migrations");
    migrations.create_schema("fleet");
    migrations
});

/// How long to wait for a connection.
const CONNECTING: Duration = Duration::from_secs(10);

/// A connection that has been used within this time is taken to be alive.
const FRESH: Duration = Duration::from_secs(5);

/// What every session is told. Locks are waited for and statements run for a bounded time, an abandoned transaction
/// does not stay open, a server notices that its client is gone, and a commit is on the disk when it returns, whatever
/// the server's defaults are. Plans of these statements are never worth compiling.
const SESSION: &str = "
    SET lock_timeout = '5s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '30s';
    SET tcp_keepalives_idle = '30s';
    SET tcp_keepalives_interval = '10s';
    SET tcp_keepalives_count = 3;
    SET default_transaction_isolation = 'read committed';
    SET timezone = 'UTC';
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Where and how to connect.
pub(super) fn target(url: &str, options: &PostgresOptions) -> Result<PgConnectOptions, LedgerError> {
    let target = PgConnectOptions::from_str(url).map_err(LedgerError::Url)?;
    let target = target
        .application_name(&options.application_name)
        // Statements carry records; they are reported by whoever handles their errors.
        .disable_statement_logging();
    Ok(match &options.root_certificate {
        Some(certificate) => target.ssl_root_cert(certificate).ssl_mode(PgSslMode::VerifyFull),
        None => target,
    })
}

pub(super) fn pool(options: &PostgresOptions) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(CONNECTING)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(drop) }))
        // A connection keeps a buffer as long as the longest statement it ever sent, and a page is megabytes.
        .after_release(|connection, _| {
            connection.shrink_buffers();
            Box::pin(async { Ok(true) })
        })
}

/// A connection outside the pool. Its errors tell why there is none, where a pool only tells that it waited.
async fn connect(target: &PgConnectOptions) -> Result<PgConnection, LedgerError> {
    let connected = tokio::time::timeout(CONNECTING, target.connect()).await;
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(failed("connect"))
}

/// Refuses a database that this program does not understand.
pub(super) async fn check_version(target: &PgConnectOptions) -> Result<(), LedgerError> {
    let mut connection = connect(target).await?;
    let found = version(&mut connection).await?;
    connection.close().await.map_err(failed("connect"))?;
    let known = newest();
    match found {
        Some(found) if found > known => Err(LedgerError::NewerVersion { found, known }),
        Some(found) if found == known => Ok(()),
        found => Err(LedgerError::NotMigrated { found, known }),
    }
}

pub(super) async fn migrate(target: &PgConnectOptions) -> Result<(), LedgerError> {
    let mut connection = connect(target).await?;
    let known = newest();
    match version(&mut connection).await? {
        Some(found) if found > known => return Err(LedgerError::NewerVersion { found, known }),
        Some(_) => {}
        None => refuse_foreign(&mut connection).await?,
    }
    // Takes a lock that others who migrate wait for, and checks what is applied under it.
    MIGRATIONS
        .run_direct(None, &mut connection, false)
        .await
        .map_err(migration_failed(known))?;
    connection.close().await.map_err(failed("migrate"))
}

/// The schema's version; none where no ledger is.
async fn version(connection: &mut PgConnection) -> Result<Option<i64>, LedgerError> {
    // Not checked at compile time: the table is not the migrations' own.
    const THERE: &str = "SELECT to_regclass('fleet.migrations') IS NOT NULL";
    const VERSION: &str = "SELECT max(version) FROM fleet.migrations WHERE success";
    let there: bool = sqlx::query_scalar(THERE)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("read the schema's version"))?;
    if !there {
        return Ok(None);
    }
    let version = sqlx::query_scalar(VERSION).fetch_one(connection).await;
    version.map_err(failed("read the schema's version"))
}

async fn refuse_foreign(connection: &mut PgConnection) -> Result<(), LedgerError> {
    const TABLES: &str = "
        SELECT count(*) FROM pg_catalog.pg_tables
        WHERE (schemaname = 'fleet' AND tablename <> 'migrations') OR (schemaname, tablename) = ('raw', 'records')";
    let tables: i64 = sqlx::query_scalar(TABLES)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("look for other programs"))?;
    // Tables that have a version by now are a ledger that somebody has made since we looked.
    if tables == 0 || version(connection).await?.is_some() {
        return Ok(());
    }
    Err(LedgerError::Foreign(
        "the database has tables of another program in its schema fleet or raw: name another database"
            .to_owned(),
    ))
}

/// The schema version that this program writes.
fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use ledgerfleet_testkit::PrivatePostgres;

    use super::*;

    #[tokio::test]
    async fn every_session_is_bounded_and_durable_whatever_the_server_says() {
        let database = PrivatePostgres::shared().empty_database();
        assert_eq!(database.command("SHOW synchronous_commit"), "off");
        let options = PostgresOptions::default();
        let pool = pool(&options).connect_lazy_with(target(&database.url(), &options).unwrap());
        for (name, expected) in [
            ("application_name", "ledgerfleet"),
            ("default_transaction_isolation", "read committed"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("lock_timeout", "5s"),
            ("statement_timeout", "1min"),
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
        ] {
            let value: String = sqlx::query_scalar("SELECT current_setting($1)")
                .bind(name)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(value, expected, "{name}");
        }
    }
}
