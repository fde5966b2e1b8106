//! Desk: the scheduler's commands, as a person gives them.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::World;
use crate::process::Process;

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: ExitStatus,
    /// Output and errors.
    pub(crate) said: String,
}

impl World {
    /// Gives the scheduler a command and waits for its end.
    pub(crate) async fn command(&self, line: &str, patience: Duration) -> Answered {
        let mut command = Command::new(self.programs.scheduler());
        command
            .args(line.split_whitespace())
            .env_clear()
            .envs(self.fleet.variables.iter().cloned())
            .current_dir(&self.folder);
        let mut process = Process::start(&mut command, &self.folder.join("command.log"));
        let status = process.end(patience).await;
        Answered {
            status,
            said: process.log(),
        }
    }
}
