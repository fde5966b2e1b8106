//! What stands between a process and its database: poolers, encryption, addresses, encodings.

use std::time::Duration;

use ledgerfleet_ledger::{
    ClientCertificate, Connections, Dispatching, LedgerError, PostgresLedger, PostgresOptions,
};
use ledgerfleet_testkit::wait::until;
use ledgerfleet_testkit::{PrivatePooler, PrivatePostgres, Settings};
use sqlx::Executor;
use sqlx::postgres::PgPoolOptions;

async fn try_migrate(url: &str, options: &PostgresOptions) -> Result<(), LedgerError> {
    PostgresLedger::migrate(url, options).await
}

#[tokio::test]
async fn a_pooler_that_keeps_a_session_to_its_client_is_worked_with() {
    let postgres = PrivatePostgres::start();
    let pooler = PrivatePooler::start(&postgres, "session");
    let (url, options) = (pooler.url("postgres"), PostgresOptions::default());
    try_migrate(&url, &options).await.unwrap();
    let ledger = PostgresLedger::connect(&url, &options).await.unwrap();
    assert!(ledger.connections().await.unwrap().is_empty());
    ledger.close().await;
}

#[tokio::test]
async fn a_pooler_that_lends_a_session_to_others_is_refused_with_the_reason() {
    let postgres = PrivatePostgres::start();
    let options = PostgresOptions::default();
    try_migrate(&postgres.url("postgres"), &options).await.unwrap();
    for mode in ["transaction", "statement"] {
        let pooler = PrivatePooler::start(&postgres, mode);
        let url = pooler.url("postgres");
        for refused in [
            PostgresLedger::connect(&url, &options).await.map(drop),
            try_migrate(&url, &options).await,
        ] {
            let Err(LedgerError::Unsuitable { what, next }) = refused else {
                panic!("{mode}: {refused:?}")
            };
            assert!(
                what.contains("pooler") && next.contains("pool_mode = session"),
                "{what}: {next}"
            );
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused_with_what_to_do() {
    let postgres = PrivatePostgres::start();
    let options = PostgresOptions::default();
    for encoding in ["SQL_ASCII", "LATIN1", "EUC_JP"] {
        let name = encoding.to_lowercase();
        postgres.command(&format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        ));
        let url = postgres.url(&name);
        for refused in [
            try_migrate(&url, &options).await,
            PostgresLedger::connect(&url, &options).await.map(drop),
        ] {
            let Err(LedgerError::Unsuitable { what, next }) = refused else {
                panic!("{encoding}: {refused:?}")
            };
            assert!(what.contains(encoding) && next.contains("UTF8"), "{what}: {next}");
        }
    }
}

/// Whether what is said to the server is encrypted, as the server sees it.
async fn is_encrypted(postgres: &PrivatePostgres, url: &str, options: &PostgresOptions) -> bool {
    try_migrate(url, options).await.unwrap();
    let ledger = PostgresLedger::connect(url, options).await.unwrap();
    assert!(ledger.connections().await.unwrap().is_empty());
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'ledgerfleet'";
    let answer = postgres.command(encrypted);
    ledger.close().await;
    answer == "t"
}

#[tokio::test]
async fn beside_a_private_authority_an_address_is_taken_at_its_word_where_it_says_more_than_encrypted() {
    let postgres = PrivatePostgres::start_with(&Settings {
        tls: true,
        ..Settings::default()
    });
    let options = PostgresOptions {
        root_certificate: Some(postgres.root_certificate()),
        ..PostgresOptions::default()
    };
    let (named, numbered) = ("localhost", "127.0.0.1");
    for (said, host, expected) in [
        ("", named, Some(true)),
        ("?sslmode=disable", named, Some(false)),
        ("?sslmode=prefer", named, Some(true)),
        ("?sslmode=require", named, Some(true)),
        ("?sslmode=verify-full", named, Some(true)),
        ("?sslmode=verify-ca", numbered, Some(true)),
        // The certificate does not name the number, and these do not say that it need not.
        ("?sslmode=require", numbered, None),
        ("", numbered, None),
    ] {
        let url = format!("{}{said}", postgres.url("postgres").replace("localhost", host));
        match expected {
            Some(encrypted) => assert_eq!(is_encrypted(&postgres, &url, &options).await, encrypted, "{url}"),
            None => drop(PostgresLedger::connect(&url, &options).await.unwrap_err()),
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_who_comes_is_shown_a_certificate() {
    let postgres = PrivatePostgres::start_with(&Settings {
        tls: true,
        asks_for_certificates: true,
        ..Settings::default()
    });
    let (certificate, key) = postgres.client_certificate();
    let shown = PostgresOptions {
        root_certificate: Some(postgres.root_certificate()),
        client: Some(ClientCertificate { certificate, key }),
        ..PostgresOptions::default()
    };
    let url = postgres.url("postgres");
    assert!(is_encrypted(&postgres, &url, &shown).await);
    let hidden = PostgresOptions {
        client: None,
        ..shown
    };
    PostgresLedger::connect(&url, &hidden).await.unwrap_err();
}

#[tokio::test]
async fn an_ipv6_address_is_reached_with_and_without_encryption() {
    // A machine without IPv6 has nothing to try it with.
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let postgres = PrivatePostgres::start_with(&Settings {
        tls: true,
        further: vec![("listen_addresses".to_owned(), "localhost,::1".to_owned())],
        ..Settings::default()
    });
    let options = PostgresOptions::default();
    let url = postgres.url("postgres").replace("localhost", "[::1]");
    for (said, encrypted) in [("disable", false), ("require", true)] {
        let url = format!("{url}?sslmode={said}");
        assert_eq!(is_encrypted(&postgres, &url, &options).await, encrypted, "{said}");
    }
}

/// Each trouble says its own cause, where a pool would only say that it has waited.
#[tokio::test]
async fn whoever_gets_no_session_is_told_the_cause() {
    let options = PostgresOptions {
        connections: 2,
        patience: Duration::from_millis(300),
        ..PostgresOptions::default()
    };
    let scarce = Settings {
        further: vec![("max_connections".to_owned(), "5".to_owned())],
        ..Settings::default()
    };
    let ledger = async |postgres: &PrivatePostgres| {
        try_migrate(&postgres.url("postgres"), &options).await.unwrap();
        PostgresLedger::connect(&postgres.url("postgres"), &options)
            .await
            .unwrap()
    };
    let told = async |ledger: &PostgresLedger| ledger.check_writable().await.unwrap_err();

    let mut killed = PrivatePostgres::start();
    let cut_off = ledger(&killed).await;
    killed.kill();
    let error = told(&cut_off).await;
    assert!(causes(&error).contains("Connection refused"), "{error:?}");

    let full = PrivatePostgres::start_with(&scarce);
    let crowded_out = ledger(&full).await;
    let others = PgPoolOptions::new()
        .max_connections(5)
        .connect_lazy(&full.url("postgres"))
        .unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(session)) = tokio::time::timeout(Duration::from_secs(1), others.acquire()).await {
        held.push(session);
    }
    let error = told(&crowded_out).await;
    assert!(
        error.to_string().contains("no room for another connection"),
        "{error:?}"
    );

    let busy = PrivatePostgres::start();
    let hoarding = ledger(&busy).await;
    let locker = PgPoolOptions::new().connect(&busy.url("postgres")).await.unwrap();
    let mut lock = locker.begin().await.unwrap();
    lock.execute("LOCK TABLE fleet.segments").await.unwrap();
    let waiting = [hoarding.clone(), hoarding.clone()]
        .map(|ledger| tokio::spawn(async move { ledger.check_writable().await }));
    until("both sessions are in use", Duration::from_secs(10), async || {
        hoarding.sessions().in_use == 2
    })
    .await;
    let error = told(&hoarding).await;
    assert!(
        error.to_string().contains("connections to it are in use"),
        "{error:?}"
    );
    lock.rollback().await.unwrap();
    for waited in waiting {
        waited.await.unwrap().unwrap();
    }
    until("they are given back", Duration::from_secs(10), async || {
        hoarding.sessions().in_use == 0
    })
    .await;
    assert_eq!(hoarding.sessions().most, 2);
}

/// All that an error tells, the causes below it included.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}
