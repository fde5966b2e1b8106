//! Settings: the values that the program runs with, typed and checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ledgerfleet_model::budget::Allowance;
use ledgerfleet_model::{Segmenting, SyncPace, Timings};
use secrecy::{ExposeSecret, SecretString};

use crate::addresses::{endpoint, redirect_url};
use crate::inputs::Inputs;
use crate::options::OPTIONS;
use crate::risks::risky_pairs;
use crate::tls::{self, TlsSettings};
use crate::traces::{TraceSettings, traces};
use crate::typed::check;
use crate::values::{Values, gather};
use crate::{ConfigError, Origin, Shape, log_level};

/// The most rows a page may ask for.
pub const PAGE_SIZE_MAX: u32 = 1_000;

/// Where processes of a fleet keep their spool.
const FLEET_SPOOL: &str = "/var/lib/ledgerfleet/spool";

/// Everything that can be configured, loaded once at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// One process or a fleet.
    pub shape: Shape,
    /// Certificates for Postgres.
    pub database_tls: TlsSettings,
    /// Certificates for Redis.
    pub redis_tls: TlsSettings,
    /// Connections of this process to Postgres.
    pub database_connections: u32,
    /// What every key in Redis begins with.
    pub redis_prefix: String,
    /// Seals the tokens at rest.
    pub master_key: Option<SecretString>,
    /// Opens what it has sealed, while one key is replaced by another.
    pub second_master_key: Option<SecretString>,
    /// A key of the HTTP API that may do everything.
    pub api_key: Option<SecretString>,
    /// Where granted tokens wait for the ledger, if that is configured.
    pub spool_dir: Option<PathBuf>,
    /// The QuickBooks connector.
    pub quickbooks: ConnectorSettings,
    /// The Contífico connector.
    pub contifico: ConnectorSettings,
    /// Whether endpoints beyond this machine were allowed on purpose.
    pub allow_custom_endpoints: bool,
    /// Every duration the parts agree on, already scaled.
    pub timings: Timings,
    /// How often companies are kept in sync.
    pub sync: SyncPace,
    /// Rows a page, 1 to [`PAGE_SIZE_MAX`].
    pub page_size: u32,
    /// How a range is cut unless a request says so.
    pub segment: Segmenting,
    /// The worker.
    pub worker: WorkerSettings,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// Logs.
    pub log: LogSettings,
    /// Traces.
    pub traces: TraceSettings,
    /// What is allowed but unwise; to be told once at start.
    pub warnings: Vec<String>,
    shown: Vec<Shown>,
}

/// Where an upstream is, with which keys and limits it is asked.
#[derive(Debug, Clone, Default)]
pub struct ConnectorSettings {
    /// Base of the API, where it is not the upstream's own.
    pub api_url: Option<String>,
    /// Base of everything OAuth, where it is not the upstream's own.
    pub oauth_url: Option<String>,
    /// The app's client id.
    pub client_id: Option<String>,
    /// The app's client secret.
    pub client_secret: Option<SecretString>,
    /// Where a person comes back to who has consented, letter by letter as the app's keys know it.
    pub redirect_url: Option<String>,
    /// Checks the signature of incoming webhooks.
    pub webhook_verifier_token: Option<SecretString>,
    /// The same before it was changed: what was signed with it still comes for some hours.
    pub webhook_former_verifier_token: Option<SecretString>,
    /// Requests per second and connection, where it is not the connector's default.
    pub requests_per_second: Option<f64>,
    /// Requests in flight per connection, where it is not the connector's default.
    pub slots: Option<u32>,
    /// Metered calls a month, where the upstream meters them.
    pub allowance: Option<Allowance>,
}

/// What a worker may do at once.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Segments carried at once.
    pub concurrency: usize,
    /// Where a worker process shows its metrics; off when none.
    pub metrics_listen: Option<SocketAddr>,
}

/// Where logs go and how they look.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// A level, or directives in the syntax of `RUST_LOG`.
    pub level: String,
    /// For people or machines.
    pub format: LogFormat,
    /// A file to append to; stderr when none.
    pub file: Option<PathBuf>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// One setting as it may be shown to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its key.
    pub key: &'static str,
    /// Its value; `set` for a secret, empty if it has none.
    pub value: String,
    /// Where the value comes from; none if it has none.
    pub origin: Option<Origin>,
}

