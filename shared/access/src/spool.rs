//! Spool: a folder of this machine where what an upstream has granted waits, sealed, until the ledger holds it.
//!
//! A file is written under another name, synced, given its name, and the folder is synced: from then on neither the end
//! of the process nor a power cut loses what is in it. Its process keeps it locked. The operating system frees the lock
//! when the process ends, however it ends, so a file that is not locked is nobody's, and whoever finds it stores it. Two
//! that do so at once, where a file system has no locks, do no harm: the ledger takes one of them.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use ledgerfleet_model::ConnectionId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::private_file;

/// More than any file of a spool is long.
const LONGEST: u64 = 64 << 10;

/// What the names of files end in.
const COMPLETE: &str = "granted";
const UNFINISHED: &str = "unfinished";
const UNUSABLE: &str = "unusable";

/// The spool. Any number of processes may share one.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
}

/// The spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the spool folder {} cannot be used", folder.display())]
pub struct SpoolError {
    /// The folder.
    pub folder: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// What a file of the spool says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spooled {
    /// Whose credential it is.
    pub(crate) connection: ConnectionId,
    /// The version it shall replace.
    pub(crate) replaces: i64,
    /// The rest, sealed for these two.
    pub(crate) sealed: String,
}

/// A file of the spool, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct SpoolFile {
    path: PathBuf,
    file: File,
}

/// Which files may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Those of processes that have ended.
    ByTheDead,
    /// Also those of processes that live: they have had their time.
    ByAnybody,
}

impl Spool {
    /// The spool in this folder, which is made when it is needed.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes the folder, if there is none, and tries to write into it.
    pub fn check(&self) -> Result<(), SpoolError> {
        let probe = self.folder.join(format!("{}.probe", Uuid::now_v7()));
        let tried = self
            .make_folder()
            .and_then(|()| private_file::create_new(&probe))
            .and_then(|_| fs::remove_file(&probe));
        tried.map_err(|source| self.failed(source))
    }

    /// How many granted tokens wait for the ledger. None are known of where the folder cannot be read.
    pub fn waiting(&self) -> usize {
        self.files(None).map_or(0, |files| files.len())
    }

    /// How many files were set aside because they cannot be used.
    pub(crate) fn unusable(&self) -> usize {
        self.named(|name| name.ends_with(&format!(".{UNUSABLE}")))
            .map_or(0, |files| files.len())
    }

    /// Writes `spooled` down, so that it survives this process and this machine's power.
    pub(crate) fn write(&self, spooled: &Spooled) -> Result<SpoolFile, SpoolError> {
        self.try_write(spooled).map_err(|source| self.failed(source))
    }

    fn try_write(&self, spooled: &Spooled) -> io::Result<SpoolFile> {
        self.make_folder()?;
        // A name of its own for each, in the order of time: what one process writes never replaces what another has.
        let name = format!("{}.{}", spooled.connection, Uuid::now_v7());
        let path = self.folder.join(format!("{name}.{COMPLETE}"));
        let unfinished = self.folder.join(format!("{name}.{UNFINISHED}"));
        let mut file = private_file::create_new(&unfinished)?;
        // Without locks on this file system the ledger decides between two who find the file.
        let _ = file.try_lock();
        file.write_all(&serde_json::to_vec(spooled)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_folder(&self.folder)?;
        Ok(SpoolFile { path, file })
    }

    /// The files that hold a credential, oldest first: of one connection, or of all. An unfinished one, whose process
    /// was killed just before it had its name, may hold a whole one too.
    pub(crate) fn files(&self, of: Option<ConnectionId>) -> Result<Vec<PathBuf>, SpoolError> {
        let begins = of.map(|connection| format!("{connection}.")).unwrap_or_default();
        self.named(|name| {
            let end = name.rsplit('.').next().unwrap_or_default();
            name.starts_with(&begins) && (end == COMPLETE || end == UNFINISHED)
        })
        .map_err(|source| self.failed(source))
    }

    fn named(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(&wanted) {
                files.push(entry.path());
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn make_folder(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        refuse_link(&self.folder)
    }

    fn failed(&self, source: io::Error) -> SpoolError {
        SpoolError {
            folder: self.folder.clone(),
            source,
        }
    }
}

impl SpoolFile {
    /// Takes a file, unless it is gone, or its process lives and that counts.
    pub(crate) fn take(path: &Path, left: Left) -> io::Result<Option<Self>> {
        let file = match private_file::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Whatever else keeps us from the lock is a file system without locks: the ledger decides.
        let lives = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if lives && left == Left::ByTheDead {
            return Ok(None);
        }
        // Whoever had the lock until now may have stored it and removed it.
        Ok(path.try_exists()?.then(|| Self {
            path: path.to_owned(),
            file,
        }))
    }

    /// What it says; none if that is nothing this program has written.
    pub(crate) fn read(&mut self) -> io::Result<Option<Spooled>> {
        let mut text = Vec::new();
        (&mut self.file).take(LONGEST).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Removes it: the ledger holds what it says, or does not want it.
    pub(crate) fn remove(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps it under another name, for a person.
    pub(crate) fn set_aside(self) -> io::Result<PathBuf> {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{UNUSABLE}"));
        let aside = PathBuf::from(name);
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder that others have put there as a link may lead anywhere.
fn refuse_link(folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder)?.is_symlink() {
        let why = "it is a symbolic link, and those are not followed: name the folder itself (spool.dir)";
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape as where a folder can be synced"
)]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Does what touches the disk where it holds up nobody else.
pub(crate) async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}
