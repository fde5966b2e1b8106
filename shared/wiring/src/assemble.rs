//! Assemble: settings become parts. The one file that knows what a fleet is made of, and what one process is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledgerfleet_access::{Access, AccessError, AccessOptions, Spool, private_file};
use ledgerfleet_config::{ConnectorSettings, Settings, Shape, TlsSettings};
use ledgerfleet_connectors::http::{HttpClient, HttpError};
use ledgerfleet_connectors::{Connectors, Endpoints};
use ledgerfleet_coordination::{
    Bell, ClientTls, Gate, Locks, MemoryBell, MemoryGate, MemoryLocks, RedisParts, RedisServer, RedisTls,
    Unreachable,
};
use ledgerfleet_duties::Leading;
use ledgerfleet_ledger::{
    ClientCertificate, KeyChoice, Leadership, Ledger, LedgerError, PostgresLedger, PostgresOptions,
    SqliteLedger,
};
use ledgerfleet_model::{Clock, SystemClock, WorkerName};
use ledgerfleet_vault::{KeyError, MasterKey, Vault, VaultError};
use secrecy::{ExposeSecret, SecretString};

use crate::key_file::{self, KeyFileError};
use crate::parts::{ConfiguredGates, Parts, Places};

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened")]
    Ledger(#[from] LedgerError),
    /// There is no ledger where one was looked for.
    #[error("there is no ledger at {}", .0.display())]
    NoLedger(PathBuf),
    /// The file holds nothing, although its key has been made.
    #[error("{} is empty, but {} is the key of a database that was in use", database.display(), key.display())]
    EmptyBesideKey {
        /// The file.
        database: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// The key beside the database is unusable.
    #[error("the master key cannot be read")]
    KeyFile(#[from] KeyFileError),
    /// The configured key is not one.
    #[error("the configured master key is not a key")]
    Key(#[from] KeyError),
    /// The key does not open the credentials in the database.
    #[error("this is not the master key that the stored credentials were sealed with")]
    WrongKey(#[source] VaultError),
    /// The ledger is used with another key, and nothing may be sealed yet that would show it.
    #[error("this ledger is used with master key {ledger}, but the master key here is {here}")]
    OtherKey {
        /// The id of the key that the ledger is used with.
        ledger: String,
        /// The id of the one here.
        here: String,
    },
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Http(#[from] HttpError),
    /// A fleet shares its key, so nobody makes one by the way.
    #[error("a fleet needs a master key")]
    NoKey,
    /// A certificate, or its key, cannot be read.
    #[error("the certificate or key {} cannot be read", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The URL of Redis is not one.
    #[error("the Redis URL cannot be used")]
    Redis(#[source] Unreachable),
    /// This Redis cannot be worked with.
    #[error("{0}")]
    UnsuitableRedis(String),
}

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
    key: MasterKey,
    notices: Vec<String>,
}

/// Opens the ledger and puts the parts together. Nothing is asked of an upstream.
pub async fn assemble(settings: &Settings, opening: Opening) -> Result<Parts, WiringError> {
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
    let built = build(settings, foundation, clock).await;
    if built.is_err() {
        ledger.close().await;
    }
    built
}

/// Puts the rest on the foundation.
async fn build(
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
        key,
        notices,
    } = foundation;
    let vault = Arc::new(Vault::new(key));
    let http = HttpClient::new(&settings.timings)?;
    let endpoints = |name: &str| endpoints_of(settings.connector(name));
    let connectors = Arc::new(Connectors::build(&http, |entry| endpoints(entry.name)));
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
    let key = match embedded_key(settings, &*ledger, &mut notices).await {
        Ok(key) => key,
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
        key,
        notices,
    })
}

/// Refuses an empty file beside a key. A key is made after the first tables, so such a file is not a beginning but what
/// is left of a ledger: a copy that was made without its log, for example. To begin in it would hide that.
fn refuse_a_lone_key(settings: &Settings, path: &Path) -> Result<(), WiringError> {
    let key = settings.master_key_file().unwrap_or_default();
    if key.exists() && SqliteLedger::is_empty_file(path) {
        let database = path.to_owned();
        return Err(WiringError::EmptyBesideKey { database, key });
    }
    Ok(())
}

/// A fleet: Postgres and Redis, shared by any number of processes.
async fn fleet(
    settings: &Settings,
    database_url: &SecretString,
    redis_url: &SecretString,
) -> Result<Foundation, WiringError> {
    let key = settings.master_key.as_ref().ok_or(WiringError::NoKey)?;
    let key = MasterKey::parse(key)?;
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
        key,
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
                choose_key_of_fleet(database_url, &options, &MasterKey::parse(key)?).await?;
            }
            Ok(Vec::new())
        }
    }
}

