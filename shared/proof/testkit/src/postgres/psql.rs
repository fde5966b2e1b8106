//! A session through `psql`, which is there wherever the server is: this crate needs no driver.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::cluster::{Cluster, program};

/// Written after the answer to a command.
const END: &str = "end-of-answer";

/// A session. It ends when this is dropped, or when this process ends, however that happens.
#[derive(Debug)]
pub(super) struct Psql {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Psql {
    pub(super) fn connect(cluster: &Cluster, database: &str) -> Self {
        let mut process = command(cluster, database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("psql cannot be started: {error}; ./deploy/test installs it"));
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            input,
            output,
        }
    }

    /// Whether the server answers.
    pub(super) fn answers(cluster: &Cluster) -> bool {
        Self::connect(cluster, "postgres").run("SELECT 1").is_ok()
    }

    /// Runs statements and answers their rows, values parted by `|`. An error ends the session.
    pub(super) fn run(&mut self, sql: &str) -> std::io::Result<String> {
        let ended = || std::io::Error::other(format!("psql has ended in: {sql}"));
        let input = self.input.as_mut().ok_or_else(ended)?;
        writeln!(input, "{sql}\n;\n\\echo {END}")?;
        input.flush()?;
        let mut answer = String::new();
        loop {
            let start = answer.len();
            if self.output.read_line(&mut answer)? == 0 {
                return Err(ended());
            }
            if answer[start..].trim_end() == END {
                answer.truncate(start);
                return Ok(answer.trim_end().to_owned());
            }
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// `psql` on a database of a cluster; it stops at the first error.
pub(super) fn command(cluster: &Cluster, database: &str) -> Command {
    let mut command = Command::new(program("psql"));
    command
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
            "-h",
        ])
        .arg(cluster.directory())
        .args(["-p", &cluster.port().to_string()]);
    command
}
