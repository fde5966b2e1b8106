//! Disks: how much room is left where this process writes. A full one is noticed by a ledger that refuses and by a spool
//! that cannot hold a token; this tells before.

use std::path::{Path, PathBuf};

use ledgerfleet_telemetry::metrics::{self, Place};
use ledgerfleet_wiring::Places;

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What somebody without special rights may still write.
    pub free: u64,
    /// What it holds in all.
    pub size: u64,
}

impl Room {
    /// Whether it will soon be full: the alert `DiskFilling` says the same.
    pub const fn is_scarce(self) -> bool {
        self.free < self.size / 10 || self.free < 256_000_000
    }
}

/// Shows the room of each place. Of what cannot be asked the last answer stays, and of what never could there is none: a
/// zero would be an alarm.
pub(crate) async fn show(places: &Places) {
    let spool = Some((Place::Spool, places.spool.clone()));
    let database = places.database.clone().map(|path| (Place::Database, path));
    let asked: Vec<(Place, PathBuf)> = spool.into_iter().chain(database).collect();
    // A file system of another machine may not answer for long.
    let asking = tokio::task::spawn_blocking(move || {
        for (place, path) in asked {
            if let Some(Room { free, size }) = room(&path) {
                metrics::disk(place, free, size);
            }
        }
    });
    let _ = asking.await;
}

/// The room there; nothing if it cannot be asked, as of what is not there.
pub fn room(path: &Path) -> Option<Room> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some(Room {
        free: told.f_bavail.saturating_mul(told.f_frsize),
        size: told.f_blocks.saturating_mul(told.f_frsize),
    })
}

/// Files and connections that this process may have open at once; nothing if without bound.
pub fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Lets this process have as many files and connections open as it may be allowed; where that is refused, it stays as it was.
pub fn raise_open_files() {
    let resource = rustix::process::Resource::Nofile;
    let mut limit = rustix::process::getrlimit(resource);
    limit.current = limit.maximum;
    if let Err(error) = rustix::process::setrlimit(resource, limit) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "no more files may be open than before"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_scarce_below_a_tenth_and_below_a_few_hundred_megabytes() {
        let scarce = |free, size| Room { free, size }.is_scarce();
        assert!(scarce(99_000_000_000, 1_000_000_000_000));
        assert!(!scarce(101_000_000_000, 1_000_000_000_000));
        assert!(scarce(200_000_000, 300_000_000));
    }

    #[test]
    fn a_directory_has_room_within_its_file_system_and_what_is_not_there_has_none() {
        let Room { free, size } = room(Path::new(".")).unwrap();
        assert!(0 < free && free <= size, "{free} of {size}");
        assert_eq!(room(Path::new("./not/there")), None);
    }
}
