//! Settings: what every program of a world finds in its environment.

use std::path::Path;

use ledgerfleet_config::{Inputs, Settings};
use ledgerfleet_vault::MasterKey;
use secrecy::ExposeSecret;

use super::{Limits, Upstream};

/// Names and values of environment variables.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// What every program needs to know, but for where the ledger is.
pub(crate) fn variables(upstream: &Upstream, folder: &Path, limits: Limits) -> Variables {
    let key = MasterKey::generate().to_text().expose_secret().to_owned();
    let mut variables = vec![
        ("LEDGERFLEET_MASTER_KEY", key),
        ("LEDGERFLEET_QUICKBOOKS_API_URL", upstream.url()),
        ("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", upstream.url()),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_ID", upstream.client_id.clone()),
        (
            "LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET",
            upstream.client_secret.clone(),
        ),
        (
            "LEDGERFLEET_SPOOL_DIR",
            folder.join("spool").display().to_string(),
        ),
    ];
    if let Some(slots) = limits.slots() {
        let rate = super::UNLIMITED_RATE.to_string();
        variables.push(("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", rate));
        variables.push(("LEDGERFLEET_QUICKBOOKS_SLOTS", slots.to_string()));
    }
    variables
}

/// The same settings for the harness itself.
pub(crate) fn load(variables: &Variables, folder: &Path) -> Settings {
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
