//! Runner lock: at most one process runs segments of a SQLite file.
//!
//! The operating system holds the lock and frees it when the process ends, however it ends; the number in the file
//! only tells people who it is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The running role, for as long as this lives.
#[derive(Debug)]
pub struct RunnerLock {
    #[expect(dead_code, reason = "held for its drop, which frees the lock")]
    file: File,
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
    /// Takes the role, or says who has it.
    pub fn take(path: &Path) -> Result<Self, RunnerLockError> {
        let failed = |source| RunnerLockError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(failed)?;
                Ok(Self { file })
            }
            Err(TryLockError::WouldBlock) => Err(RunnerLockError::Held {
                pid: signature(&mut file),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_runner_learns_who_the_first_is_and_the_role_is_free_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books.db.lock");
        let first = RunnerLock::take(&path).unwrap();
        let refused = RunnerLock::take(&path).unwrap_err();
        assert!(
            refused.to_string().contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(first);
        RunnerLock::take(&path).unwrap();
    }
}
