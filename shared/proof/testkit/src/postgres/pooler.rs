//! A pooler of one's own: PgBouncer in front of a private Postgres.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Instant;

use tempfile::TempDir;

use super::PrivatePostgres;
use super::cluster::{STARTING, as_server, free_port, give_to_server};

/// A running PgBouncer with the settings that its package has, but for the mode; it ends when this is dropped.
#[derive(Debug)]
pub struct PrivatePooler {
    port: u16,
    server: Child,
    #[expect(dead_code, reason = "held for its drop, which deletes the directory")]
    directory: TempDir,
}

impl PrivatePooler {
    /// Starts one that lends sessions of `postgres` in a mode: `session`, `transaction` or `statement`.
    pub fn start(postgres: &PrivatePostgres, mode: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("pooler").tempdir().unwrap();
        let port = free_port();
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, configuration(postgres, port, mode)).unwrap();
        for path in [directory.path(), &file] {
            give_to_server(path);
        }
        Self {
            port,
            server: spawn(&file, port),
            directory,
        }
    }

    /// Where to reach a database of that name through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for PrivatePooler {
    fn drop(&mut self) {
        // Only one that has ended by itself cannot be killed, and that is what is wanted.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn configuration(postgres: &PrivatePostgres, port: u16, mode: &str) -> String {
    let (directory, behind) = (postgres.cluster.directory().display(), postgres.cluster.port());
    format!(
        "[databases]\n* = host={directory} port={behind} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n"
    )
}

fn spawn(file: &Path, port: u16) -> Child {
    let server = as_server("pgbouncer")
        .arg("--quiet")
        .arg(file)
        .stdout(Stdio::null())
        .spawn();
    let server = server
        .unwrap_or_else(|error| panic!("pgbouncer cannot be started: {error}; ./deploy/test installs it"));
    let deadline = Instant::now() + STARTING;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "pgbouncer does not answer");
        sleep(std::time::Duration::from_millis(5));
    }
    server
}
