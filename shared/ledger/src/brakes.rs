//! Brakes: what fails for everybody is tried by one, once a while, and everybody else waits.
//!
//! A brake is on a company, on an upstream, on the keys of our app there, on an entity of a company or on a table. It closes
//! after failures of different segments in a row (on keys, an entity or a table after the first), opens with the first success, and while it is closed one attempt at a time may probe. It is a
//! row of the ledger, so that the whole fleet respects it and a loss of Redis changes nothing.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, Environment, FailureKind};

use crate::LedgerError;
use crate::clocks::PLAUSIBLE;

/// Of whom one brake remembers that they failed; more are not told apart.
const WITNESSES: usize = 8;

/// A brake of which nothing was heard for so long is none: whoever waited for it has gone.
pub const STALE: Duration = Duration::from_mins(15);

/// What a brake is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrakeScope {
    /// A company: its upstream fails for it.
    Connection(ConnectionId),
    /// An upstream: it fails for several companies.
    Upstream {
        /// The connector's name.
        connector: String,
        /// Its world.
        environment: Environment,
    },
    /// The keys of our own app: an upstream does not take them, and no company is to blame.
    AppKeys {
        /// The connector's name.
        connector: String,
        /// Its world.
        environment: Environment,
    },
    /// An entity of a company: its upstream no longer takes what it is asked.
    Entity {
        /// The company.
        connection: ConnectionId,
        /// The entity's product name.
        entity: String,
    },
    /// A table of records (`qbo_invoice`): the database does not store what belongs there.
    Table(String),
}

impl BrakeScope {
    /// The word before the name: `connection`, `upstream`, `app_keys`, `entity` or `table`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::Upstream { .. } => "upstream",
            Self::AppKeys { .. } => "app_keys",
            Self::Entity { .. } => "entity",
            Self::Table(_) => "table",
        }
    }

    pub(crate) fn key(&self) -> String {
        let kind = self.kind();
        match self {
            Self::Connection(id) => format!("{kind}:{id}"),
            Self::Upstream {
                connector,
                environment,
            }
            | Self::AppKeys {
                connector,
                environment,
            } => format!("{kind}:{connector}:{environment}"),
            Self::Entity { connection, entity } => format!("{kind}:{connection}:{entity}"),
            Self::Table(table) => format!("{kind}:{table}"),
        }
    }

    pub(crate) fn from_key(key: &str) -> Result<Self, LedgerError> {
        let strange = || LedgerError::Corrupt(format!("there is no brake on `{key}`"));
        let (kind, name) = key.split_once(':').ok_or_else(strange)?;
        match kind {
            "connection" => name.parse().map(Self::Connection).map_err(|_| strange()),
            "upstream" | "app_keys" => {
                let (connector, environment) = name.split_once(':').ok_or_else(strange)?;
                let connector = connector.to_owned();
                let environment = environment.parse().map_err(|_| strange())?;
                Ok(if kind == "upstream" {
                    Self::Upstream {
                        connector,
                        environment,
                    }
                } else {
                    Self::AppKeys {
                        connector,
                        environment,
                    }
                })
            }
            "entity" => {
                let (connection, entity) = name.split_once(':').ok_or_else(strange)?;
                Ok(Self::Entity {
                    connection: connection.parse().map_err(|_| strange())?,
                    entity: entity.to_owned(),
                })
            }
            "table" => Ok(Self::Table(name.to_owned())),
            _ => Err(strange()),
        }
    }
}

/// A brake as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brake {
    /// What it is on.
    pub scope: BrakeScope,
    /// The first failure since the last success.
    pub since: DateTime<Utc>,
    /// Failures since then.
    pub failures: u32,
    /// How long until somebody may probe, zero if one may now; none while it is open, because too few have failed.
    pub probe_in: Option<Duration>,
    /// What the last failure was.
    pub reason: FailureKind,
    /// What it said.
    pub message: String,
}

impl Brake {
    /// Whether others wait.
    pub fn is_closed(&self) -> bool {
        self.probe_in.is_some()
    }
}

