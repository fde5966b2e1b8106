//! Keys: which master key a process uses, and whether it is the one that the ledger is used with.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use ledgerfleet_access::{Access, AccessError, Reread, private_file};
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

/// The keys of an embedded ledger: its own, a second one that is configured, one that a rotation has made and not put in its
/// place yet, and those that earlier rotations have replaced: a backup from before was sealed with one of them.
pub(crate) async fn embedded_keys(
    settings: &Settings,
    ledger: &dyn Ledger,
    notices: &mut Vec<String>,
) -> Result<Vault, WiringError> {
    let key = embedded_key(settings, ledger, notices).await?;
    let next = key_file::read(&beside(settings, "next"))?;
    let (former, mut unreadable) = former_keys(settings);
    let vault = Vault::new(key).and(second_key(settings)?).and(next).and(former);
    if !unreadable.is_empty()
        && needs_another(ledger, &vault).await?
        && let Some(error) = unreadable.pop()
    {
        return Err(error.into());
    }
    let told = |error: KeyFileError| {
        let why = error.source().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{error}{why}: nothing needs that former key now; a backup from its time may")
    };
    notices.extend(unreadable.into_iter().map(told));
    Ok(vault)
}

/// The keys that earlier rotations have replaced, and why some of their files tell none.
fn former_keys(settings: &Settings) -> (Vec<MasterKey>, Vec<KeyFileError>) {
    let (mut former, mut unreadable) = (Vec::new(), Vec::new());
    for path in former_files(settings) {
        match key_file::read(&path) {
            Ok(key) => former.extend(key),
            Err(error) => unreadable.push(error),
        }
    }
    (former, unreadable)
}

/// Whether something is sealed with a key that this vault does not have.
async fn needs_another(ledger: &dyn Ledger, vault: &Vault) -> Result<bool, WiringError> {
    let rows = ledger.sealed_rows().await?;
    let mut keys = rows.iter().filter_map(|row| Vault::key_of(&row.sealed));
    Ok(keys.any(|key| !vault.knows(key)))
}

/// How a process reads its keys anew: a rotation of those beside a file makes another while others have that file open. Configured
/// ones are read by starting again.
pub(crate) fn reread(settings: &Settings) -> Option<Reread> {
    let is_beside = matches!(settings.shape, Shape::Embedded { .. }) && settings.master_key.is_none();
    let settings = settings.clone();
    is_beside.then(|| {
        Reread::by(move || {
            let own = key_file::read(&settings.master_key_file()?).ok()??;
            let next = key_file::read(&beside(&settings, "next")).ok()?;
            Some(Vault::new(own).and(next).and(former_keys(&settings).0))
        })
    })
}

/// The files beside the key of an embedded ledger in which rotations have kept the keys that they replaced.
fn former_files(settings: &Settings) -> Vec<PathBuf> {
    let former = beside(settings, "former");
    let (Some(directory), Some(name)) = (former.parent(), former.file_name()) else {
        return Vec::new();
    };
    // A relative name without a directory lies in the current one.
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let name = name.to_string_lossy();
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let is_former = |entry: &std::fs::DirEntry| {
        let other = entry.file_name();
        let rest = other.to_string_lossy().strip_prefix(&*name).map(str::to_owned);
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(is_key_id))
    };
    entries.filter(is_former).map(|entry| entry.path()).collect()
}

fn is_key_id(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The second key, where one is configured.
pub(crate) fn second_key(settings: &Settings) -> Result<Option<MasterKey>, WiringError> {
    let second = settings.second_master_key.as_ref().map(MasterKey::parse);
    Ok(second.transpose()?)
}

/// A file beside the key of an embedded ledger.
fn beside(settings: &Settings, what: &str) -> PathBuf {
    let mut path = settings.master_key_file().unwrap_or_default().into_os_string();
    path.push(format!(".{what}"));
    path.into()
}

/// The key that is to take the place of the one beside an embedded ledger: a rotation that was broken off goes on with the one
/// that it has made.
///
/// # Errors
/// It cannot be written down.
pub fn next_key(settings: &Settings) -> Result<MasterKey, WiringError> {
    Ok(key_file::create(&beside(settings, "next"))?)
}

/// Puts the next key in the place of the one beside an embedded ledger; answers where that is kept.
///
/// # Errors
/// The files cannot be renamed: then both keys are there still.
pub fn finish_rotation(settings: &Settings) -> Result<PathBuf, WiringError> {
    let key = settings.master_key_file().unwrap_or_default();
    let next = beside(settings, "next");
    let own = key_file::read(&key)?.ok_or_else(|| KeyFileError::Missing { path: key.clone() })?;
    // By its id: the key that an earlier rotation has kept is never given up for this one.
    let former = beside(settings, &format!("former.{}", own.id()));
    let failed = |source| KeyFileError::File {
        path: key.clone(),
        source,
    };
    // Kept under another name before its own is given away: at no moment is there none.
    match std::fs::hard_link(&key, &former) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        linked => linked.map_err(failed)?,
    }
    std::fs::rename(&next, &key).map_err(failed)?;
    key_file::sync_directory(&key).map_err(failed)?;
    Ok(former)
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
    choose_key(ledger, vault, choice).await
}

/// While one key is replaced by another, the ledger's may be either of those that are here.
pub(crate) async fn choose_key(
    ledger: &dyn Ledger,
    vault: &Vault,
    choice: KeyChoice,
) -> Result<(), WiringError> {
    let here = vault.key_id();
    match ledger.agree_on_key(here, choice).await {
        Ok(agreed) if vault.knows(&agreed) => Ok(()),
        Ok(agreed) => Err(WiringError::OtherKey {
            ledger: agreed,
            here: here.to_owned(),
        }),
        // Whoever may only read seals nothing, and reads what is shown without a key.
        Err(LedgerError::ReadOnly(_) | LedgerError::Full(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
