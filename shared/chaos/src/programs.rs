//! Programs: the real ones, as they were built.

use std::path::{Path, PathBuf};

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

    /// The worker.
    pub fn worker(&self) -> PathBuf {
        self.program("worker")
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
