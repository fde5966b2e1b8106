//! The cluster that the tests of one user share, one process each as nextest runs them.
//!
//! Everybody who uses it holds a shared advisory lock in a session, which ends with its process whatever happens to
//! that. A guard beside the server looks every few seconds whether it can have the lock alone; when it could for half
//! a minute, it stops the server, still holding the lock, and deletes everything. So nobody can join a server that is
//! about to stop, and nothing is left of a killed run.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cluster::{Cluster, Settings, program, user};
use super::psql::Psql;

/// The advisory lock of those who use the cluster.
const PRESENCE: &str = "4711";

/// What stops the server.
const GUARD: &str = include_str!("guard.sh");

/// Joins the shared cluster, starting it if it does not run. Answers the session that keeps it alive.
pub(super) fn join() -> (Cluster, Psql) {
    let home = home();
    // Released by the system when this process ends, also in the middle of a start.
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let current = home.join("current");
    if let Some(joined) = fs::read_to_string(&current)
        .ok()
        .and_then(|path| try_join(path.as_ref()))
    {
        return joined;
    }
    sweep(&home);
    let directory = start(&home);
    fs::write(&current, directory.to_str().unwrap()).unwrap();
    try_join(&directory)
        .unwrap_or_else(|| panic!("the shared Postgres in {} does not answer", directory.display()))
}

/// A folder of this user's.
fn home() -> PathBuf {
    let home = std::env::temp_dir().join(format!("ledgerfleet-tests-{}", user()));
    fs::create_dir_all(&home).unwrap();
    home
}

fn try_join(directory: &Path) -> Option<(Cluster, Psql)> {
    if !directory.exists() {
        return None;
    }
    let cluster = Cluster::at(directory);
    let mut presence = Psql::connect(&cluster, "postgres");
    presence
        .run(&format!("SELECT pg_advisory_lock_shared({PRESENCE})"))
        .ok()?;
    Some((cluster, presence))
}

/// Removes what is left of clusters that have ended. A server whose directory is taken away ends within a minute.
fn sweep(home: &Path) {
    for entry in fs::read_dir(home).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("cluster") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Every start has a directory of its own, so that the guard of one never deletes another's.
fn start(home: &Path) -> PathBuf {
    let directory = tempfile::Builder::new()
        .prefix("cluster")
        .tempdir_in(home)
        .unwrap()
        .keep();
    let mut cluster = Cluster::make(&directory, &Settings::default());
    cluster.start_again();
    guard(&cluster);
    cluster.let_go();
    directory
}

#[expect(clippy::zombie_processes, reason = "it outlives this process")]
fn guard(cluster: &Cluster) {
    let psql = format!(
        "{} -X -q -A -t -U postgres -d postgres -h {}",
        program("psql").display(),
        cluster.directory().display()
    );
    Command::new("sh")
        .args(["-c", GUARD])
        .env("PSQL", psql)
        .env("PRESENCE", PRESENCE)
        .env("SERVER", cluster.pid().to_string())
        .env("DIRECTORY", cluster.directory())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
}
