//! Results: every measurement that was taken, a line of JSON each, so that what was interrupted can be gone on with.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
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

impl Line {
    fn is_of(&self, figure: &str, case: &str, commit: &str, machine: &Machine) -> bool {
        (&*self.figure, &*self.case, &*self.commit, &self.machine) == (figure, case, commit, machine)
    }
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
        let same = |line: &&Line| line.is_of(figure, case, commit, machine);
        self.lines().iter().filter(same).count()
    }

    /// Adds one, as a line of its own whatever is before it.
    pub fn append(&self, line: &Line) -> std::io::Result<()> {
        let before = if self.is_torn()? { "\n" } else { "" };
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
        // At once: what is interrupted between a line and its end would take the next one with it.
        file.write_all(format!("{before}{}\n", serde_json::to_string(line)?).as_bytes())
    }

    /// Whether the last line has no end.
    fn is_torn(&self) -> std::io::Result<bool> {
        let mut file = match File::open(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        if file.metadata()?.len() == 0 {
            return Ok(false);
        }
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }

    /// Forgets what was measured of a case, of that build on that machine. What cannot be read stays.
    pub fn forget(&self, figure: &str, case: &str, commit: &str, machine: &Machine) -> std::io::Result<()> {
        let text = match std::fs::read_to_string(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        let is_kept = |line: &&str| {
            serde_json::from_str(line).map_or(true, |line: Line| !line.is_of(figure, case, commit, machine))
        };
        let kept: Vec<&str> = text.lines().filter(is_kept).collect();
        let ends = if kept.is_empty() { "" } else { "\n" };
        // All of the old or all of the new, whatever interrupts this.
        let new = self.file.with_extension("new");
        std::fs::write(&new, kept.join("\n") + ends)?;
        std::fs::rename(new, &self.file)
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
        std::fs::write(&file, torn).unwrap();
        results.append(&line("queue", 3.0)).unwrap();
        let kept = [line("start", 1.0), line("rows", 2.0), line("queue", 3.0)];
        assert_eq!(results.lines(), kept);
        assert_eq!(results.taken("start", "one", "abc", &Machine::this()), 1);
    }

    #[test]
    fn what_is_measured_again_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::within(folder.path()).unwrap();
        let here = Machine::this();
        results.forget("start", "one", "abc", &here).unwrap();
        let elsewhere = Machine {
            cores: here.cores + 1,
            ..here.clone()
        };
        let [
            forgotten,
            mut of_another_case,
            mut of_another_build,
            mut of_another_machine,
        ] = [1.0, 2.0, 3.0, 4.0].map(|value| line("start", value));
        of_another_case.case = "two".to_owned();
        of_another_build.commit = "def".to_owned();
        of_another_machine.machine = elsewhere;
        let of_another_figure = line("rows", 5.0);
        let kept = [
            of_another_case,
            of_another_build,
            of_another_machine,
            of_another_figure,
        ];
        results.append(&forgotten).unwrap();
        for line in &kept {
            results.append(line).unwrap();
        }
        results.forget("start", "one", "abc", &here).unwrap();
        assert_eq!(results.lines(), kept);
    }

    #[test]
    fn a_line_of_before_the_filesystem_was_noted_can_be_read() {
        let mut old = serde_json::to_value(line("start", 1.0)).unwrap();
        old["machine"].as_object_mut().unwrap().remove("filesystem");
        let read: Line = serde_json::from_value(old).unwrap();
        assert_eq!(read.machine.filesystem, "");
    }
}
