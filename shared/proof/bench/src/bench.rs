//! Bench: what every figure is given.

use std::path::PathBuf;

use crate::Programs;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// What the report says.
    Full,
    /// As little as shows that the harness works; its numbers mean nothing.
    Quick,
}

/// What every figure is given.
#[derive(Debug, Clone)]
pub struct Bench {
    /// What is measured.
    pub programs: Programs,
    /// How much of it.
    pub size: Size,
    /// A Python that has `dlt`; without one that pair is left out.
    pub python: Option<PathBuf>,
    /// The program that drives apalis-redis; without one that pair is left out.
    pub apalis: Option<PathBuf>,
    /// The repository.
    pub repository: PathBuf,
}

impl Bench {
    /// The one of two numbers that belongs to the size.
    pub(crate) fn of<T>(&self, full: T, quick: T) -> T {
        match self.size {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}
