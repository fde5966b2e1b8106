//! One cluster: a data directory, a server on it, and whose process that is.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::psql::Psql;
use crate::tls;

/// How long a server may take to answer for the first time.
pub(super) const STARTING: Duration = Duration::from_secs(30);

/// What a cluster is like.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the server's own, by name"
)]
pub struct Settings {
    /// Whether what was committed survives [`super::PrivatePostgres::kill`].
    pub durable: bool,
    /// Whether it listens on a port of the loopback interface, beside its socket.
    pub tcp: bool,
    /// Whether it speaks TLS there, with a certificate for `localhost` that an authority of its own has signed.
    pub tls: bool,
    /// Whether it asks who comes over its port for a certificate that the same authority has signed.
    pub asks_for_certificates: bool,
    /// Further settings: `("max_connections", "20")`.
    pub further: Vec<(String, String)>,
}

impl Settings {
    fn has_port(&self) -> bool {
        self.tcp || self.tls
    }
}

/// A cluster in a directory.
#[derive(Debug)]
pub(super) struct Cluster {
    directory: PathBuf,
    port: u16,
    arguments: Vec<String>,
    server: Option<Child>,
    /// Deletes the directory of a cluster that belongs to one test, after the server has ended.
    deleted_with_it: Option<TempDir>,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub(super) fn start(settings: &Settings) -> Self {
        let directory = tempfile::Builder::new().prefix("postgres").tempdir().unwrap();
        let mut cluster = Self::make(directory.path(), settings);
        cluster.deleted_with_it = Some(directory);
        cluster.start_again();
        cluster
    }

