#![doc = include_str!("../README.md")]

pub mod budget;
pub mod clock;
pub mod connection;
pub mod division;
pub mod failure;
pub mod fingerprint;
pub mod ids;
pub mod json;
pub mod outcome;
pub mod position;
pub mod quarantine;
pub mod record;
pub mod retry;
pub mod run;
pub mod segment;
pub mod steering;
pub mod timing;
pub mod window;
pub mod work;

pub use clock::{Clock, ManualClock, SystemClock};
pub use connection::{Connection, ConnectionState, Environment, RefusalCause};
pub use failure::{Failure, FailureKind};
pub use ids::{
    ApiKeyId, ConnectionId, Epoch, ReplayId, RunId, SegmentId, TriggerId, TurnId, VerificationId, WorkerName,
};
pub use outcome::{LaterReason, Outcome};
pub use position::Position;
pub use quarantine::{QuarantineReason, Quarantined, Served};
pub use record::Record;
pub use run::{Lane, RunState};
pub use segment::{SegmentState, Standing};
pub use timing::{SyncPace, Timings};
pub use window::{Axis, DateRange, Days, InstantField, Segmenting, Window};
pub use work::{Work, WorkKind};

/// A word of a closed vocabulary that is stored, sent and printed as text.
///
/// Implements `as_str`, `Display`, `FromStr` and serde for an enum, so that Rust, SQL, JSON and the command
/// line cannot spell a state in two ways.
#[macro_export]
macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every word of this vocabulary, in its natural order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word as it stands in SQL, JSON, metrics and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl std::str::FromStr for $type {
            type Err = $crate::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| $crate::UnknownWord {
                    text: text.to_owned(),
                    known: Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A text that is not a word of the vocabulary it was read as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of: {known}")]
pub struct UnknownWord {
    /// What was read.
    pub text: String,
    /// The words that would have been understood.
    pub known: String,
}
