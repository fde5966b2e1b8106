//! The file: whose it is, and its schema.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::SqliteLedger;
use super::error::{failed, migration_failed};
use crate::LedgerError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// The mark in the file's header that says whose it is: `LFLT` in ASCII.
const APPLICATION_ID: i64 = 0x4c46_4c54;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No file.
    Nothing,
    /// A ledger of an older schema, or an empty file.
    Older,
    /// A ledger of this program's schema.
    Current,
}

/// Looks at a file without changing a byte of it, and refuses what is not ours or too new for us.
pub(super) async fn inspect(path: &Path) -> Result<Found, LedgerError> {
    refuse_a_lone_log(path)?;
    refuse_a_log_of_another_file(path)?;
    refuse_second_names(path)?;
    if !path.try_exists().unwrap_or(true) {
        return Ok(Found::Nothing);
    }
    // With a log beside it the file is in use, and only the two together are the truth. Without one, not even
    // the helper files of a reader are made.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(!log_of(path).exists())
        .disable_statement_logging();
    let look = async {
        let mut connection = options.connect().await.map_err(failed("open"))?;
        let found = recognise(&mut connection).await;
        connection.close().await.map_err(failed("open"))?;
        found
    };
    look.await.map_err(|error| name_the_file(error, path))
}

/// The first page up to the number of pages in the file.
type Header = [u8; 32];

/// Whether a file has no content: no bytes, or only the page that a switch to a write-ahead log makes first, and no log
/// that holds more.
pub(super) fn is_empty(path: &Path) -> bool {
    if log_of(path).metadata().is_ok_and(|log| log.len() > 0) {
        return false;
    }
    if path.metadata().is_ok_and(|file| file.len() == 0) {
        return true;
    }
    header_of(path).is_some_and(|header| header[28..] == [0, 0, 0, 1])
}

/// The first bytes of a file of SQLite.
///
/// The file is left open: closing it would free the locks that SQLite may have on it in this process.
#[cfg(unix)]
fn header_of(path: &Path) -> Option<Header> {
    use std::os::unix::fs::{FileExt, MetadataExt};
    static OPEN: Mutex<BTreeMap<(u64, u64), File>> = Mutex::new(BTreeMap::new());
    let identity = path.metadata().ok().map(|file| (file.dev(), file.ino()))?;
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let file = match open.entry(identity) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(File::open(path).ok()?),
    };
    let mut header = Header::default();
    file.read_exact_at(&mut header, 0).ok()?;
    of_sqlite(header)
}

#[cfg(not(unix))]
fn header_of(path: &Path) -> Option<Header> {
    use std::io::Read;
    let mut header = Header::default();
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    of_sqlite(header)
}

fn of_sqlite(header: Header) -> Option<Header> {
    header.starts_with(b"SQLite format 3\0").then_some(header)
}

/// The log that SQLite keeps beside a file in use.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Refuses a log whose file is gone or empty: SQLite would begin a new file and delete the log, and all that is only in
/// it.
fn refuse_a_lone_log(path: &Path) -> Result<(), LedgerError> {
    let log = log_of(path);
    let is_gone = path.metadata().map_or(true, |file| file.len() == 0);
    if is_gone && log.metadata().is_ok_and(|log| log.len() > 0) {
        let why = format!(
            "{} is {}, but its log {} holds data: put both back as they were, or move the log away",
            path.display(),
            if path.exists() { "empty" } else { "missing" },
            log.display()
        );
        return Err(LedgerError::Foreign(why));
    }
    Ok(())
}

/// Refuses a file that keeps no log and has one beside it, as a backup has that was put over a file in use: SQLite would write
/// the pages of the file that was there into the one that is there now.
fn refuse_a_log_of_another_file(path: &Path) -> Result<(), LedgerError> {
    /// Where the header says how the file is written, and read: 1 without a log, 2 with one.
    const VERSIONS: std::ops::Range<usize> = 18..20;
    let log = log_of(path);
    if log.metadata().map_or(0, |log| log.len()) == 0 {
        return Ok(());
    }
    let keeps_none = header_of(path).is_some_and(|header| header[VERSIONS] == [1, 1]);
    if !keeps_none {
        return Ok(());
    }
    Err(LedgerError::Foreign(format!(
        "{} is a copy, and beside it is the log of the file that it replaced: if the copy is to be used, delete {}",
        path.display(),
        log.display()
    )))
}

