//! Assemble: settings become parts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledgerfleet_access::{Access, AccessError};
use ledgerfleet_config::{ConnectorSettings, Settings, Shape};
use ledgerfleet_connectors::http::{HttpClient, HttpError};
use ledgerfleet_connectors::{ConnectorEntry, Connectors, Endpoints, REGISTRY};
use ledgerfleet_coordination::{Bell, Gate, GateLimits, Locks, MemoryBell, MemoryGate, MemoryLocks};
use ledgerfleet_dispatch::Duties;
use ledgerfleet_ledger::sqlite::SqliteLedger;
use ledgerfleet_ledger::{Ledger, LedgerError};
use ledgerfleet_model::{Clock, Connection, SystemClock, Timings};
use ledgerfleet_vault::{KeyError, MasterKey, Vault, VaultError};

use crate::key_file::{self, KeyFileError};

/// Everything that the program is made of, behind traits.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The truth.
    pub ledger: Arc<dyn Ledger>,
    /// What is ready now.
    pub bell: Arc<dyn Bell>,
    /// Rate and slots.
    pub gate: Arc<dyn Gate>,
    /// One reader a window.
    pub locks: Arc<dyn Locks>,
    /// The upstream APIs.
    pub connectors: Arc<Connectors>,
    /// Access tokens.
    pub access: Arc<Access>,
    /// Seals credentials.
    pub vault: Arc<Vault>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How long things take.
    pub timings: Timings,
    /// The limits of each connector's gates, where they are configured.
    configured: HashMap<&'static str, Configured>,
    /// What was done on the way that a person should know.
    pub notices: Vec<String>,
}

/// What a configuration says of a connector's gates.
#[derive(Debug, Clone, Copy)]
struct Configured {
    requests_per_second: Option<f64>,
    slots: Option<u32>,
}

impl Parts {
    /// The limits of a connection's gate: its own, else the configured, else the connector's.
    pub fn gate_limits(&self, connection: &Connection, entry: &'static ConnectorEntry) -> GateLimits {
        let configured = self.configured.get(entry.name);
        let rate = connection
            .requests_per_second
            .or(configured.and_then(|gate| gate.requests_per_second));
        GateLimits {
            requests_per_second: rate.unwrap_or(entry.gate.requests_per_second),
            slots: connection.slots.unwrap_or_else(|| self.slots(entry)),
            slot_ttl: self.timings.lock_ttl,
            quarantine: self.timings.request,
        }
    }

    /// What the leader's duties need.
    pub fn duties(&self) -> Duties {
        Duties {
            ledger: self.ledger.clone(),
            bell: self.bell.clone(),
            gate: self.gate.clone(),
            slots: self.slots_by_connector(),
            timings: self.timings,
        }
    }

    fn slots_by_connector(&self) -> HashMap<String, u32> {
        REGISTRY
            .iter()
            .map(|entry| (entry.name.to_owned(), self.slots(entry)))
            .collect()
    }

    fn slots(&self, entry: &'static ConnectorEntry) -> u32 {
        self.configured
            .get(entry.name)
            .and_then(|gate| gate.slots)
            .unwrap_or(entry.gate.slots)
    }
}

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened")]
    Ledger(#[from] LedgerError),
    /// There is no ledger where one was looked for.
    #[error("there is no ledger at {}", .0.display())]
    NoLedger(PathBuf),
    /// The key beside the database is unusable.
    #[error("the master key cannot be read")]
    KeyFile(#[from] KeyFileError),
    /// The configured key is not one.
    #[error("the configured master key is not a key")]
    Key(#[from] KeyError),
    /// The key does not open the credentials in the database.
    #[error("this is not the master key that the stored credentials were sealed with")]
    WrongKey(#[source] VaultError),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Http(#[from] HttpError),
    /// This program does not know the shape yet.
    #[error("a fleet on Postgres and Redis is not built yet; leave both URLs out to run on one SQLite file")]
    FleetIsNotBuilt,
}

/// What to do where there is no ledger yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Make one.
    MayCreate,
    /// Refuse: what is asked for makes sense only where something is stored, so this is the wrong place.
    Existing,
}

/// Opens the ledger and puts the parts together. Nothing is asked of an upstream.
pub async fn assemble(settings: &Settings, opening: Opening) -> Result<Parts, WiringError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Shape::Embedded { path } = &settings.shape else {
        return Err(WiringError::FleetIsNotBuilt);
    };
    if opening == Opening::Existing && !path.exists() {
        return Err(WiringError::NoLedger(path.clone()));
    }
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(path, clock.clone()).await?);
    let mut notices = Vec::new();
    let vault = Arc::new(Vault::new(embedded_key(settings, &*ledger, &mut notices).await?));
    let http = HttpClient::new(&settings.timings)?;
    let endpoints = |name: &str| endpoints_of(settings.connector(name));
    let connectors = Arc::new(Connectors::build(&http, |entry| endpoints(entry.name)));
    let access = Access::new(ledger.clone(), vault.clone(), connectors.clone(), clock.clone());
    check_key(&*ledger, &access).await?;
    Ok(Parts {
        ledger,
        bell: Arc::new(MemoryBell::default()),
        gate: Arc::new(MemoryGate::default()),
        locks: Arc::new(MemoryLocks::default()),
        connectors,
        access: Arc::new(access),
        vault,
        clock,
        timings: settings.timings,
        configured: REGISTRY
            .iter()
            .map(|entry| (entry.name, configured(settings, entry.name)))
            .collect(),
        notices,
    })
}

/// Refuses a master key that does not open what is sealed.
async fn check_key(ledger: &dyn Ledger, access: &Access) -> Result<(), WiringError> {
    let Some(connection) = ledger.connections().await?.into_iter().next() else {
        return Ok(());
    };
    match access.check_key(connection.id).await {
        Err(AccessError::Sealed(source)) => Err(WiringError::WrongKey(source)),
        Err(AccessError::Ledger(error)) => Err(error.into()),
        // What else may be wrong with one connection is told when it is used.
        _ => Ok(()),
    }
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

fn configured(settings: &Settings, connector: &str) -> Configured {
    let ConnectorSettings {
        requests_per_second,
        slots,
        ..
    } = settings.connector(connector);
    Configured {
        requests_per_second,
        slots,
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
