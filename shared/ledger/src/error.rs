//! What can go wrong with a ledger, sorted by what the caller can do about it.

use ledgerfleet_model::{ConnectionId, SegmentId};

/// Why a ledger did not do what it was asked for. Nothing of a failed call is stored.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database cannot be reached or does not answer; it may later.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String, #[source] Option<sqlx::Error>),
    /// A COMMIT was sent and its answer never came: what was to be stored may be stored. No error of a statement before
    /// it is one of these.
    #[error("the database's answer to a commit was lost")]
    CommitUnknown(#[source] Option<sqlx::Error>),
    /// The URL of the database is not one.
    #[error("the URL of the database cannot be used")]
    Url(#[source] sqlx::Error),
    /// The database refuses to be written.
    #[error("the database is read-only")]
    ReadOnly(#[source] sqlx::Error),
    /// There is no room left.
    #[error("the database's disk is full")]
    Full(#[source] sqlx::Error),
    /// The file or database was written by a newer version of this program.
    #[error("the database has schema version {found}, this program knows {known} at most")]
    NewerVersion {
        /// The version the database has.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The database has no schema, or an older one: it is migrated on purpose, not by the way.
    #[error("the database has {}, this program needs schema version {known}: run `scheduler migrate`",
            found.map_or_else(|| "no ledger yet".to_owned(), |found| format!("schema version {found}")))]
    NotMigrated {
        /// The version the database has.
        found: Option<i64>,
        /// The version this program needs.
        known: i64,
    },
    /// The file or database holds something that is not a ledger.
    #[error("{0}")]
    Foreign(String),
    /// The database, or what leads to it, cannot carry a ledger as it is set up.
    #[error("{what}")]
    Unsuitable {
        /// What is wrong with it.
        what: String,
        /// What to do.
        next: &'static str,
    },
    /// A connection of this name exists.
    #[error("a connection named `{0}` exists already")]
    NameTaken(String),
    /// The company is connected, under whatever name.
    #[error("account {0} is connected already")]
    CompanyTaken(String),
    /// There is no such connection.
    #[error("there is no connection {0}")]
    NoSuchConnection(ConnectionId),
    /// There is no such segment, or it never ended.
    #[error("there is no dead letter {0}")]
    NoSuchSegment(SegmentId),
    /// Something that others have made hangs on what would have to go.
    #[error("{place} is used by others: {by}")]
    InUse {
        /// What would have to go.
        place: String,
        /// What hangs on it, as the database says.
        by: String,
    },
    /// A credential is sealed with a master key that a rotation has replaced.
    #[error("the credential is sealed with master key {sealed}, which was replaced by {now}")]
    FormerKey {
        /// The id of the key that has sealed it.
        sealed: String,
        /// The id of the key that the ledger is used with.
        now: String,
    },
    /// A stored value cannot be understood.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// A statement failed in a way that no caller can mend.
    #[error("a statement of the ledger failed in step `{step}`")]
    Statement {
        /// The step that failed.
        step: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
}

impl LedgerError {
    /// Whether the same call may succeed later, when the database is back, writable or has room again.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(..) | Self::ReadOnly(_) | Self::Full(_) | Self::CommitUnknown(_)
        )
    }

    /// Whether the database is there and only does not answer now: it stands still, starts, stops or has no room for
    /// another session. That nobody listens, or that a name or password is wrong, is none of this.
    pub fn is_silence(&self) -> bool {
        use std::io::ErrorKind;
        const OF_A_MOMENT: [&str; 5] = ["53300", "57P01", "57P02", "57P03", "25P03"];
        match self {
            Self::Unavailable(_, None) => true,
            Self::Unavailable(_, Some(cause)) => match cause {
                sqlx::Error::PoolTimedOut => true,
                sqlx::Error::Io(error) => matches!(
                    error.kind(),
                    ErrorKind::TimedOut | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ),
                sqlx::Error::Database(error) => {
                    error.code().is_some_and(|code| OF_A_MOMENT.contains(&&*code))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the database is to blame, and not what it was given: it is away, full or read-only, or it refuses the
    /// statement whatever the page holds (missing rights, a limit of its own, a damaged file). Then a page is neither
    /// bought again soon nor blamed.
    pub fn is_databases_fault(&self) -> bool {
        /// Data exceptions, violated constraints, limits that the data exceeds: by class of SQLSTATE.
        const OF_THE_DATA: [&str; 3] = ["22", "23", "54"];
        const LENGTH_OF_A_SQLSTATE: usize = 5;
        let Self::Statement {
            source: sqlx::Error::Database(cause),
            ..
        } = self
        else {
            return self.is_passing();
        };
        cause.code().is_some_and(|code| {
            code.len() == LENGTH_OF_A_SQLSTATE && !OF_THE_DATA.iter().any(|class| code.starts_with(class))
        })
    }

    /// Whether the server is there and does not write to a table, whatever the page holds: missing rights, a lock, a
    /// limit of its own. Conflicts with others, and sessions that were ended, are none of this.
    pub fn is_refusal_of_a_table(&self) -> bool {
        const OF_OTHERS: [&str; 6] = ["08", "40", "57P", "28", "3D", "53300"];
        let (Self::Statement {
            source: sqlx::Error::Database(cause),
            ..
        }
        | Self::Unavailable(_, Some(sqlx::Error::Database(cause)))) = self
        else {
            return false;
        };
        let of_others = |code: &str| OF_OTHERS.iter().any(|class| code.starts_with(class));
        self.is_databases_fault()
            && cause
                .code()
                .is_some_and(|code| code.len() == 5 && !of_others(&code))
    }

    /// Whether the database does not allow its user what the ledger does.
    pub fn is_forbidden(&self) -> bool {
        const INSUFFICIENT_PRIVILEGE: &str = "42501";
        let Self::Statement {
            source: sqlx::Error::Database(cause),
            ..
        } = self
        else {
            return false;
        };
        cause.code().is_some_and(|code| code == INSUFFICIENT_PRIVILEGE)
    }
}
