//! A Redis of one's own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tls;

/// How long a server may take to answer for the first time.
const STARTING: Duration = Duration::from_secs(20);

/// A running `redis-server`; it ends when this is dropped.
#[derive(Debug)]
pub struct PrivateRedis {
    directory: TempDir,
    options: Vec<String>,
    port: u16,
    server: Child,
}

impl PrivateRedis {
    /// Starts one without persistence.
    pub fn start() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts one with further options.
    pub fn start_with(options: &[&str]) -> Self {
        let directory = folder();
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let port = free_port();
        let server = spawn(directory.path(), port, &options);
        Self {
            directory,
            options,
            port,
            server,
        }
    }

    /// Starts one that speaks TLS, with a certificate for `localhost` from an authority of its own.
    pub fn start_tls() -> Self {
        Self::start_tls_that("no")
    }

    /// The same; who comes must show a certificate that the same authority has signed.
    pub fn start_tls_that_asks() -> Self {
        Self::start_tls_that("yes")
    }

    fn start_tls_that(asks: &str) -> Self {
        let directory = folder();
        tls::make_certificates(directory.path());
        let file = |name: &str| directory.path().join(name).display().to_string();
        let port = free_port();
        let options = [
            ["--tls-port".to_owned(), port.to_string()],
            ["--tls-cert-file".to_owned(), file("server.crt")],
            ["--tls-key-file".to_owned(), file("server.key")],
            ["--tls-ca-cert-file".to_owned(), file("root.crt")],
            ["--tls-auth-clients".to_owned(), asks.to_owned()],
        ];
        // The ordinary port is off: what is said, is said in private.
        let server = spawn(directory.path(), 0, &options.concat());
        Self {
            directory,
            options: options.concat(),
            port,
            server,
        }
    }

    /// Where one that speaks TLS is reached.
    pub fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }

    /// The certificate of its authority, PEM.
    pub fn root_certificate(&self) -> Vec<u8> {
        std::fs::read(self.directory.path().join("root.crt")).unwrap()
    }

    /// A certificate that its authority has signed, and its key, PEM.
    pub fn client_certificate(&self) -> (Vec<u8>, Vec<u8>) {
        let read = |name: &str| std::fs::read(self.directory.path().join(name)).unwrap();
        (read("client.crt"), read("client.key"))
    }

    /// Where to reach it: through its socket.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Where a program reaches it that knows no sockets: on a loopback port of its own.
    pub fn tcp_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it without warning and starts it again on what it had written.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        // Only a server that has ended by itself cannot be killed, and that is what is wanted.
        let _ = self.server.kill();
        self.server.wait().unwrap();
    }

    /// Starts a killed one again on what is in its directory.
    pub fn start_again(&mut self) {
        self.server = spawn(self.directory.path(), self.port, &self.options);
    }

    /// Where it keeps its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The loopback port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends one command and answers the reply's first line, for what a test does behind the product's back.
    pub fn command(&self, line: &str) -> String {
        ask(&self.socket(), line).unwrap()
    }

    /// The process number, for signals.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    fn socket(&self) -> PathBuf {
        socket(self.directory.path())
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("redis").tempdir().unwrap()
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn spawn(directory: &Path, port: u16, options: &[String]) -> Child {
    let _ = std::fs::remove_file(socket(directory));
    let server = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--unixsocket"])
        .arg(socket(directory))
        .arg("--dir")
        .arg(directory)
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("redis-server cannot be started: {error}; ./deploy/test installs it"));
    wait_until_it_answers(directory);
    server
}

fn wait_until_it_answers(directory: &Path) {
    let deadline = Instant::now() + STARTING;
    while ask(&socket(directory), "PING").ok().as_deref() != Some("+PONG") {
        assert!(Instant::now() < deadline, "redis-server does not answer");
        sleep(Duration::from_millis(5));
    }
}

fn ask(socket: &Path, line: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(STARTING))?;
    stream.write_all(line.as_bytes())?;
    stream.write_all(b"\r\n")?;
    let mut reply = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte[0] != b'\n' {
        reply.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&reply).trim_end().to_owned())
}