impl Settings {
    /// Reads defaults, file, environment and flags, in this order of strength, and checks them together.
    pub fn load(inputs: &Inputs) -> Result<Self, ConfigError> {
        let mut values = gather(inputs)?;
        let database = values.get("database_url").map(|given| given.text.as_str());
        let redis = values.get("redis_url").map(|given| given.text.as_str());
        let (shape, unwise) = Shape::decide(database, redis, &inputs.working_directory)?;
        let allow_custom_endpoints = values.number("allow_custom_endpoints", "it takes true or false")?;
        let timings = timings(&values)?;
        let sync = sync(&values)?;
        let traces = traces(&mut values)?;
        let database_tls = tls::tls(&mut values, &tls::DATABASE, &inputs.working_directory)?;
        let redis_tls = tls::tls(&mut values, &tls::REDIS, &inputs.working_directory)?;
        let mut warnings = std::mem::take(&mut values.warnings);
        warnings.extend(unwise);
        warnings.extend(tls::unused(&shape, &values));
        warnings.extend(risky_pairs(&timings));
        let quickbooks = quickbooks(&values, allow_custom_endpoints)?;
        warnings.extend(
            quickbooks
                .allowance
                .and_then(|allowance| crate::allowance::unwise(&allowance)),
        );
        Ok(Self {
            shape,
            database_tls,
            redis_tls,
            database_connections: database_connections(&values)?,
            redis_prefix: values.text("redis_prefix").unwrap_or_default(),
            master_key: values.secret("master_key"),
            second_master_key: values.secret("second_master_key"),
            api_key: api_key(&values)?,
            spool_dir: values
                .text("spool_dir")
                .map(|path| inputs.working_directory.join(path)),
            quickbooks,
            contifico: contifico(&values, allow_custom_endpoints)?,
            allow_custom_endpoints,
            sync,
            timings,
            page_size: page_size(&values)?,
            segment: values.number("segment", "it takes day, week, month, whole or auto")?,
            worker: worker(&values)?,
            listen: values.number("serve.listen", ADDRESS)?,
            log: log(&values, inputs)?,
            traces,
            warnings,
            shown: OPTIONS
                .iter()
                .map(|option| values.show(option.key, option.secret))
                .collect(),
        })
    }

    /// Where an embedded ledger keeps its master key if none is configured: `<db file>.key`.
    pub fn master_key_file(&self) -> Option<PathBuf> {
        self.shape.embedded_path().map(|path| beside(path, ".key"))
    }

    /// Where granted tokens wait for the ledger: as configured, else `<db file>.spool`. A fleet's is at one place
    /// whatever directory a process is started in, because what one leaves there the next must find.
    pub fn spool(&self) -> PathBuf {
        let beside_the_file = || self.shape.embedded_path().map(|path| beside(path, ".spool"));
        let configured = self.spool_dir.clone().or_else(beside_the_file);
        configured.unwrap_or_else(|| PathBuf::from(FLEET_SPOOL))
    }

    /// The settings of the connector of that name; defaults for one without settings of its own.
    pub fn connector(&self, name: &str) -> ConnectorSettings {
        match name {
            "quickbooks" => self.quickbooks.clone(),
            "contifico" => self.contifico.clone(),
            _ => ConnectorSettings::default(),
        }
    }

    /// Every setting, in the order of the default file, without secrets.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }
}

/// Beside the file itself, by whatever links it is named.
fn beside(path: &std::path::Path, suffix: &str) -> PathBuf {
    let itself = if path.is_symlink() {
        path.canonicalize()
    } else {
        Ok(path.to_owned())
    };
    let mut name = itself.unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push(suffix);
    name.into()
}

const ADDRESS: &str = "it takes an address and a port, such as 127.0.0.1:8400";

impl Values {
    fn show(&self, key: &'static str, secret: bool) -> Shown {
        let given = self.get(key);
        // A SQLite URL holds a path and no password; hiding it would only hide where the data is.
        let open = |text: &str| !secret || text.starts_with("sqlite:");
        let value = given.map(|given| {
            if open(&given.text) {
                given.text.clone()
            } else {
                "set".to_owned()
            }
        });
        Shown {
            key,
            value: value.unwrap_or_default(),
            origin: given.map(|given| given.origin.clone()),
        }
    }
}

/// A short one could be found by trying.
fn api_key(values: &Values) -> Result<Option<SecretString>, ConfigError> {
    let key = values.secret("api_key");
    let is_long = key.as_ref().is_none_or(|key| key.expose_secret().len() >= 32);
    check(
        values,
        "api_key",
        is_long,
        "it takes a text of 32 characters or more",
    )?;
    Ok(key)
}

fn page_size(values: &Values) -> Result<u32, ConfigError> {
    let expected = "it takes a whole number from 1 to 1000";
    let size = values.number("page_size", expected)?;
    check(values, "page_size", (1..=PAGE_SIZE_MAX).contains(&size), expected)?;
    Ok(size)
}

fn database_connections(values: &Values) -> Result<u32, ConfigError> {
    let expected = "it takes a whole number from 2 to 200";
    let connections = values.number("database_connections", expected)?;
    check(
        values,
        "database_connections",
        (2..=200).contains(&connections),
        expected,
    )?;
    Ok(connections)
}

fn worker(values: &Values) -> Result<WorkerSettings, ConfigError> {
    let expected = "it takes a whole number from 1 to 1024";
    let concurrency = values.number("worker.concurrency", expected)?;
    check(
        values,
        "worker.concurrency",
        (1..=1024).contains(&concurrency),
        expected,
    )?;
    Ok(WorkerSettings {
        concurrency,
        metrics_listen: values.optional("worker.metrics_listen", ADDRESS)?,
    })
}

