//! Report: what a row showed, as a line for people.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ledgerfleet_model::{Clock, SystemClock};

use crate::{Row, Verdict};

/// The head of the file.
const HEAD: &str = "# Chaos: what was made to go wrong, and what was left

Each line is one run of one row by `./deploy/chaos`, appended by it: what was injected, and what was seen after every
invariant had been checked (`shared/proof/chaos/README.md` lists them). Repeat one with its row and seed.

| date | row | fault | seed | commit | verdict | seconds | seen |
|---|---|---|---|---|---|---|---|
";

/// How one run of a row ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// The row's number, or what else was played.
    pub number: &'static str,
    /// What went wrong.
    pub fault: &'static str,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// Where its logs are, if it is red.
    pub folder: PathBuf,
}

impl Report {
    /// Appends a line to the report file, making it where there is none.
    pub fn append(&self, file: &Path, commit: &str) -> std::io::Result<()> {
        let is_new = !file.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(file)?;
        if is_new {
            file.write_all(HEAD.as_bytes())?;
        }
        writeln!(
            file,
            "| {} | {} | {} | {} | {commit} | {} | {:.0} | {} |",
            SystemClock.now().format("%Y-%m-%d"),
            self.number,
            self.fault,
            self.seed,
            self.verdict.word(),
            self.took.as_secs_f64(),
            self.verdict.to_string().replace('|', "/").replace('\n', " "),
        )
    }

    /// Whether the file says of this row, seed and commit that they were green.
    pub fn was_green(file: &Path, row: &Row, seed: u64, commit: &str) -> bool {
        let start = format!("| {} | {} | {seed} | {commit} | green |", row.number, row.fault);
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| line.contains(&start))
    }
}
