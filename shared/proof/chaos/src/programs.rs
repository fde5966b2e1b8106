//! Programs: the real ones, as they were built.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What only a program with fail points has in it.
const FAIL_POINT_WORDS: &str = "told to panic at";

/// Where the programs are that a row starts.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those beside a program of the same build.
    pub fn beside(program: &Path) -> Self {
        let folder = program.parent().unwrap_or(Path::new("."));
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Those in a folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The worker. One without fail points would pass over every fault that is planned for it.
    pub fn worker(&self) -> PathBuf {
        let worker = self.program("worker");
        let mut search = Command::new("grep");
        search.args(["--quiet", "--text", FAIL_POINT_WORDS]).arg(&worker);
        assert!(
            search.status().is_ok_and(|found| found.success()),
            "{} was built without `--features fail-points`; ./deploy/chaos builds it",
            worker.display()
        );
        worker
    }

    /// What asks the gate for grants.
    pub fn gate_asker(&self) -> PathBuf {
        self.program("gate-asker")
    }

    /// The scheduler.
    pub fn scheduler(&self) -> PathBuf {
        self.program("scheduler")
    }

    fn program(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        assert!(
            path.exists(),
            "there is no program {}; ./deploy/chaos builds it",
            path.display()
        );
        path
    }
}
