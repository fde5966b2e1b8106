//! Settings: what every program of a world finds in its environment.

use std::path::Path;

use ledgerfleet_config::{Inputs, Settings};
use ledgerfleet_emulator::RunningEmulator;
use ledgerfleet_testkit::PrivateRedis;
use ledgerfleet_vault::MasterKey;
use secrecy::ExposeSecret;

pub(super) fn new_key() -> String {
    MasterKey::generate().to_text().expose_secret().to_owned()
}

pub(super) fn variables(
    emulator: &RunningEmulator,
    redis: &PrivateRedis,
    database: String,
    master_key: &str,
    scale: f64,
    folder: &Path,
) -> Vec<(&'static str, String)> {
    let info = emulator.info();
    vec![
        ("LEDGERFLEET_DATABASE_URL", database),
        ("LEDGERFLEET_REDIS_URL", redis.tcp_url()),
        ("LEDGERFLEET_MASTER_KEY", master_key.to_owned()),
        ("LEDGERFLEET_QUICKBOOKS_API_URL", emulator.url().to_owned()),
        ("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", emulator.url().to_owned()),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_ID", info.client_id),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", info.client_secret),
        ("LEDGERFLEET_TIME_SCALE", scale.to_string()),
        (
            "LEDGERFLEET_SPOOL_DIR",
            folder.join("spool").display().to_string(),
        ),
        // Everything is said, so that a secret in it is found.
        ("LEDGERFLEET_LOG_LEVEL", "debug".to_owned()),
        ("LEDGERFLEET_LOG_FORMAT", "json".to_owned()),
    ]
}

/// The same settings for the harness itself.
pub(super) fn load(variables: &[(&'static str, String)], folder: &Path) -> Settings {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let inputs = Inputs {
        environment: variables.collect(),
        working_directory: folder.to_owned(),
        ..Inputs::default()
    };
    Settings::load(&inputs).unwrap()
}
