//! Disk: whether the place where the database lives still takes bytes.
//!
//! A worker whose commits fail for want of room waits and tries again, which is right for a daemon. A person at a
//! command line wants to be told: this probe is how `backfill` and `demo` find out.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ledgerfleet_access::private_file;

/// How often to look.
const EVERY: Duration = Duration::from_secs(2);

/// Less than the ledger writes in a moment of work.
const ROOM: usize = 64 * 1024;

/// Returns when the directory of `database` takes no more bytes; never before.
pub(crate) async fn full(database: &Path) -> io::Error {
    let probe = probe_file(database);
    loop {
        tokio::time::sleep(EVERY).await;
        let probe = probe.clone();
        let written = tokio::task::spawn_blocking(move || write(&probe)).await;
        if let Ok(Err(error)) = written
            && is_final(&error)
        {
            return error;
        }
    }
}

fn probe_file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".probe-{}", std::process::id()));
    name.into()
}

fn write(path: &Path) -> io::Result<()> {
    let probe = private_file::create_new(path);
    let written = probe.and_then(|mut probe| probe.write_all(&vec![0_u8; ROOM]));
    let removed = std::fs::remove_file(path);
    written.and(removed)
}

/// What waiting does not mend. Other errors are the probe's own bad luck.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        write(&probe_file(&directory.path().join("books.db"))).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
