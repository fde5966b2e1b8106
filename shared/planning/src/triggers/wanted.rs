//! Wanted: a command as a trigger keeps it.

use serde::{Deserialize, Serialize};

/// A command that is submitted later. Its days are kept as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Wanted {
    /// `backfill`.
    Backfill {
        /// Names, or `all`.
        connections: Vec<String>,
        /// Names, or `all`.
        entities: Vec<String>,
        /// The first day.
        from: String,
        /// The last day.
        to: String,
        /// The axis, as its word.
        by: String,
        /// The segmenting, as its word.
        segment: String,
        /// Rows a page.
        page_size: u32,
    },
    /// `sync`.
    Sync {
        /// Names, or `all`.
        connections: Vec<String>,
        /// Names; all that are kept in sync where there are none.
        entities: Vec<String>,
        /// Whether everything is read.
        full: bool,
        /// Since when changes are read.
        since: Option<String>,
    },
}

/// What is stored is no command that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its command was stored by a newer program, and cannot be read")]
pub struct Unreadable;

impl Wanted {
    /// Whom it concerns.
    pub fn connections(&self) -> &[String] {
        match self {
            Self::Backfill { connections, .. } | Self::Sync { connections, .. } => connections,
        }
    }

    /// As it is stored.
    pub fn to_text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// What [`Wanted::to_text`] wrote.
    ///
    /// # Errors
    /// It is none that this program knows.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        serde_json::from_str(text).map_err(|_| Unreadable)
    }
}

impl std::fmt::Display for Wanted {
    /// `backfill --connection acme --entity all --from -30d --to yesterday`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Backfill {
                connections,
                entities,
                from,
                to,
                by,
                segment,
                ..
            } => {
                let (connections, entities) = (connections.join(","), entities.join(","));
                write!(
                    f,
                    "backfill --connection {connections} --entity {entities} --from {from} --to {to}"
                )?;
                write!(f, " --segment {segment} --by {by}")
            }
            Self::Sync {
                connections,
                entities,
                full,
                since,
            } => {
                write!(f, "sync --connection {}", connections.join(","))?;
                if !entities.is_empty() {
                    write!(f, " --entity {}", entities.join(","))?;
                }
                if *full {
                    f.write_str(" --full")?;
                }
                since
                    .as_ref()
                    .map_or(Ok(()), |since| write!(f, " --since {since}"))
            }
        }
    }
}
