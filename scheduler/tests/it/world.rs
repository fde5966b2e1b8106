//! World: a directory of its own, a clean environment, and an emulator to talk to.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use ledgerfleet_emulator::{CompanyInfo, Emulator, EmulatorOptions, Rate, RunningEmulator};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// A place to run the program in. What was started in it ends with it.
pub(crate) struct World {
    pub(crate) directory: Arc<TempDir>,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no `{text}` in {self:?}");
        self
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            directory: Arc::new(TempDir::new().unwrap()),
            variables: Vec::new(),
        }
    }

    /// A world whose settings point at an emulator.
    pub(crate) fn beside(emulator: &RunningEmulator) -> Self {
        let info = emulator.info();
        Self::new()
            .with("LEDGERFLEET_QUICKBOOKS_API_URL", emulator.url())
            .with("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", emulator.url())
            .with("LEDGERFLEET_QUICKBOOKS_CLIENT_ID", &info.client_id)
            .with("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", &info.client_secret)
            .with("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "40")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same directory under another setting.
    pub(crate) fn elsewhere(&self, name: &str, value: &str) -> Self {
        let same = Self {
            directory: self.directory.clone(),
            variables: self.variables.clone(),
        };
        same.with(name, value)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// What the program finds in its environment here.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_scheduler"));
        command.args(line.split_whitespace());
        command
    }

    /// A program in this world's directory and environment.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env_clear()
            .envs(self.variables.iter().cloned())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, line: &str) -> Ended {
        ended(self.command(line)).await
    }

    /// Runs another program to its end.
    pub(crate) async fn run_program(&self, name: &str, arguments: &[&str]) -> Ended {
        let mut program = self.program(name);
        program.args(arguments);
        ended(program).await
    }

    /// Starts a command; returns when it has said `text`.
    pub(crate) async fn start(&self, line: &str, text: &str) -> Running {
        let mut child = self.command(line).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = String::new();
        let mut running = Running { child, said, talk };
        running.until(text).await;
        running
    }

    /// Adds an emulated company as a connection.
    pub(crate) async fn connect(&self, company: &CompanyInfo) {
        let file = self.write("token", &format!("{}\n", company.refresh_token));
        self.connect_with(&company.name, &company.realm, &file)
            .await
            .expect(0);
    }

    pub(crate) async fn connect_with(&self, name: &str, realm: &str, token: &Path) -> Ended {
        let token = token.display();
        let line =
            format!("connection add quickbooks --name {name} --realm {realm} --refresh-token-file {token}");
        self.run(&line).await
    }

    /// The same for a connection that is there and works.
    pub(crate) async fn reconnect_with(&self, name: &str, realm: &str, token: &Path) -> Ended {
        let token = token.display();
        let line = format!(
            "connection add quickbooks --yes --name {name} --realm {realm} --refresh-token-file {token}"
        );
        self.run(&line).await
    }
}

async fn ended(mut command: Command) -> Ended {
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or(-1);
    Ended {
        code,
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A command that runs beside the test.
pub(crate) struct Running {
    child: Child,
    /// What it has said so far.
    pub(crate) said: String,
    talk: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>,
}

impl Running {
    /// Returns when it has said `text`.
    pub(crate) async fn until(&mut self, text: &str) {
        while !self.said.contains(text) {
            let line = self.talk.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended and said {}", self.said));
            self.said.push_str(&line);
            self.said.push('\n');
        }
    }

    /// The address that it has said after `text`.
    pub(crate) fn address_of(&self, text: &str) -> String {
        let rest = self.said.split(text).nth(1).unwrap();
        rest.split(':').take(2).collect::<Vec<_>>().join(":")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends a signal by its name and waits for the end.
    pub(crate) async fn end_with(self, signal: &str) -> Ended {
        let order = format!("kill -{signal} {}", self.pid());
        assert!(
            Command::new("sh")
                .args(["-c", &order])
                .status()
                .await
                .unwrap()
                .success()
        );
        self.end().await
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let mut data = self.child.stdout.take().unwrap();
        let reading = data.read_to_string(&mut stdout);
        let listening = async {
            while let Some(line) = self.talk.next_line().await.unwrap() {
                self.said.push_str(&line);
                self.said.push('\n');
            }
        };
        let (read, ()) = tokio::join!(reading, listening);
        read.unwrap();
        let status = self.child.wait().await.unwrap();
        Ended {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: self.said,
        }
    }
}

/// An emulator of two small companies that admits 50 requests a second.
pub(crate) async fn emulator() -> RunningEmulator {
    let options = EmulatorOptions {
        rate: Rate::PerSecond(50),
        ..EmulatorOptions::default()
    };
    Emulator::start(options).await.unwrap()
}
