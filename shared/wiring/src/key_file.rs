//! Key file: the master key of an embedded ledger, beside its database.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use ledgerfleet_access::private_file;
use ledgerfleet_vault::{KeyError, MasterKey};
use secrecy::{ExposeSecret, SecretString};

/// More than any key is long.
const LONGEST: u64 = 4_096;

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file {} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file does not hold a key.
    #[error("the key file {} does not hold a key", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The ledger holds sealed credentials, and the key that opens them is gone.
    #[error("the key file {} is missing, and the database holds credentials sealed with it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the key, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<MasterKey>, KeyFileError> {
    let failed = |source| KeyFileError::File {
        path: path.to_owned(),
        source,
    };
    let file = match private_file::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    MasterKey::parse(&SecretString::from(text))
        .map(Some)
        .map_err(|source| KeyFileError::NotAKey {
            path: path.to_owned(),
            source,
        })
}

/// Makes a key and writes it, readable by its owner alone. Two processes that start at once agree on the key of the
/// first: an existing file is never overwritten.
pub(crate) fn create(path: &Path) -> Result<MasterKey, KeyFileError> {
    let failed = |source| KeyFileError::File {
        path: path.to_owned(),
        source,
    };
    let key = MasterKey::generate();
    let beside = path.with_extension(format!("key.{}", std::process::id()));
    let written = write_new(&beside, &key).and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    match written {
        Ok(()) => {
            removed.map_err(failed)?;
            // A power cut must not leave credentials whose key was never written down.
            sync_directory(path).map_err(failed)?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| KeyFileError::Missing {
                path: path.to_owned(),
            })
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    std::fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape as where a directory can be synced"
)]
pub(crate) fn sync_directory(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn write_new(path: &Path, key: &MasterKey) -> std::io::Result<()> {
    let mut file = private_file::create_new(path)?;
    writeln!(file, "{}", key.to_text().expose_secret())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_key_is_read_again_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books.db.key");
        assert!(read(&path).unwrap().is_none());
        let created = create(&path).unwrap();
        assert_eq!(create(&path).unwrap().id(), created.id());
        assert_eq!(read(&path).unwrap().unwrap().id(), created.id());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_a_key() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books.db.key");
        create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_key_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = directory.path().join("elsewhere");
        for there in [false, true] {
            if there {
                create(&elsewhere).unwrap();
            }
            let path = directory.path().join(format!("{there}.key"));
            std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
            assert!(matches!(create(&path), Err(KeyFileError::File { .. })));
            assert_eq!(elsewhere.exists(), there);
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books.db.key");
        std::fs::write(&path, "shopping list").unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::NotAKey { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "shopping list");
    }
}