/// Makes this the key of the fleet while nothing is sealed with another: whoever migrates with a key means it.
async fn choose_key_of_fleet(
    database_url: &SecretString,
    options: &PostgresOptions,
    key: &MasterKey,
) -> Result<(), WiringError> {
    let ledger = PostgresLedger::connect(database_url.expose_secret(), options).await?;
    let chosen = choose_key(&ledger, key.id(), KeyChoice::WhileNothingIsSealed).await;
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

/// Refuses a master key that does not open what is sealed.
async fn check_key(ledger: &dyn Ledger, access: &Access) -> Result<(), WiringError> {
    let Some(connection) = ledger.connections().await?.into_iter().next() else {
        return Ok(());
    };
    match access.check_key(connection.id).await {
        Err(AccessError::Sealed(source)) if source.is_of_this_process() => Err(WiringError::WrongKey(source)),
        Err(AccessError::Ledger(error)) => Err(error.into()),
        // What else may be wrong with one connection is told when it is used.
        _ => Ok(()),
    }
}

/// Refuses a master key that is not the ledger's, also while nothing is sealed: who seals first would otherwise decide, and
/// every other process would find that out in the middle of its work. A file has one process that made its key, and until
/// something is sealed another key may take its place.
async fn agree_on_key(ledger: &dyn Ledger, vault: &Vault, shape: &Shape) -> Result<(), WiringError> {
    let choice = match shape {
        Shape::Embedded { .. } => KeyChoice::WhileNothingIsSealed,
        Shape::Fleet { .. } => KeyChoice::First,
    };
    choose_key(ledger, vault.key_id(), choice).await
}

async fn choose_key(ledger: &dyn Ledger, here: &str, choice: KeyChoice) -> Result<(), WiringError> {
    match ledger.agree_on_key(here, choice).await {
        Ok(agreed) if agreed == here => Ok(()),
        Ok(agreed) => Err(WiringError::OtherKey {
            ledger: agreed,
            here: here.to_owned(),
        }),
        // Whoever may only read seals nothing, and reads what is shown without a key.
        Err(LedgerError::ReadOnly(_) | LedgerError::Full(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn access_options(settings: &Settings) -> AccessOptions {
    AccessOptions {
        name: WorkerName::of_this_process(&host()),
        timings: settings.timings,
        spool: Spool::at(settings.spool()),
    }
}

/// This machine's name, which tells people where a token was renewed.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "host" } else { name }.to_owned()
}

/// The configured key, or the one beside the database, which is made on first need.
async fn embedded_key(
    settings: &Settings,
    ledger: &dyn Ledger,
    notices: &mut Vec<String>,
) -> Result<MasterKey, WiringError> {
    if let Some(text) = &settings.master_key {
        return Ok(MasterKey::parse(text)?);
    }
    let path = settings.master_key_file().unwrap_or_default();
    if let Some(key) = key_file::read(&path)? {
        if private_file::is_open_to_others(&path) {
            notices.push(private_file::warning(&path));
        }
        return Ok(key);
    }
    // A new key would open none of what is sealed already, and would hide that the old one is needed.
    if !ledger.connections().await?.is_empty() {
        return Err(KeyFileError::Missing { path }.into());
    }
    let key = key_file::create(&path)?;
    notices.push(created(&path));
    Ok(key)
}

fn created(path: &Path) -> String {
    format!(
        "made a master key in {}; keep a copy of it apart from the database",
        path.display()
    )
}

fn endpoints_of(settings: ConnectorSettings) -> Endpoints {
    Endpoints {
        api_url: settings.api_url,
        oauth_url: settings.oauth_url,
        client_id: settings.client_id,
        client_secret: settings.client_secret,
    }
}