/// Refuses a file with several names: SQLite keeps a log for each name, and two programs that come by different ones
/// destroy it. A symbolic link is no name of the file: it is followed to the one that is.
#[cfg(unix)]
fn refuse_second_names(path: &Path) -> Result<(), LedgerError> {
    use std::os::unix::fs::MetadataExt;
    match path.metadata() {
        Ok(file) if file.is_file() && file.nlink() > 1 => Err(LedgerError::Foreign(format!(
            "{} has {} names (hard links), and SQLite keeps a log for each: two programs that use different ones destroy \
             it. Remove the other names, or make a copy of its own: cp FILE COPY",
            path.display(),
            file.nlink()
        ))),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape as where files have several names"
)]
fn refuse_second_names(_: &Path) -> Result<(), LedgerError> {
    Ok(())
}

/// Makes an empty file that only its owner may read, for it will hold a company's books. SQLite gives the files
/// beside it the same mode.
pub(super) fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Whatever is in the way, opening the database tells it, sorted and with the file's name.
    let made = options.open(path);
    // The umask may have taken rights of the owner's.
    #[cfg(unix)]
    let _ = made.and_then(|file| file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)));
    #[cfg(not(unix))]
    drop(made);
}

/// What a connection is connected to.
async fn recognise(connection: &mut SqliteConnection) -> Result<Found, LedgerError> {
    #[derive(sqlx::FromRow)]
    struct Header {
        application_id: i64,
        user_version: i64,
        objects: i64,
    }
    const HEADER: &str = "
        SELECT (SELECT application_id FROM pragma_application_id) AS application_id,
               (SELECT user_version FROM pragma_user_version) AS user_version,
               (SELECT count(*) FROM sqlite_schema) AS objects";
    let header: Header = sqlx::query_as(HEADER)
        .fetch_one(connection)
        .await
        .map_err(failed("open"))?;
    let known = newest();
    match header {
        Header {
            application_id: 0,
            user_version: 0,
            objects: 0,
        } => Ok(Found::Older),
        Header { application_id, .. } if application_id != APPLICATION_ID => Err(LedgerError::Foreign(
            "the file is a SQLite database of another program".to_owned(),
        )),
        Header {
            user_version: found, ..
        } if found > known => Err(LedgerError::NewerVersion { found, known }),
        Header { user_version, .. } if user_version == known => Ok(Found::Current),
        _ => Ok(Found::Older),
    }
}

fn name_the_file(error: LedgerError, path: &Path) -> LedgerError {
    match error {
        LedgerError::Foreign(what) => {
            LedgerError::Foreign(format!("{} is not a ledger: {what}", path.display()))
        }
        LedgerError::Unavailable(what, source) => {
            LedgerError::Unavailable(format!("{what} ({})", path.display()), source)
        }
        other => other,
    }
}

/// The schema version that this program writes.
fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

impl SqliteLedger {
    /// Brings the schema up to date in one transaction, so that a killed process leaves the file as it was.
    pub(super) async fn migrate(&self) -> Result<(), LedgerError> {
        let made = async {
            self.use_write_ahead_log().await?;
            let mut tx = self.write("migrate").await?;
            // Another process may have been faster, or the file another one than when we looked.
            if recognise(&mut tx).await? == Found::Current {
                return Ok(());
            }
            MIGRATIONS
                .run_direct(None, &mut *tx, false)
                .await
                .map_err(migration_failed)?;
            mark(&mut tx).await?;
            tx.commit().await.map_err(failed("migrate"))
        };
        made.await.map_err(|error| name_the_file(error, &self.path))
    }

    /// Whether reading and writing can go on side by side. A copy that SQLite has made of a ledger (`VACUUM INTO`)
    /// has lost this.
    pub(super) async fn has_write_ahead_log(&self) -> Result<bool, LedgerError> {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&self.readers)
            .await
            .map_err(failed("open"))?;
        Ok(mode == "wal")
    }

    /// Switches the file to a write-ahead log, once and for all. SQLite does not wait for the exclusive lock this
    /// takes, so two processes that open a new file at once have to.
    async fn use_write_ahead_log(&self) -> Result<(), LedgerError> {
        let mut tries = 50;
        loop {
            let switched = sqlx::query("PRAGMA journal_mode = WAL")
                .execute(&self.writer)
                .await;
            match switched.map_err(failed("migrate")) {
                Err(LedgerError::Unavailable(..)) if tries > 0 && self.path.exists() => tries -= 1,
                other => return other.map(drop),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Writes into the header whose file it is and the schema it has.
async fn mark(connection: &mut SqliteConnection) -> Result<(), LedgerError> {
    let marks = format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
        newest()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(marks))
        .execute(connection)
        .await
        .map_err(failed("migrate"))?;
    Ok(())
}
