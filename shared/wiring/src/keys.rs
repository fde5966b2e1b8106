//! Keys: which master key a process uses, and whether it is the one that the ledger is used with.

use std::path::Path;

use ledgerfleet_access::{Access, AccessError, private_file};
use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_ledger::{KeyChoice, Ledger, LedgerError, SqliteLedger};
use ledgerfleet_vault::{MasterKey, Vault};

use crate::error::WiringError;
use crate::key_file::{self, KeyFileError};

/// The configured key, or the one beside the database, which is made on first need.
pub(crate) async fn embedded_key(
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

/// Refuses an empty file beside a key. A key is made after the first tables, so such a file is not a beginning but what
/// is left of a ledger: a copy that was made without its log, for example. To begin in it would hide that.
pub(crate) fn refuse_a_lone_key(settings: &Settings, path: &Path) -> Result<(), WiringError> {
    let key = settings.master_key_file().unwrap_or_default();
    if key.exists() && SqliteLedger::is_empty_file(path) {
        let database = path.to_owned();
        return Err(WiringError::EmptyBesideKey { database, key });
    }
    Ok(())
}

/// Refuses a master key that does not open what is sealed.
pub(crate) async fn check_key(ledger: &dyn Ledger, access: &Access) -> Result<(), WiringError> {
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
pub(crate) async fn agree_on_key(
    ledger: &dyn Ledger,
    vault: &Vault,
    shape: &Shape,
) -> Result<(), WiringError> {
    let choice = match shape {
        Shape::Embedded { .. } => KeyChoice::WhileNothingIsSealed,
        Shape::Fleet { .. } => KeyChoice::First,
    };
    choose_key(ledger, vault.key_id(), choice).await
}

pub(crate) async fn choose_key(
    ledger: &dyn Ledger,
    here: &str,
    choice: KeyChoice,
) -> Result<(), WiringError> {
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