fn log(values: &Values, inputs: &Inputs) -> Result<LogSettings, ConfigError> {
    let format = match values.text("log.format").as_deref() {
        Some("json") => LogFormat::Json,
        Some("pretty") | None => LogFormat::Pretty,
        Some(_) => {
            check(values, "log.format", false, "it takes pretty or json")?;
            LogFormat::Pretty
        }
    };
    let file = values
        .text("log.file")
        .map(|path| inputs.working_directory.join(path));
    Ok(LogSettings {
        level: level(values)?,
        format,
        file,
    })
}

fn level(values: &Values) -> Result<String, ConfigError> {
    let given = values.text("log.level").unwrap_or_else(|| "warn".to_owned());
    let level = log_level::directives(&given);
    check(values, "log.level", level.is_some(), log_level::EXPECTED)?;
    Ok(level.unwrap_or(given))
}

fn quickbooks(values: &Values, allow_custom: bool) -> Result<ConnectorSettings, ConfigError> {
    Ok(ConnectorSettings {
        oauth_url: endpoint(values, "quickbooks.oauth_url", allow_custom)?,
        client_id: values.text("quickbooks.client_id"),
        client_secret: values.secret("quickbooks.client_secret"),
        redirect_url: redirect_url(values)?,
        webhook_verifier_token: values.secret("quickbooks.webhook_verifier_token"),
        webhook_former_verifier_token: values.secret("quickbooks.webhook_former_verifier_token"),
        allowance: Some(crate::allowance::quickbooks(values)?),
        ..connector(
            values,
            "quickbooks.api_url",
            ["quickbooks.requests_per_second", "quickbooks.slots"],
            allow_custom,
        )?
    })
}

fn contifico(values: &Values, allow_custom: bool) -> Result<ConnectorSettings, ConfigError> {
    let limits = ["contifico.requests_per_second", "contifico.slots"];
    connector(values, "contifico.api_url", limits, allow_custom)
}

/// What every connector has: an address and the limits of its gates.
fn connector(
    values: &Values,
    api_url: &'static str,
    [rate, slots]: [&'static str; 2],
    allow_custom: bool,
) -> Result<ConnectorSettings, ConfigError> {
    let number = "it takes a number from 0.001 to 1000";
    let requests_per_second: Option<f64> = values.optional(rate, number)?;
    let plausible = requests_per_second.is_none_or(|number| (0.001..=1_000.0).contains(&number));
    check(values, rate, plausible, number)?;
    let whole = "it takes a whole number from 1 to 1000";
    let in_flight: Option<u32> = values.optional(slots, whole)?;
    let plausible = in_flight.is_none_or(|number| (1..=1_000).contains(&number));
    check(values, slots, plausible, whole)?;
    Ok(ConnectorSettings {
        api_url: endpoint(values, api_url, allow_custom)?,
        requests_per_second,
        slots: in_flight,
        ..ConnectorSettings::default()
    })
}

fn sync(values: &Values) -> Result<SyncPace, ConfigError> {
    let reread_days = values.number("sync.reread_days", "it takes a number of days from 1 to 366")?;
    check(
        values,
        "sync.reread_days",
        (1..=366).contains(&reread_days),
        "it takes a number of days from 1 to 366",
    )?;
    let pace = SyncPace {
        every: values.duration("sync.every")?,
        lists_every: values.duration("sync.lists_every")?,
        recount_every: values.duration_or_never("sync.recount_every")?,
        reread_every: values.duration_or_never("sync.reread_every")?,
        reread_days,
    };
    let is_slow = |every: Duration| every >= Duration::from_mins(1);
    for (key, every) in [("sync.every", pace.every), ("sync.lists_every", pace.lists_every)] {
        check(
            values,
            key,
            is_slow(every),
            "it takes an interval of a minute or more",
        )?;
    }
    Ok(pace)
}

fn timings(values: &Values) -> Result<Timings, ConfigError> {
    let expected = "it takes a number greater than 0 and at most 100";
    let scale: f64 = values.number("time_scale", expected)?;
    check(values, "time_scale", scale > 0.0 && scale <= 100.0, expected)?;
    let timings = Timings {
        lease: values.duration("timings.lease")?,
        heartbeat: values.duration("timings.heartbeat")?,
        rescue: values.duration("timings.rescue")?,
        tick: values.duration("timings.tick")?,
        lock_ttl: values.duration("timings.lock_ttl")?,
        lock_renewal: values.duration("timings.lock_renewal")?,
        connect: values.duration("timings.connect")?,
        first_byte: values.duration("timings.first_byte")?,
        idle: values.duration("timings.idle")?,
        request: values.duration("timings.request")?,
        backoff_base: values.duration("timings.backoff_base")?,
        backoff_cap: values.duration("timings.backoff_cap")?,
        waiting_cap: values.duration("timings.waiting_cap")?,
        progress: values.duration("timings.progress")?,
        drain: values.duration("timings.drain")?,
        upper_margin: values.duration("timings.upper_margin")?,
        calm: values.duration("timings.calm")?,
        grant_staleness: values.duration("timings.grant_staleness")?,
    };
    Ok(timings.scaled(scale))
}
