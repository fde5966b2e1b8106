//! Parts: everything that the program is made of, behind traits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledgerfleet_access::Access;
use ledgerfleet_config::{ConnectorSettings, Settings};
use ledgerfleet_connectors::{ConnectorEntry, Connectors, REGISTRY};
use ledgerfleet_coordination::{
    Bell, Distance, Examination, Gate, GateLimits, Locks, RedisServer, Unreachable,
};
use ledgerfleet_duties::{Context, Leading};
use ledgerfleet_ledger::{Allowances, Budget, Leadership, Ledger};
use ledgerfleet_model::{Clock, Connection, SyncPace, Timings};
use ledgerfleet_upstream::{Company, Means, Unknown};
use ledgerfleet_vault::Vault;

use crate::error::WiringError;

/// Everything that the program is made of, behind traits.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The truth.
    pub ledger: Arc<dyn Ledger>,
    /// Which process leads; none where the holder of a file's runner lock does.
    pub(crate) leadership: Option<Leadership>,
    /// Whether this process does the leader's duties now.
    pub leading: Leading,
    /// What is ready now.
    pub bell: Arc<dyn Bell>,
    /// Rate and slots.
    pub gate: Arc<dyn Gate>,
    /// One reader a window.
    pub locks: Arc<dyn Locks>,
    /// What bell, gate and locks of a fleet are on.
    pub(crate) redis: Option<RedisServer>,
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
    /// How many calls there are this month.
    pub budget: Arc<Budget>,
    /// How far away the gate is from this process.
    pub(crate) distance: Arc<Distance>,
    /// The limits of each connector's gates, where they are configured.
    pub(crate) gates: ConfiguredGates,
    /// How often this process, where it leads, keeps companies in sync; none where nobody has asked it for that.
    pub(crate) sync: Option<SyncPace>,
    /// Where this process writes files.
    pub places: Places,
    /// What was done on the way that a person should know.
    pub notices: Vec<String>,
}

/// Where a process writes files.
#[derive(Debug, Clone)]
pub struct Places {
    /// The directory where granted tokens wait for the ledger.
    pub spool: PathBuf,
    /// The directory of the ledger's file; a fleet's is on a server.
    pub database: Option<PathBuf>,
}

impl Places {
    pub(crate) fn of(settings: &Settings) -> Self {
        let database = settings.shape.embedded_path().map(|file| {
            let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            directory.unwrap_or(Path::new(".")).to_owned()
        });
        Self {
            spool: settings.spool(),
            database,
        }
    }
}

/// How many calls there are in a month, by what is configured.
pub(crate) fn budget(settings: &Settings, ledger: Arc<dyn Ledger>) -> Budget {
    let allowance = |entry: &'static ConnectorEntry| {
        let allowance = settings.connector(entry.name).allowance?;
        Some((entry.name.to_owned(), allowance))
    };
    let allowances: Allowances = REGISTRY.iter().filter_map(allowance).collect();
    Budget::new(ledger, allowances, settings.timings.heartbeat)
}

/// What the configuration says of the gates of each connector.
#[derive(Debug, Clone)]
pub(crate) struct ConfiguredGates(HashMap<&'static str, ConfiguredGate>);

#[derive(Debug, Clone, Copy, Default)]
struct ConfiguredGate {
    requests_per_second: Option<f64>,
    slots: Option<u32>,
}

impl ConfiguredGates {
    pub(crate) fn of(settings: &Settings) -> Self {
        let gate = |entry: &'static ConnectorEntry| {
            let ConnectorSettings {
                requests_per_second,
                slots,
                ..
            } = settings.connector(entry.name);
            (
                entry.name,
                ConfiguredGate {
                    requests_per_second,
                    slots,
                },
            )
        };
        Self(REGISTRY.iter().map(gate).collect())
    }

    fn get(&self, entry: &ConnectorEntry) -> ConfiguredGate {
        self.0.get(entry.name).copied().unwrap_or_default()
    }
}

/// A Redis that does not say what it is within this time is judged when it answers.
const EXAMINING: Duration = Duration::from_secs(5);

