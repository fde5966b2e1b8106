//! Reaching a database, and what it must hold.

use std::time::Duration;

use ledgerfleet_ledger::{Connections, LedgerError, PostgresLedger, PostgresOptions};
use ledgerfleet_testkit::{Database, PrivatePostgres, Settings};
use sqlx::Connection as _;
use tokio::time::timeout;

use super::world::{connect, migrate};

fn empty() -> Database<'static> {
    PrivatePostgres::shared().empty_database()
}

async fn migrated() -> Database<'static> {
    PrivatePostgres::shared().database(migrate).await
}

async fn try_migrate(url: &str) -> Result<(), LedgerError> {
    PostgresLedger::migrate(url, &PostgresOptions::default()).await
}

#[tokio::test]
async fn a_database_without_a_ledger_says_what_to_run() {
    let database = empty();
    let error = connect(&database.url()).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotMigrated { .. }), "{error:?}");
    assert!(error.to_string().contains("scheduler migrate"), "{error}");
}

#[tokio::test]
async fn an_older_ledger_says_what_to_run() {
    let database = migrated().await;
    database.command("DELETE FROM fleet.migrations WHERE version > 1");
    let error = connect(&database.url()).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotMigrated { .. }), "{error:?}");
    assert!(error.to_string().contains("scheduler migrate"), "{error}");
}

#[tokio::test]
async fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let database = migrated().await;
    database.command("INSERT INTO fleet.migrations SELECT (jsonb_populate_record(m, '{\"version\": 4711}')).* FROM fleet.migrations AS m WHERE version = 1");
    for error in [
        connect(&database.url()).await.unwrap_err(),
        try_migrate(&database.url()).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, LedgerError::NewerVersion { found: 4711, known } if known < 4711),
            "{error:?}"
        );
    }
    assert_eq!(
        database.command("SELECT max(version) FROM fleet.migrations"),
        "4711"
    );
}

#[tokio::test]
async fn tables_of_another_program_are_left_alone() {
    for schema in ["fleet", "raw"] {
        let database = empty();
        database.command(&format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.records (vehicle text)"
        ));
        let error = try_migrate(&database.url()).await.unwrap_err();
        assert!(
            matches!(&error, LedgerError::Foreign(what) if what.contains("another program")),
            "{error:?}"
        );
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('fleet', 'raw')";
        assert_eq!(database.command(tables), "1");
    }
}

#[tokio::test]
async fn a_schema_named_raw_that_others_use_too_is_shared() {
    let database = empty();
    database.command("CREATE SCHEMA raw; CREATE TABLE raw.sheets (cell text)");
    try_migrate(&database.url()).await.unwrap();
    connect(&database.url()).await.unwrap();
}

/// As it was before the index that 18 adds.
const BEFORE_18: &str = "DROP INDEX fleet.segments_failing; DELETE FROM fleet.migrations WHERE version = 18";

#[tokio::test]
async fn a_migration_gives_up_behind_who_uses_a_table_so_that_nobody_waits_behind_it() {
    let database = migrated().await;
    database.command(BEFORE_18);
    let mut backup = sqlx::PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE fleet.segments IN ROW EXCLUSIVE MODE")
        .execute(&mut backup)
        .await
        .unwrap();
    let url = database.url();
    let given_up = timeout(Duration::from_mins(1), try_migrate(&url)).await;
    let error = given_up.expect("it waits without end").unwrap_err();
    assert!(error.is_passing(), "{error:?}");
    assert!(error.to_string().contains("another session"), "{error}");

    sqlx::raw_sql("ROLLBACK").execute(&mut backup).await.unwrap();
    try_migrate(&url).await.unwrap();
    connect(&url).await.unwrap();
}

#[tokio::test]
async fn who_migrates_waits_for_another_who_does_however_long_that_takes() {
    let database = migrated().await;
    let mut other = sqlx::PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql("SELECT pg_advisory_lock(hashtextextended('ledgerfleet migrate', 0))")
        .execute(&mut other)
        .await
        .unwrap();
    let url = database.url();
    let mut waiting = tokio::spawn(async move { try_migrate(&url).await });
    let waits = timeout(Duration::from_secs(7), &mut waiting).await;
    assert!(waits.is_err(), "it has not waited: {waits:?}");
    other.close().await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn several_places_may_migrate_at_once_and_once_more() {
    let database = empty();
    let url = database.url();
    let all = futures::future::join_all((0..4).map(|_| try_migrate(&url))).await;
    for migrated in all {
        migrated.unwrap();
    }
    try_migrate(&url).await.unwrap();
    let ledger = connect(&url).await.unwrap();
    assert!(ledger.connections().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_applied_migration_whose_file_has_changed_since_is_refused() {
    let database = migrated().await;
    database.command(r"UPDATE fleet.migrations SET checksum = '\x00'");
    let error = try_migrate(&database.url()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt(_)), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable_and_says_why() {
    let nowhere = "postgres://postgres@localhost/test?host=/nowhere/at/all";
    let missing = PrivatePostgres::shared().url("no_such_database");
    for (url, why) in [(nowhere, "connect"), (&*missing, "no database of this name")] {
        for error in [
            connect(url).await.unwrap_err(),
            try_migrate(url).await.unwrap_err(),
        ] {
            assert!(
                matches!(&error, LedgerError::Unavailable(..)) && error.is_passing(),
                "{error:?}"
            );
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_read_does_not_show_its_password() {
    for url in [
        "postgres://u:s3cret@host:port/db",
        "postgres://u:s3cret@[::1/db",
        "s3cret",
    ] {
        let error = connect(url).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

/// One server for all, because it takes most of a second to make.
#[tokio::test]
async fn a_server_behind_tls_must_prove_its_name_to_an_authority_that_is_trusted() {
    let settings = Settings {
        tls: true,
        ..Settings::default()
    };
    let postgres = PrivatePostgres::start_with(&settings);
    let trusting = |certificate| PostgresOptions {
        root_certificate: Some(certificate),
        ..PostgresOptions::default()
    };
    let trusted = trusting(postgres.root_certificate());
    let url = postgres.url("postgres");
    PostgresLedger::migrate(&url, &trusted).await.unwrap();
    let ledger = PostgresLedger::connect(&url, &trusted).await.unwrap();
    assert!(ledger.connections().await.unwrap().is_empty());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name = 'ledgerfleet'";
    assert_eq!(postgres.command(encrypted), "1");

    let another = PrivatePostgres::start_with(&settings);
    let strange = PostgresLedger::connect(&url, &trusting(another.root_certificate())).await;
    assert!(
        matches!(strange, Err(LedgerError::Unavailable(..))),
        "{strange:?}"
    );
    let renamed = url.replace("localhost", "127.0.0.1");
    let renamed = PostgresLedger::connect(&renamed, &trusted).await;
    assert!(
        matches!(renamed, Err(LedgerError::Unavailable(..))),
        "{renamed:?}"
    );

    let plain = PrivatePostgres::start_with(&Settings {
        tcp: true,
        ..Settings::default()
    });
    let plain = PostgresLedger::connect(&plain.url("postgres"), &trusted).await;
    assert!(matches!(plain, Err(LedgerError::Unavailable(..))), "{plain:?}");
}
