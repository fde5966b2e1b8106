//! Private files: secrets, locks and probes that stand in folders where others may have put something first.
//!
//! No symbolic link is followed, because it may have been planted to make this program read, lock or overwrite a file of
//! its user's; and only the owner may read or write what is made here, whatever the umask.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes a file that was not there.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A link that points nowhere is something that is there, too.
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Opens a file to read it.
pub fn open(path: &Path) -> io::Result<File> {
    open_itself(path, OpenOptions::new().read(true))
}

/// Opens a file to read and write it, and makes it if there is none.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            open_itself(path, OpenOptions::new().read(true).write(true))
        }
        other => other,
    }
}

/// Opens what has this name itself, not what a link of this name points to.
fn open_itself(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let is_link = || {
        io::Error::new(
            ErrorKind::InvalidInput,
            "it is a symbolic link, and those are not followed",
        )
    };
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(is_link());
    }
    let file = options.open(path)?;
    // A link may have come in between.
    if identity(&file.metadata()?) == identity(&fs::symlink_metadata(path)?) {
        Ok(file)
    } else {
        Err(is_link())
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) {}

/// Whether others than its owner may read or write a file that should be private. Only of a plain file: what a pipe or
/// a terminal says of itself tells nothing.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && has_other_users(&metadata))
}

#[cfg(unix)]
fn has_other_users(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o066 != 0
}

#[cfg(not(unix))]
fn has_other_users(_: &fs::Metadata) -> bool {
    false
}

/// What to tell of such a file.
pub fn warning(path: &Path) -> String {
    let path = path.display();
    format!("{path} holds a secret and others on this machine may read or change it; run: chmod 600 {path}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_planted_link_is_followed_by_nothing_and_its_target_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (target, absent) = (folder.path().join("diary"), folder.path().join("absent"));
        fs::write(&target, "dear diary").unwrap();
        for (kind, pointed_at) in [("a link to a file", &target), ("a link to nothing", &absent)] {
            let link = folder.path().join(kind);
            symlink(pointed_at, &link).unwrap();
            for (verb, opened) in [
                ("create", create_new(&link)),
                ("open", open(&link)),
                ("open or create", open_or_create(&link)),
            ] {
                assert!(opened.is_err(), "{verb} followed {kind}");
            }
        }
        assert_eq!(fs::read_to_string(target).unwrap(), "dear diary");
        assert!(!absent.exists(), "nothing was made behind the link");
    }

    #[test]
    fn what_is_made_is_private_and_what_is_not_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        drop(open_or_create(&path).unwrap());
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        for (mode, told) in [
            (0o600, false),
            (0o400, false),
            (0o700, false),
            (0o640, true),
            (0o604, true),
            (0o620, true),
            (0o602, true),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open_to_others(&path), told, "{mode:o}");
        }
    }
}
