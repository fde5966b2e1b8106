//! Assemble: settings become parts. The one file that knows what a fleet is made of, and what one process is.

use std::path::Path;
use std::sync::Arc;

use ledgerfleet_access::{Access, AccessOptions, Spool};
use ledgerfleet_config::{ConnectorSettings, Settings, Shape, TlsSettings};
use ledgerfleet_connectors::http::HttpClient;
use ledgerfleet_connectors::{ConnectorEntry, Connectors, Endpoints, REGISTRY};
use ledgerfleet_coordination::{
    Bell, ClientTls, Gate, Locks, MemoryBell, MemoryGate, MemoryLocks, RedisParts, RedisServer, RedisTls,
};
use ledgerfleet_duties::Leading;
use ledgerfleet_ledger::{
    ClientCertificate, KeyChoice, Leadership, Ledger, PostgresLedger, PostgresOptions, SqliteLedger,
};
use ledgerfleet_model::{Clock, SystemClock, WorkerName};
use ledgerfleet_vault::{MasterKey, Vault};
use secrecy::{ExposeSecret, SecretString};

use crate::error::WiringError;
use crate::host::host_or;
use crate::keys::{
    agree_on_key, check_key, choose_key, embedded_keys, refuse_a_lone_key, reread, second_key,
};
use crate::parts::{ConfiguredGates, Parts, Places, budget};

/// What to do where there is no ledger yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Make one.
    MayCreate,
    /// Refuse: what is asked for makes sense only where something is stored, so this is the wrong place.
    Existing,
}

/// What differs between one process and a fleet.
struct Foundation {
    ledger: Arc<dyn Ledger>,
    leadership: Option<Leadership>,
    bell: Arc<dyn Bell>,
    gate: Arc<dyn Gate>,
    locks: Arc<dyn Locks>,
    redis: Option<RedisServer>,
    vault: Vault,
    notices: Vec<String>,
}

/// Opens the ledger and puts the parts together. Nothing is asked of an upstream.
pub async fn assemble(settings: &Settings, opening: Opening) -> Result<Parts, WiringError> {
    assemble_of(REGISTRY, settings, opening).await
}

/// The same with other connectors than those of the registry.
pub async fn assemble_of(
    registry: &'static [ConnectorEntry],
    settings: &Settings,
    opening: Opening,
) -> Result<Parts, WiringError> {
    one_crypto_provider();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let foundation = match &settings.shape {
        Shape::Embedded { path } => embedded(settings, path, opening, clock.clone()).await?,
        Shape::Fleet {
            database_url,
            redis_url,
        } => fleet(settings, database_url, redis_url).await?,
    };
    let ledger = foundation.ledger.clone();
    let built = build(registry, settings, foundation, clock).await;
    if built.is_err() {
        ledger.close().await;
    }
    built
}

/// Puts the rest on the foundation.
async fn build(
    registry: &'static [ConnectorEntry],
    settings: &Settings,
    foundation: Foundation,
    clock: Arc<dyn Clock>,
) -> Result<Parts, WiringError> {
    let Foundation {
        ledger,
        leadership,
        bell,
        gate,
        locks,
        redis,
        vault,
        notices,
    } = foundation;
    let vault = Arc::new(vault);
    let http = HttpClient::new(&settings.timings)?;
    let endpoints = |name: &str| endpoints_of(settings.connector(name));
    let connectors = Arc::new(Connectors::of(registry, &http, |entry| endpoints(entry.name)));
    let access = Access::new(
        ledger.clone(),
        vault.clone(),
        connectors.clone(),
        clock.clone(),
        access_options(settings),
    );
    check_key(&*ledger, &access).await?;
    agree_on_key(&*ledger, &vault, &settings.shape).await?;
    access.recover().await;
    Ok(Parts {
        budget: Arc::new(budget(settings, ledger.clone())),
        ledger,
        leadership,
        leading: Leading::default(),
        bell,
        gate,
        locks,
        redis,
        connectors,
        access: Arc::new(access),
        vault,
        clock,
        timings: settings.timings,
        distance: Arc::default(),
        gates: ConfiguredGates::of(settings),
        sync: None,
        places: Places::of(settings),
        notices,
    })
}

