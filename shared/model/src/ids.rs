//! Identities: UUIDv7 for what is stored, so that ids sort by time of birth; a number for the fence.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, greater than every id this process has made before.
            #[expect(clippy::new_without_default, reason = "a fresh identity is not a default value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id!(
    /// One company behind one upstream API.
    ConnectionId
);
id!(
    /// One request to copy something.
    RunId
);
id!(
    /// One (connection, entity, window) of a run: the unit of work, of retry and of the dead-letter queue.
    SegmentId
);
id!(
    /// One sending of dead letters.
    ReplayId
);

id!(
    /// One trigger.
    TriggerId
);

id!(
    /// One verification that was asked for over HTTP.
    VerificationId
);

id!(
    /// One key of the HTTP API.
    ApiKeyId
);

id!(
    /// One doing of a request that may be repeated.
    TurnId
);

/// The fencing number of a segment. It rises with every claim, rescue and cancel, and a write that carries an
/// older one does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One start of one worker process: host, process number and a random part, so that a restarted worker is
/// never taken for its predecessor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerName(pub String);

impl WorkerName {
    /// The name of this start of this process on `host`.
    pub fn of_this_process(host: &str) -> Self {
        let start = Uuid::now_v7().simple().to_string();
        Self(format!("{host}-{}-{}", std::process::id(), &start[24..]))
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
