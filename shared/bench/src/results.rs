//! Results: every measurement that was taken, a line of JSON each, so that what was interrupted can be gone on with.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Machine, Values};

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The figure.
    pub figure: String,
    /// Its case.
    pub case: String,
    /// What was built.
    pub commit: String,
    /// Where.
    pub machine: Machine,
    /// When it had been taken, as RFC 3339.
    pub at: String,
    /// How long that took, in seconds.
    pub seconds: f64,
    /// What came out.
    pub values: Values,
}

/// The file of all measurements.
#[derive(Debug, Clone)]
pub struct Results {
    file: PathBuf,
}

impl Results {
    /// Those in a folder, which is made if it is not there.
    pub fn within(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            file: folder.join("results.jsonl"),
        })
    }

    /// All of them, oldest first. A line that was cut off, or is of another version, counts for nothing.
    pub fn lines(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// How often a case was measured of that build on that machine.
    pub fn taken(&self, figure: &str, case: &str, commit: &str, machine: &Machine) -> usize {
        let same = |line: &&Line| {
            (&*line.figure, &*line.case, &*line.commit, &line.machine) == (figure, case, commit, machine)
        };
        self.lines().iter().filter(same).count()
    }

    /// Adds one.
    pub fn append(&self, line: &Line) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
        let text = serde_json::to_string(line)?;
        writeln!(file, "{text}")
    }

    /// Forgets what was measured of a figure.
    pub fn forget(&self, figure: &str) -> std::io::Result<()> {
        let kept: Vec<Line> = self
            .lines()
            .into_iter()
            .filter(|line| line.figure != figure)
            .collect();
        std::fs::write(&self.file, "")?;
        kept.iter().try_for_each(|line| self.append(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(figure: &str, value: f64) -> Line {
        let mut values = Values::default();
        values.judge("share", value, "", crate::Reach::AtLeast(0.5));
        Line {
            figure: figure.to_owned(),
            case: "one".to_owned(),
            commit: "abc".to_owned(),
            machine: Machine::this(),
            at: "2026-06-30T12:00:00Z".to_owned(),
            seconds: 1.5,
            values,
        }
    }

    #[test]
    fn what_was_measured_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::within(folder.path()).unwrap();
        results.append(&line("start", 1.0)).unwrap();
        results.append(&line("rows", 2.0)).unwrap();
        let file = folder.path().join("results.jsonl");
        let torn = std::fs::read_to_string(&file).unwrap() + "{\"figure\":\"st";
        std::fs::write(&file, torn + "\n").unwrap();
        assert_eq!(results.lines(), [line("start", 1.0), line("rows", 2.0)]);
        assert_eq!(results.taken("start", "one", "abc", &Machine::this()), 1);
        results.forget("start").unwrap();
        assert_eq!(results.lines(), [line("rows", 2.0)]);
    }
}
