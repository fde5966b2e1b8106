#![doc = include_str!("../README.md")]

mod addresses;
mod allowance;
mod durations;
mod error;
mod injected;
mod inputs;
mod log_level;
mod options;
mod origin;
mod risks;
mod settings;
mod shape;
mod tls;
mod traces;
mod typed;
mod urls;
mod values;

#[cfg(test)]
mod tests;

pub use addresses::{base_address, is_loopback};
pub use durations::parse_duration;
pub use error::ConfigError;
pub use inputs::{Environment, FlagValue, Inputs};
pub use options::{OPTIONS, OptionSpec};
pub use origin::Origin;
pub use settings::{
    ConnectorSettings, LogFormat, LogSettings, PAGE_SIZE_MAX, Settings, Shown, WorkerSettings,
};
pub use shape::{DEFAULT_DATABASE, Shape};
pub use tls::{ClientCertificate, TlsSettings};
pub use traces::{Sampler, TraceSettings};

/// The default configuration, which is also its documentation.
pub const DEFAULTS: &str = include_str!("../config.default.toml");
