//! Runner lock: at most one process runs segments of a SQLite file.
//!
//! The operating system holds the locks and frees them when the process ends, however it ends. There are two: one on a file
//! beside the database, which also tells people who the runner is; and, where the system allows it, one on the database
//! itself, which is the same one by whatever path it is reached, and stays when the file beside it is removed.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ledgerfleet_access::private_file;

/// The running role, for as long as this lives.
#[derive(Debug)]
pub struct RunnerLock {
    #[expect(dead_code, reason = "held for its drop, which frees the lock")]
    itself: itself::Lock,
    #[expect(dead_code, reason = "held for its drop, which frees the lock")]
    beside: File,
}

/// Why the running role was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RunnerLockError {
    /// Another process runs segments of this file.
    #[error("process {} already runs the segments of this database", pid.as_deref().unwrap_or("(unknown)"))]
    Held {
        /// Its process number, if it has written one.
        pid: Option<String>,
    },
    /// The lock's file cannot be used.
    #[error("the lock file {} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl RunnerLock {
    /// Takes the role on the database at `path`, or says who has it.
    pub fn take(path: &Path) -> Result<Self, RunnerLockError> {
        let of = |path: &Path| {
            let path = path.to_owned();
            move |source| RunnerLockError::File { path, source }
        };
        let database = path.canonicalize().map_err(of(path))?;
        let sign_post = beside(&database);
        let mut file = private_file::open_or_create(&sign_post).map_err(of(&sign_post))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = signature(&mut file);
                return Err(RunnerLockError::Held { pid });
            }
            Err(TryLockError::Error(source)) => return Err(of(&sign_post)(source)),
        }
        let itself = itself::lock(&database).map_err(of(&database))?;
        // Somebody holds the database whose sign was taken away.
        let itself = itself.ok_or(RunnerLockError::Held { pid: None })?;
        sign(&mut file).map_err(of(&sign_post))?;
        Ok(Self { itself, beside: file })
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())?;
    file.flush()
}

fn signature(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    let pid = text.trim();
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| pid.to_owned())
}

/// The lock on the database itself. On Linux it is apart from those that SQLite takes (`flock` beside `fcntl`); elsewhere
/// the two would block each other, and the file beside is all there is.
#[cfg(target_os = "linux")]
mod itself {
    use std::collections::HashMap;
    use std::collections::hash_map::Entry;
    use std::fs::{File, TryLockError};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};

    /// A file by device and inode, which are the same by every path.
    type Inode = (u64, u64);

    /// The databases whose role this process has or had. They are never closed: to close any descriptor of a file frees
    /// the locks that SQLite has on it in this process.
    static OPENED: Mutex<Option<HashMap<Inode, Opened>>> = Mutex::new(None);

    #[derive(Debug)]
    struct Opened {
        file: File,
        held: bool,
    }

    /// Frees the lock when it is dropped.
    #[derive(Debug)]
    pub(super) struct Lock(Inode);

    /// Takes the lock; none if somebody else has it.
    pub(super) fn lock(database: &Path) -> io::Result<Option<Lock>> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.get_or_insert_default();
        let inode = inode_of(&database.metadata()?);
        let opened = match opened.entry(inode) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let file = File::open(database)?;
                new.insert(Opened { file, held: false })
            }
        };
        if opened.held {
            return Ok(None);
        }
        match opened.file.try_lock() {
            Ok(()) => {
                opened.held = true;
                Ok(Some(Lock(inode)))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    impl Drop for Lock {
        fn drop(&mut self) {
            let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(opened) = opened.as_mut().and_then(|opened| opened.get_mut(&self.0)) {
                // What cannot be freed here is freed when the process ends.
                opened.held = opened.file.unlock().is_err();
            }
        }
    }

    fn inode_of(metadata: &std::fs::Metadata) -> Inode {
        (metadata.dev(), metadata.ino())
    }
}

#[cfg(not(target_os = "linux"))]
mod itself {
    use std::io;
    use std::path::Path;

    #[derive(Debug)]
    pub(super) struct Lock;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the same shape as where there is such a lock"
    )]
    pub(super) fn lock(_: &Path) -> io::Result<Option<Lock>> {
        Ok(Some(Lock))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn database() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a folder");
        let path = directory.path().join("books.db");
        std::fs::write(&path, "").expect("a file");
        (directory, path)
    }

    #[test]
    fn a_second_runner_learns_who_the_first_is_and_the_role_is_free_after_it() {
        let (_directory, path) = database();
        let first = RunnerLock::take(&path).unwrap();
        let refused = RunnerLock::take(&path).unwrap_err();
        assert!(
            refused.to_string().contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(first);
        RunnerLock::take(&path).unwrap();
    }

    #[test]
    fn a_database_has_one_runner_by_whatever_path_and_whatever_happens_to_the_file_beside_it() {
        type Trick = fn(&Path) -> PathBuf;
        let tricks: [(&str, Trick); 4] = [
            ("a link in the same folder", |path| {
                let link = path.with_file_name("link.db");
                symlink(path, &link).unwrap();
                link
            }),
            ("a link to the folder", |path| {
                let link = path.with_file_name("folder");
                symlink(path.parent().unwrap(), &link).unwrap();
                link.join("books.db")
            }),
            ("a removed lock", |path| {
                std::fs::remove_file(beside(path)).unwrap();
                path.to_owned()
            }),
            ("another lock in its place", |path| {
                std::fs::remove_file(beside(path)).unwrap();
                std::fs::write(beside(path), "1\n").unwrap();
                path.to_owned()
            }),
        ];
        for (name, trick) in tricks {
            let (_directory, path) = database();
            let path = path.canonicalize().unwrap();
            let first = RunnerLock::take(&path).unwrap();
            let refused = RunnerLock::take(&trick(&path));
            assert!(
                matches!(refused, Err(RunnerLockError::Held { .. })),
                "{name}: {refused:?}"
            );
            drop(first);
            RunnerLock::take(&path).unwrap();
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_is_not_followed() {
        let (directory, path) = database();
        let diary = directory.path().join("diary");
        std::fs::write(&diary, "dear diary").unwrap();
        symlink(&diary, beside(&path)).unwrap();
        let refused = RunnerLock::take(&path).unwrap_err();
        assert!(matches!(refused, RunnerLockError::File { .. }), "{refused:?}");
        assert_eq!(std::fs::read_to_string(diary).unwrap(), "dear diary");
    }
}
