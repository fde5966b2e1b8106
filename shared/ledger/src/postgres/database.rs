//! The database: its schema, and whether this program understands it.

use std::sync::LazyLock;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};

use super::error::{failed, migration_failed};
use super::pooler::refuse_sharing;
use super::session::connect;
use crate::LedgerError;

/// Its bookkeeping is kept beside the tables, so that another program's in the same database is not mistaken for it.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.dangerous_set_table_name("fleet.migrations");
    migrations.create_schema("fleet");
    migrations
});

/// What the session of a migration is told. Others who migrate are waited for, however long they take; who uses a table is
/// waited for briefly, because everybody who comes later waits behind a migration that waits. Then what it would have
/// changed is as it was, and it is run again.
const MIGRATION: &str = "
    SELECT pg_advisory_lock(hashtextextended('ledgerfleet migrate', 0));
    SET lock_timeout = '5s'";

/// Refuses a database that this program does not understand.
pub(super) async fn check_version(target: &PgConnectOptions) -> Result<(), LedgerError> {
    let mut connection = connect(target).await?;
    refuse_encoding(&mut connection).await?;
    refuse_sharing(target, &mut connection).await?;
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
    refuse_encoding(&mut connection).await?;
    refuse_sharing(target, &mut connection).await?;
    let known = newest();
    match version(&mut connection).await? {
        Some(found) if found > known => return Err(LedgerError::NewerVersion { found, known }),
        Some(_) => {}
        None => refuse_foreign(&mut connection).await?,
    }
    let told = sqlx::raw_sql(MIGRATION).execute(&mut connection).await;
    told.map_err(failed("migrate"))?;
    // Checks what is applied under the lock, which ends with the connection.
    MIGRATIONS
        .run_direct(None, &mut connection, false)
        .await
        .map_err(migration_failed(known))?;
    connection.close().await.map_err(failed("migrate"))
}

/// Refuses an encoding that cannot hold every text, or that checks none.
async fn refuse_encoding(connection: &mut PgConnection) -> Result<(), LedgerError> {
    // Without a prepared statement: whether a pooler keeps those is not known yet.
    let row = sqlx::raw_sql("SELECT current_setting('server_encoding')")
        .fetch_one(connection)
        .await;
    let row = row.map_err(failed("read the encoding"))?;
    let encoding: String = row.try_get(0).map_err(failed("read the encoding"))?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(LedgerError::Unsuitable {
        what: format!(
            "the database's encoding is {encoding}, which cannot hold every text of a company's books"
        ),
        next: "make a database whose encoding is UTF8 and name that: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'",
    })
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
