//! Stage: what a row is given.

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::Programs;

/// Programs, chance and a folder for one row.
#[derive(Debug)]
pub struct Stage {
    /// What it starts.
    pub programs: Programs,
    /// Decides everything that chance decides.
    pub seed: u64,
    /// Logs, and whatever else is worth keeping if it fails.
    pub folder: PathBuf,
    chance: StdRng,
}

impl Stage {
    /// A stage for the row of that number, on an empty folder.
    pub fn new(programs: Programs, row: &str, seed: u64, folder: &Path) -> Self {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).unwrap();
        // Programs are started in it, so what names it must do so from anywhere.
        let folder = folder.canonicalize().unwrap();
        let number: u64 = row.bytes().map(u64::from).fold(0, |sum, byte| sum * 256 + byte);
        Self {
            programs,
            seed,
            folder,
            chance: StdRng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ number),
        }
    }

    /// A number from `least` to `most`, both included.
    pub fn draw(&mut self, least: u64, most: u64) -> u64 {
        self.chance.random_range(least..=most)
    }
}