    /// A cluster that somebody else has started.
    pub(super) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            port: 5432,
            arguments: Vec::new(),
            server: None,
            deleted_with_it: None,
        }
    }

    /// Makes a cluster in an existing, empty directory.
    pub(super) fn make(directory: &Path, settings: &Settings) -> Self {
        give_to_server(directory);
        let made = as_server("initdb")
            .args([
                "--no-sync",
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--no-locale",
            ])
            .arg("--pgdata")
            .arg(data(directory))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = if settings.tcp || settings.tls {
            free_port()
        } else {
            5432
        };
        if settings.tls {
            tls::make_certificates(directory);
            for file in ["server.key", "server.crt", "root.crt"] {
                give_to_server(&directory.join(file));
            }
        }
        if settings.asks_for_certificates {
            let rules = "local all all trust\nhostssl all all all trust clientcert=verify-ca\n";
            std::fs::write(data(directory).join("pg_hba.conf"), rules).unwrap();
        }
        Self {
            directory: directory.to_owned(),
            port,
            arguments: arguments(directory, settings),
            server: None,
            deleted_with_it: None,
        }
    }

    /// Makes a copy that follows this one, which must have a port and send its log (`wal_level=replica`), and starts it.
    pub(super) fn start_standby(&self, settings: &Settings) -> Self {
        let directory = tempfile::Builder::new().prefix("standby").tempdir().unwrap();
        give_to_server(directory.path());
        let copied = as_server("pg_basebackup")
            .args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf"])
            .args(["--username=postgres", "--port", &self.port.to_string(), "--host"])
            .arg(&self.directory)
            .arg("--pgdata")
            .arg(data(directory.path()))
            .output()
            .unwrap();
        assert!(
            copied.status.success(),
            "pg_basebackup: {}",
            String::from_utf8_lossy(&copied.stderr)
        );
        let mut standby = Self {
            directory: directory.path().to_owned(),
            port: free_port(),
            arguments: arguments(directory.path(), settings),
            server: None,
            deleted_with_it: Some(directory),
        };
        standby.start_again();
        standby
    }

    /// Starts the server on what is there and waits until it answers.
    pub(super) fn start_again(&mut self) {
        assert!(self.server.is_none(), "the server runs");
        let mut server = self.spawn();
        let deadline = Instant::now() + STARTING;
        while !Psql::answers(self) {
            assert!(
                server.try_wait().unwrap().is_none(),
                "postgres has ended: {}",
                self.log()
            );
            assert!(
                Instant::now() < deadline,
                "postgres does not answer: {}",
                self.log()
            );
            sleep(Duration::from_millis(10));
        }
        self.server = Some(server);
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::create(self.directory.join("log")).unwrap();
        as_server("postgres")
            .arg("-D")
            .arg(data(&self.directory))
            .args(["-p", &self.port.to_string()])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // A signal for the test's group is not for a server that others may share.
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// Leaves the server running when this is dropped: somebody else ends it.
    pub(super) fn let_go(&mut self) {
        self.server = None;
    }

    pub(super) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        // Its children notice at once that it is gone and end; the socket's lock would keep the next from starting.
        let _ = server.kill();
        server.wait().unwrap();
        wait_for_children(&self.directory);
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.as_ref().map_or(0, Child::id)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn root_certificate(&self) -> PathBuf {
        self.directory.join("root.crt")
    }

    /// Over the port where it has one, else through the socket.
    pub(super) fn url(&self, database: &str) -> String {
        if self
            .arguments
            .iter()
            .any(|argument| argument == "listen_addresses=localhost")
        {
            return format!("postgres://postgres@localhost:{}/{database}", self.port);
        }
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.directory.display()
        )
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

fn arguments(directory: &Path, settings: &Settings) -> Vec<String> {
    let file = |name: &str| directory.join(name).display().to_string();
    let mut chosen = vec![
        format!("unix_socket_directories={}", directory.display()),
        "max_connections=200".to_owned(),
        "shared_buffers=256MB".to_owned(),
        "wal_level=minimal".to_owned(),
        "max_wal_senders=0".to_owned(),
        format!(
            "listen_addresses={}",
            if settings.has_port() { "localhost" } else { "" }
        ),
    ];
    if !settings.durable {
        chosen.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
    }
    if settings.tls {
        chosen.push("ssl=on".to_owned());
        chosen.push(format!("ssl_cert_file={}", file("server.crt")));
        chosen.push(format!("ssl_key_file={}", file("server.key")));
        chosen.push(format!("ssl_ca_file={}", file("root.crt")));
    }
    chosen.extend(
        settings
            .further
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    chosen
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("localhost:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A killed server's children end by themselves within moments. Until the last has, its shared memory is in use and
/// no other server starts on the directory.
fn wait_for_children(directory: &Path) {
    let deadline = Instant::now() + STARTING;
    let name = data(directory).display().to_string();
    while running_in(&name) {
        assert!(
            Instant::now() < deadline,
            "sessions of a killed server do not end"
        );
        sleep(Duration::from_millis(5));
    }
}

/// Whether any process has its working directory there, as every process of a server has. Where the system does not
/// tell, a start that comes too early fails and says so.
fn running_in(directory: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return false;
    };
    processes
        .flatten()
        .filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok())
        .any(|working_directory| working_directory.to_str() == Some(directory))
}

/// A command of the server's installation, as the user that servers run as.
pub(super) fn as_server(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    // The caller's own directory may be closed to that user.
    command.current_dir("/");
    command
}

/// A command of the installation, by its full path where Debian hides it.
pub fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let installed = versions
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists());
    let beside = Path::new("/usr/sbin").join(name);
    let elsewhere = || {
        if beside.exists() {
            beside
        } else {
            PathBuf::from(name)
        }
    };
    installed.max().unwrap_or_else(elsewhere)
}

/// Postgres refuses to run as root; then it runs as the user that its package has made.
fn server_user() -> Option<(u32, u32)> {
    if !is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let line = line.unwrap_or_else(|| panic!("there is no user postgres; ./deploy/test installs it"));
    let number = |field| line.split(':').nth(field).unwrap().parse().unwrap();
    Some((number(2), number(3)))
}

/// Whether what this process makes belongs to root.
fn is_root() -> bool {
    user() == 0
}

/// The user this process acts as.
pub(super) fn user() -> u32 {
    tempfile::tempfile().unwrap().metadata().unwrap().uid()
}

/// Makes a file or directory the server's own. Everybody may pass through a directory: the socket is in it.
pub(super) fn give_to_server(path: &Path) {
    let mode = if path.is_dir() { 0o755 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    if let Some((user, group)) = server_user() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}