impl Parts {
    /// How often a company is synced that has no interval of its own.
    pub fn sync_every(&self) -> Duration {
        self.sync.unwrap_or_default().every
    }

    /// The same of a process that keeps companies in sync while it leads.
    #[must_use]
    pub fn keeping_in_sync(self, pace: SyncPace) -> Self {
        Self {
            sync: Some(pace),
            ..self
        }
    }

    /// Whether these are the parts of one process among many.
    pub fn is_fleet(&self) -> bool {
        self.redis.is_some()
    }

    /// What kind of Redis a fleet works with; nothing for one process, which has none.
    pub async fn examine_redis(&self) -> Result<Examination, Unreachable> {
        match &self.redis {
            Some(redis) => redis.examine().await,
            None => Ok(Examination::default()),
        }
    }

    /// What the clock of a fleet's Redis says, since 1970; nothing for one process, which has none.
    pub async fn redis_clock(&self) -> Result<Option<Duration>, Unreachable> {
        match &self.redis {
            Some(redis) => redis.clock().await.map(Some),
            None => Ok(None),
        }
    }

    /// Refuses a Redis that this program cannot work with, and answers what is unwise about another. One that is away is
    /// waited for later, as at any other time.
    pub async fn accept_redis(&self) -> Result<Vec<String>, WiringError> {
        let Ok(Ok(found)) = tokio::time::timeout(EXAMINING, self.examine_redis()).await else {
            return Ok(Vec::new());
        };
        match found.unsuitable {
            Some(why) => Err(WiringError::UnsuitableRedis(why)),
            None => Ok(found.warnings),
        }
    }

    /// Whom a connection means, with all that this program knows of it.
    pub fn company(&self, connection: Arc<Connection>) -> Result<Company, Unknown> {
        let unknown = || Unknown(format!("connector `{}`", connection.connector));
        let mut entries = self.connectors.entries();
        let entry = entries.find(|entry| entry.name == connection.connector);
        let entry = entry.ok_or_else(unknown)?;
        let connector = self.connectors.get(entry.name).cloned().ok_or_else(unknown)?;
        Ok(Company {
            limits: self.gate_limits(&connection, entry),
            connection,
            entry,
            connector,
        })
    }

    /// What asking a company takes.
    pub fn means(&self) -> Means {
        Means {
            access: self.access.clone(),
            gate: self.gate.clone(),
            timings: self.timings,
            distance: self.distance.clone(),
            budget: self.budget.clone(),
        }
    }

    /// The limits of a connection's gate: its own, else the configured, else the connector's.
    pub fn gate_limits(&self, connection: &Connection, entry: &'static ConnectorEntry) -> GateLimits {
        let configured = self.gates.get(entry).requests_per_second;
        let rate = connection.requests_per_second.or(configured);
        GateLimits {
            requests_per_second: rate.unwrap_or(entry.gate.requests_per_second),
            slots: connection.slots.unwrap_or_else(|| self.slots(entry)),
            slot_ttl: self.timings.lock_ttl,
            quarantine: self.timings.forgotten_gate(),
            calm: self.timings.calm,
        }
    }

    /// What the leader's duties need.
    pub fn duties(&self) -> Context {
        Context {
            leadership: self.leadership.clone(),
            leading: self.leading.clone(),
            ledger: self.ledger.clone(),
            bell: self.bell.clone(),
            gate: self.gate.clone(),
            access: self.access.clone(),
            slots: self.slots_by_connector(),
            clock: self.clock.clone(),
            timings: self.timings,
            budget: self.budget.clone(),
            connectors: self.connectors.clone(),
            sync: self.sync,
        }
    }

    fn slots_by_connector(&self) -> HashMap<String, u32> {
        let slots = |entry: &'static ConnectorEntry| (entry.name.to_owned(), self.slots(entry));
        self.connectors.entries().map(slots).collect()
    }

    fn slots(&self, entry: &'static ConnectorEntry) -> u32 {
        self.gates.get(entry).slots.unwrap_or(entry.gate.slots)
    }
}