impl std::fmt::Display for Brake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.scope {
            BrakeScope::Connection(_) => f.write_str("the upstream is failing for this company")?,
            BrakeScope::Upstream {
                connector,
                environment,
            } => write!(f, "{connector} ({environment}) is failing for several companies")?,
            BrakeScope::AppKeys {
                connector,
                environment,
            } => write!(
                f,
                "{connector} ({environment}) refuses the keys of this app, and no company is to blame,"
            )?,
            BrakeScope::Entity { entity, .. } => {
                write!(f, "the upstream no longer takes what it is asked about {entity}")?;
            }
            BrakeScope::Table(table) => write!(f, "nothing can be stored in {table}")?,
        }
        let since = self.since.format("%H:%M:%S");
        write!(f, " since {since} UTC ({})", self.message)?;
        match self.probe_in {
            Some(wait) => write!(f, ", next probe in {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

/// A failure that may be everybody's.
#[derive(Debug, Clone)]
pub struct Setback<'a> {
    /// What failed.
    pub scope: BrakeScope,
    /// Who noticed it: a segment, or another request. Failures of one witness do not close a brake of more.
    pub witness: String,
    /// What it was.
    pub reason: FailureKind,
    /// What it said.
    pub message: &'a str,
    /// Different witnesses in a row that close the brake.
    pub limit: usize,
    /// The time to the first probe; it doubles with each failure.
    pub pause: Duration,
    /// No probe is farther away than this.
    pub longest: Duration,
}

/// The brakes of the fleet.
#[async_trait]
pub trait Brakes: Send + Sync {
    /// Notes a failure; answers the brake as it then stands.
    async fn note_trouble(&self, trouble: &Setback<'_>) -> Result<Brake, LedgerError>;

    /// Asks to try what `scopes` may be closed for. None if the caller may: then nobody else may for `pause`. Otherwise
    /// the brake that is to be waited for.
    async fn may_probe(&self, scopes: &[BrakeScope], pause: Duration) -> Result<Option<Brake>, LedgerError>;

    /// Opens brakes and forgets the failures, after a success; answers how many there were.
    async fn release(&self, scopes: &[BrakeScope]) -> Result<u64, LedgerError>;

    /// All that is remembered, stale ones left out: closed brakes, and failures that have closed none yet.
    async fn brakes(&self) -> Result<Vec<Brake>, LedgerError>;
}

/// A brake as it stands in a row, its instants as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrakeRow {
    pub(crate) scope: String,
    pub(crate) since: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    pub(crate) failures: u32,
    /// A JSON list.
    pub(crate) witnesses: String,
    pub(crate) next_probe_at: Option<DateTime<Utc>>,
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl BrakeRow {
    /// The row after a failure.
    pub(crate) fn after(before: Option<Self>, trouble: &Setback<'_>, now: DateTime<Utc>) -> Self {
        let before = before.filter(|row| !row.is_stale(now));
        let mut witnesses: Vec<String> = before
            .as_ref()
            .and_then(|row| serde_json::from_str(&row.witnesses).ok())
            .unwrap_or_default();
        if !witnesses.contains(&trouble.witness) && witnesses.len() < WITNESSES {
            witnesses.push(trouble.witness.clone());
        }
        let was_closed = before.as_ref().is_some_and(|row| row.next_probe_at.is_some());
        let failures = before.as_ref().map_or(0, |row| row.failures).saturating_add(1);
        let is_closed = was_closed || witnesses.len() >= trouble.limit;
        let pause = (trouble.pause * 2u32.pow((failures - 1).min(16))).min(trouble.longest);
        Self {
            scope: trouble.scope.key(),
            since: before.as_ref().map_or(now, |row| row.since),
            last_at: now,
            failures,
            witnesses: serde_json::Value::from(witnesses).to_string(),
            next_probe_at: is_closed.then(|| now + pause),
            reason: trouble.reason.as_str().to_owned(),
            message: trouble.message.to_owned(),
        }
    }

    /// Whether it is over: nothing has failed for [`STALE`], or its failures are of a clock that was ahead.
    pub(crate) fn is_stale(&self, now: DateTime<Utc>) -> bool {
        let age = now - self.last_at;
        age < -PLAUSIBLE || age.to_std().is_ok_and(|age| age > STALE)
    }

    /// Whether a probe has to wait.
    pub(crate) fn is_in_the_way(&self, now: DateTime<Utc>) -> bool {
        !self.is_stale(now) && self.next_probe_at.is_some_and(|at| at > now)
    }

    pub(crate) fn told(self, now: DateTime<Utc>) -> Result<Brake, LedgerError> {
        let reason = self.reason.parse();
        Ok(Brake {
            scope: BrakeScope::from_key(&self.scope)?,
            since: self.since,
            failures: self.failures,
            probe_in: self
                .next_probe_at
                .map(|at| (at - now).to_std().unwrap_or_default()),
            reason: reason
                .map_err(|_| LedgerError::Corrupt(format!("a brake has the reason `{}`", self.reason)))?,
            message: self.message,
        })
    }
}