/// TLS to Postgres, Redis and upstreams is one implementation; with two in the program none would be chosen and the
/// first `rediss://` would panic.
fn one_crypto_provider() {
    // A second call finds the same one installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// One process: a SQLite file, and everything else in memory.
async fn embedded(
    settings: &Settings,
    path: &Path,
    opening: Opening,
    clock: Arc<dyn Clock>,
) -> Result<Foundation, WiringError> {
    if opening == Opening::Existing && !path.exists() {
        return Err(WiringError::NoLedger(path.to_owned()));
    }
    refuse_a_lone_key(settings, path)?;
    let ledger = Arc::new(SqliteLedger::open(path, clock).await?);
    let mut notices = Vec::new();
    let vault = match embedded_keys(settings, &*ledger, &mut notices).await {
        Ok(vault) => vault,
        Err(error) => {
            ledger.close().await;
            return Err(error);
        }
    };
    Ok(Foundation {
        ledger,
        leadership: None,
        bell: Arc::new(MemoryBell::default()),
        gate: Arc::new(MemoryGate::default()),
        locks: Arc::new(MemoryLocks::default()),
        redis: None,
        vault,
        notices,
    })
}

/// A fleet: Postgres and Redis, shared by any number of processes.
async fn fleet(
    settings: &Settings,
    database_url: &SecretString,
    redis_url: &SecretString,
) -> Result<Foundation, WiringError> {
    let key = settings.master_key.as_ref().ok_or(WiringError::NoKey)?;
    let vault = Vault::new(MasterKey::parse(key)?).and(second_key(settings)?);
    let ledger = PostgresLedger::connect(database_url.expose_secret(), &postgres_options(settings)).await?;
    let tls = redis_tls(&settings.redis_tls)?;
    let redis = RedisParts::new(redis_url.expose_secret(), &settings.redis_prefix, tls);
    let redis = redis.map_err(WiringError::Redis)?;
    Ok(Foundation {
        leadership: Some(ledger.leadership()),
        ledger: Arc::new(ledger),
        bell: Arc::new(redis.bell),
        gate: Arc::new(redis.gate),
        locks: Arc::new(redis.locks),
        redis: Some(redis.server),
        vault,
        notices: Vec::new(),
    })
}

/// Brings the schema up to date: of a file by opening it, of a fleet's database by its migrations.
pub async fn migrate(settings: &Settings) -> Result<Vec<String>, WiringError> {
    match &settings.shape {
        Shape::Embedded { .. } => {
            let parts = assemble(settings, Opening::MayCreate).await?;
            parts.ledger.close().await;
            Ok(parts.notices)
        }
        Shape::Fleet { database_url, .. } => {
            one_crypto_provider();
            let options = postgres_options(settings);
            PostgresLedger::migrate(database_url.expose_secret(), &options).await?;
            if let Some(key) = &settings.master_key {
                let vault = Vault::new(MasterKey::parse(key)?).and(second_key(settings)?);
                choose_key_of_fleet(database_url, &options, &vault).await?;
            }
            Ok(Vec::new())
        }
    }
}

/// Makes this the key of the fleet while nothing is sealed with another: whoever migrates with a key means it.
async fn choose_key_of_fleet(
    database_url: &SecretString,
    options: &PostgresOptions,
    vault: &Vault,
) -> Result<(), WiringError> {
    let ledger = PostgresLedger::connect(database_url.expose_secret(), options).await?;
    let chosen = choose_key(&ledger, vault, KeyChoice::WhileNothingIsSealed).await;
    ledger.close().await;
    chosen
}

fn postgres_options(settings: &Settings) -> PostgresOptions {
    PostgresOptions {
        connections: settings.database_connections,
        root_certificate: settings.database_tls.root_certificate.clone(),
        client: settings
            .database_tls
            .client
            .clone()
            .map(|client| ClientCertificate {
                certificate: client.certificate,
                key: client.key,
            }),
        ..PostgresOptions::default()
    }
}

fn redis_tls(settings: &TlsSettings) -> Result<RedisTls, WiringError> {
    let client = settings.client.as_ref().map(|client| {
        Ok::<_, WiringError>(ClientTls {
            certificate: pem(&client.certificate)?,
            key: pem(&client.key)?,
        })
    });
    Ok(RedisTls {
        root_certificate: settings.root_certificate.as_deref().map(pem).transpose()?,
        client: client.transpose()?,
    })
}

fn pem(path: &Path) -> Result<Vec<u8>, WiringError> {
    std::fs::read(path).map_err(|source| WiringError::Certificate {
        path: path.to_owned(),
        source,
    })
}

fn access_options(settings: &Settings) -> AccessOptions {
    AccessOptions {
        name: WorkerName::of_this_process(&host_or("host")),
        timings: settings.timings,
        spool: Spool::at(settings.spool()),
        reread: reread(settings),
    }
}

fn endpoints_of(settings: ConnectorSettings) -> Endpoints {
    Endpoints {
        api_url: settings.api_url,
        oauth_url: settings.oauth_url,
        client_id: settings.client_id,
        client_secret: settings.client_secret,
    }
}
