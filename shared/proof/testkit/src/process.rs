//! A process that a test has started. It is killed when this is dropped, however the test ends.

use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, kill_process};

pub use rustix::process::Signal;

use crate::wait::until;

/// One process and its log.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a command whose output goes into `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let output = File::create(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            // Ctrl-C is for whoever started it, who then ends it.
            .process_group(0)
            .spawn();
        Self {
            child: child.unwrap(),
            log: log.to_owned(),
            ended: None,
        }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Sends a signal; one that has ended hears nothing.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            send(self.pid(), signal);
        }
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended
    }

    /// Waits until it has ended.
    pub async fn end(&mut self, patience: Duration) -> ExitStatus {
        let pid = self.pid();
        until(&format!("process {pid} ends"), patience, async || {
            self.ended().is_some()
        })
        .await;
        self.ended.unwrap()
    }

    /// Waits until it has been killed by `kill -9`, by itself or by the system.
    pub async fn killed(&mut self, patience: Duration) {
        let status = self.end(patience).await;
        assert_eq!(
            status.signal(),
            Some(Signal::KILL.as_raw()),
            "ended otherwise: {status}"
        );
    }

    /// Whether it is stopped, as by SIGSTOP.
    pub fn is_stopped(&self) -> bool {
        // The state follows the name, which is in brackets.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    }

    /// The most memory that it has ever used, in KiB.
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that it uses now, in KiB.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    }

    /// The processor time that it has used, to the hundredth of a second.
    pub fn cpu(&self) -> Duration {
        cpu(self.pid())
    }
}

/// The processor time that a process has used, and those of its children that have ended; nothing where the system
/// does not tell.
pub fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Fields 14 to 17; the third follows the name, which is in brackets.
    let rest = stat.rsplit(") ").next().unwrap_or_default();
    let hundredths = rest.split(' ').skip(11).take(4);
    let hundredths: u64 = hundredths.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(hundredths * 10)
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of one's own.
pub fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
    // One that has ended hears nothing.
    let _ = kill_process(pid, signal);
}
