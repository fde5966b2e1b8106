//! `doctor` on this machine: where it writes, what it may open, and which secrets a history keeps.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ledgerfleet_access::Spool;
use ledgerfleet_config::Settings;
use ledgerfleet_process::{open_files, room};

use crate::views::checks::Check;

/// A worker's segments, their upstreams, the database and Redis fit into a quarter of this.
const FILES: u64 = 512;

pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![spool(settings)];
    if let Some(database) = settings.shape.embedded_path() {
        checks.extend(disk(folder_of(database)));
    }
    checks.push(files(open_files()));
    checks.extend(tracked(settings));
    checks
}

/// The spool is where a token that was just granted waits for the database: the one thing that only this machine has.
fn spool(settings: &Settings) -> Check {
    let folder = settings.spool();
    let next = "make it a folder that you may write to, on a disk that stays: LEDGERFLEET_SPOOL_DIR";
    if let Err(error) = Spool::at(folder.clone()).check() {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        let detail = format!("{error}: {}", why.unwrap_or_default());
        return Check::doubtful("spool", detail, next);
    }
    match room(&folder) {
        Some(room) if room.is_scarce() => Check::doubtful(
            "spool",
            format!("{}: only {} left", folder.display(), megabytes(room.free)),
            "make room on that file system",
        ),
        Some(room) => Check::good(
            "spool",
            format!("{}, writable, {} free", folder.display(), megabytes(room.free)),
        ),
        None => Check::good("spool", format!("{}, writable", folder.display())),
    }
}

fn disk(folder: &Path) -> Option<Check> {
    let room = room(folder)?;
    let detail = format!("{} free beside the database", megabytes(room.free));
    Some(if room.is_scarce() {
        Check::doubtful("disk", detail, "make room on that file system")
    } else {
        Check::good("disk", detail)
    })
}

fn files(most: Option<u64>) -> Check {
    match most {
        Some(most) if most < FILES => Check::doubtful(
            "open files",
            format!("this process may open {most} files and connections at once"),
            format!(
                "ulimit -n {}; for a service: LimitNOFILE={}",
                FILES * 8,
                FILES * 8
            ),
        ),
        Some(most) => Check::good("open files", format!("{most} at once")),
        None => Check::good("open files", "as many as there are"),
    }
}

/// What holds secrets and is kept by git: whoever gets a copy of the repository gets them, for ever.
fn tracked(settings: &Settings) -> Option<Check> {
    let mut secrets = vec![PathBuf::from(".env")];
    secrets.extend(settings.master_key_file());
    secrets.extend(settings.shape.embedded_path().map(Path::to_owned));
    let found: Vec<String> = secrets
        .iter()
        .filter(|path| is_tracked(path))
        .map(|path| path.display().to_string())
        .collect();
    if found.is_empty() {
        return None;
    }
    let files = found.join(", ");
    Some(Check::doubtful(
        "tracked files",
        format!("git keeps what holds secrets: {files}"),
        format!(
            "git rm --cached {files}, list it in .gitignore, and change the secrets: the history keeps the old ones"
        ),
    ))
}

/// Whether git keeps that file. Where there is no git, nobody keeps it.
fn is_tracked(file: &Path) -> bool {
    let Some(name) = file.file_name().filter(|_| file.exists()) else {
        return false;
    };
    Command::new("git")
        .arg("-C")
        .arg(folder_of(file))
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(name)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn megabytes(bytes: u64) -> String {
    let megabytes = bytes / 1_000_000;
    if megabytes < 10_000 {
        format!("{megabytes} MB")
    } else {
        format!("{} GB", megabytes / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_open_files_are_told_with_what_raises_them() {
        assert!(!files(Some(256)).is_good());
        assert!(files(Some(256)).next.starts_with("ulimit -n 4096"));
        assert!(files(Some(1024)).is_good());
        assert!(files(None).is_good());
    }

    #[test]
    fn room_is_told_in_words_that_people_compare() {
        assert_eq!(megabytes(1_500_000), "1 MB");
        assert_eq!(megabytes(45_700_000_000), "45 GB");
    }
}
