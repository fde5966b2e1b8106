//! Backup: a copy of the file that is whole, also while the file is in use.

use std::fs::{File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::NamedTempFile;

use super::error::failed;
use super::file::{self, Found};
use crate::LedgerError;

/// A copy that was made, and read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The version of its schema.
    pub schema_version: i64,
    /// Companies in it, those that were removed included.
    pub connections: u64,
    /// Records in it, those that are gone at the source included.
    pub records: u64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something of that name, and a backup replaces nothing.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be written there.
    #[error("{} cannot be written", .0.display())]
    Destination(PathBuf, #[source] io::Error),
    /// The copy was written, and does not hold what a ledger does.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// There is no ledger to copy.
    #[error("there is no ledger in {}", .0.display())]
    NothingThere(PathBuf),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Copies the ledger in the file at `ledger` to `copy`, as it is at one instant: reading and writing go on beside it, and
/// nothing in the file is changed, not even an older schema brought up to date. The copy appears under its name when it is
/// whole, was read to its end and is on the disk; it has the mode 0600.
///
/// While it is made the log beside `ledger` grows by what is written meanwhile.
///
/// # Errors
/// Every [`BackupError`]: then nothing is left at `copy`.
pub async fn back_up(ledger: &Path, copy: &Path) -> Result<Backup, BackupError> {
    // As the ledger itself is opened: a link leads to the file that the log is beside.
    let ledger = &ledger.canonicalize().unwrap_or_else(|_| ledger.to_owned());
    if file::inspect(ledger).await? == Found::Nothing || file::is_empty(ledger) {
        return Err(BackupError::NothingThere(ledger.clone()));
    }
    if copy.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(copy.to_owned()));
    }
    let cannot = |error| BackupError::Destination(copy.to_owned(), error);
    let folder = folder_of(copy);
    let unfinished = unfinished(folder).map_err(cannot)?;
    copy_into(ledger, unfinished.path())
        .await
        .map_err(|error| match error {
            LedgerError::Full(full) => cannot(io::Error::new(io::ErrorKind::StorageFull, full)),
            other => other.into(),
        })?;
    let mut backup = examine(unfinished.path()).await?;
    finish(unfinished, copy, folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(copy.to_owned()),
        _ => cannot(error),
    })?;
    copy.clone_into(&mut backup.file);
    Ok(backup)
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// An empty file that only its owner may read, and that is gone again unless it is given its name.
fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    let mut unfinished = tempfile::Builder::new();
    unfinished.prefix(".ledgerfleet-backup-");
    #[cfg(unix)]
    let owner_only: Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    #[cfg(unix)]
    unfinished.permissions(owner_only);
    unfinished.tempfile_in(folder)
}

/// SQLite takes the path as text.
async fn copy_into(ledger: &Path, copy: &Path) -> Result<(), LedgerError> {
    let name = copy.to_str().ok_or_else(|| LedgerError::Unsuitable {
        what: format!("{} is not UTF-8", copy.display()),
        next: "name a file in a folder whose name is UTF-8",
    })?;
    let options = SqliteConnectOptions::new().filename(ledger).read_only(true);
    with_connection(&options, async |connection| {
        let statement = sqlx::query("VACUUM INTO ?").bind(name);
        statement.execute(connection).await.map_err(failed("back up"))?;
        Ok(())
    })
    .await
}

/// Reads the copy from its first page to its last.
async fn examine(copy: &Path) -> Result<Backup, BackupError> {
    const CONTENT: &str = "
        SELECT (SELECT user_version FROM pragma_user_version),
               (SELECT count(*) FROM fleet_connections), (SELECT count(*) FROM raw_records)";
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .read_only(true)
        .immutable(true);
    let (faults, content) = with_connection(&options, async |connection| {
        let faults: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed("check the copy"))?;
        let content: (i64, i64, i64) = sqlx::query_as(CONTENT)
            .fetch_one(connection)
            .await
            .map_err(failed("check the copy"))?;
        Ok((faults, content))
    })
    .await?;
    if faults != ["ok"] {
        return Err(BackupError::Damaged(faults.join("; ")));
    }
    let (schema_version, connections, records) = content;
    Ok(Backup {
        file: copy.to_owned(),
        bytes: copy.metadata().map_or(0, |copy| copy.len()),
        schema_version,
        connections: connections.unsigned_abs(),
        records: records.unsigned_abs(),
    })
}

/// Gives the copy its name, once its bytes are on the disk.
fn finish(unfinished: NamedTempFile, copy: &Path, folder: &Path) -> io::Result<()> {
    unfinished.as_file().sync_all()?;
    unfinished.persist_noclobber(copy).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// Opens a connection, and closes it however the work ends.
async fn with_connection<T>(
    options: &SqliteConnectOptions,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let options = options.clone().disable_statement_logging();
    let mut connection = options.connect().await.map_err(failed("open"))?;
    let done = work(&mut connection).await;
    let closed = connection.close().await.map_err(failed("open"));
    let done = done?;
    closed.map(|()| done)
}
