//! Verdict: how a row ended.

use std::fmt;

/// What was seen, a phrase each.
pub type Facts = Vec<String>;

/// Why a row cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip(pub String);

/// What a row answers; where something is not as promised, it panics.
pub type Ending = Result<Facts, Skip>;

/// How a row ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every promise was kept.
    Green(Facts),
    /// A promise was broken.
    Red(String),
    /// It cannot be run here.
    Skipped(String),
    /// What it is about does not exist yet, or nobody has written it.
    Pending(&'static str),
}

impl Verdict {
    /// Its word in reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Green(_) => "green",
            Self::Red(_) => "RED",
            Self::Skipped(_) => "skipped",
            Self::Pending(_) => "pending",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Green(facts) => f.write_str(&facts.join("; ")),
            Self::Red(why) | Self::Skipped(why) => f.write_str(why),
            Self::Pending(why) => f.write_str(why),
        }
    }
}
