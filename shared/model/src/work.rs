//! Work: what one segment asks a company for.
//!
//! ```text
//! window    a window of one entity, asked for by a person; its end is its coverage
//! auto      days of one entity that are cut into windows as they turn out to be filled, and read (`division`)
//! sync      the same as a window, asked for so that the entity is in sync; with its end, the entity's checkpoint moves
//! recount   whether the source has as many records of an entity as are stored; where not, all of them are read
//! changes   what has changed of some entities of a company since an instant, in one answer; checkpoints move
//! records   records of one entity by their ids
//! ```

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::division::Filled;
use crate::window::{Axis, InstantField, Window};
use crate::words;

/// The name that stands for the entity of a segment that asks for the changes of several.
pub const CHANGES: &str = "changes";

/// What one segment asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A window of one entity.
    Window(Window),
    /// Days of one entity that are cut while they are read: each answer tells where.
    Auto {
        /// The days.
        window: Window,
        /// What is known of their rows.
        filled: Filled,
    },
    /// A window of one entity, with whose end the entity's checkpoint moves.
    Sync(Window),
    /// Whether the source has as many records of the entity as are stored. Where not, all of them are read.
    Recount,
    /// What has changed of some entities since an instant.
    Changes {
        /// Their product names, sorted.
        entities: Vec<String>,
        /// The instant, by the upstream's clock.
        since: DateTime<Utc>,
    },
    /// Records of one entity.
    Records {
        /// Ids of those that are said to be there. One that the source does not show is not believed to be gone.
        ids: Vec<String>,
        /// Ids of those that are said to be gone. One that the source does not show is gone.
        gone: Vec<String>,
    },
}

/// The word for a kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// [`Work::Window`].
    Window,
    /// [`Work::Auto`].
    Auto,
    /// [`Work::Sync`].
    Sync,
    /// [`Work::Recount`].
    Recount,
    /// [`Work::Changes`].
    Changes,
    /// [`Work::Records`].
    Records,
}
words!(WorkKind {
    Window => "window",
    Auto => "auto",
    Sync => "sync",
    Recount => "recount",
    Changes => "changes",
    Records => "records",
});

/// What a window does not say of the work, as it is stored beside it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Details {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entities: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filled: Option<Filled>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<String>,
}

/// What is stored is no work that this program knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the work of a segment of the kind `{kind}` cannot be read")]
pub struct UnreadableWork {
    /// Its kind.
    pub kind: WorkKind,
}

impl From<Window> for Work {
    fn from(window: Window) -> Self {
        Self::Window(window)
    }
}

impl Work {
    /// Its kind.
    pub fn kind(&self) -> WorkKind {
        match self {
            Self::Window(_) => WorkKind::Window,
            Self::Auto { .. } => WorkKind::Auto,
            Self::Sync(_) => WorkKind::Sync,
            Self::Recount => WorkKind::Recount,
            Self::Changes { .. } => WorkKind::Changes,
            Self::Records { .. } => WorkKind::Records,
        }
    }

    /// The layout of a segment of this work: a worker claims no later one than it knows. The first know windows of days
    /// alone, later ones all but days that are cut while they are read.
    pub fn format(&self) -> i32 {
        match self {
            Self::Window(window) if window.is_of_days() => 1,
            Self::Auto { .. } => 3,
            _ => 2,
        }
    }

    /// The window that is read, where it is one.
    pub fn window(&self) -> Option<Window> {
        match self {
            Self::Window(window) | Self::Auto { window, .. } | Self::Sync(window) => Some(*window),
            Self::Recount => Some(Window::Whole),
            Self::Changes { .. } | Self::Records { .. } => None,
        }
    }

    /// The window that stands for it where one must: that of its lock, and of its row. Work that is no window has one
    /// that nobody asks for, the empty one at an instant.
    pub fn place(&self) -> Window {
        let at = match self {
            Self::Changes { since, .. } => *since,
            _ => DateTime::UNIX_EPOCH,
        };
        self.window().unwrap_or(Window::Instants {
            field: InstantField::Updated,
            days: None,
            start: at,
            end: at,
        })
    }

    /// The axis it lies on.
    pub fn axis(&self) -> Axis {
        self.place().axis()
    }

    /// What [`Work::place`] does not tell, as text to be stored; none where there is nothing more.
    pub fn details(&self) -> Option<String> {
        let details = match self {
            Self::Window(_) | Self::Sync(_) | Self::Recount => return None,
            Self::Auto { filled, .. } => Details {
                filled: Some(*filled),
                ..Details::default()
            },
            Self::Changes { entities, .. } => Details {
                entities: entities.clone(),
                ..Details::default()
            },
            Self::Records { ids, gone } => Details {
                ids: ids.clone(),
                gone: gone.clone(),
                ..Details::default()
            },
        };
        // Texts and numbers can always be written.
        serde_json::to_string(&details).ok()
    }

    /// The work of which this is stored.
    ///
    /// # Errors
    /// The details of that kind are missing or unreadable.
    pub fn stored(kind: WorkKind, place: Window, details: Option<&str>) -> Result<Self, UnreadableWork> {
        let read = || -> Result<Details, UnreadableWork> {
            let text = details.ok_or(UnreadableWork { kind })?;
            serde_json::from_str(text).map_err(|_| UnreadableWork { kind })
        };
        Ok(match (kind, place) {
            (WorkKind::Window, window) => Self::Window(window),
            (WorkKind::Auto, window) => Self::Auto {
                window,
                filled: read()?.filled.unwrap_or_default(),
            },
            (WorkKind::Sync, window) => Self::Sync(window),
            (WorkKind::Recount, _) => Self::Recount,
            (WorkKind::Changes, Window::Instants { start, .. }) => Self::Changes {
                entities: read()?.entities,
                since: start,
            },
            (WorkKind::Records, _) => {
                let Details { ids, gone, .. } = read()?;
                Self::Records { ids, gone }
            }
            (WorkKind::Changes, _) => return Err(UnreadableWork { kind }),
        })
    }
}

impl std::fmt::Display for Work {
    /// `txn_date 2026-03-01..2026-03-01`, `changes since 2026-03-01T10:00:00Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Window(window) => window.fmt(f),
            Self::Auto { window, .. } => write!(f, "auto {window}"),
            Self::Sync(window) => write!(f, "sync {window}"),
            Self::Recount => f.write_str("recount"),
            Self::Changes { entities, since } => write!(
                f,
                "changes of {} entities since {}",
                entities.len(),
                since.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
            ),
            Self::Records { ids, gone } => write!(f, "{} records", ids.len() + gone.len()),
        }
    }
}
