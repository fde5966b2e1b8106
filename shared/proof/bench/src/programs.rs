//! Programs: the real ones, as they were built for release.

use std::path::{Path, PathBuf};

/// Where the programs are that are measured.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those in a folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The worker.
    pub fn worker(&self) -> PathBuf {
        self.program("worker")
    }

    /// The scheduler.
    pub fn scheduler(&self) -> PathBuf {
        self.program("scheduler")
    }

    /// The emulator.
    pub fn emulator(&self) -> PathBuf {
        self.program("emulator")
    }

    /// One that should be there and is not.
    pub fn missing(&self) -> Option<PathBuf> {
        let wanted = ["worker", "scheduler", "emulator"].map(|name| self.folder.join(name));
        wanted.into_iter().find(|path| !path.is_file())
    }

    fn program(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        assert!(
            path.exists(),
            "there is no program {}; ./deploy/bench builds it",
            path.display()
        );
        path
    }
}
