//! Known: what one process knows of the access to one connection.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::granted::Granted;
use crate::spool::SpoolFile;

/// An access token, with the version of the credential that it was stored with.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub(crate) secret: SecretString,
    pub(crate) version: i64,
}

impl AccessToken {
    /// The token, to be sent.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}

/// What this process knows of one connection. Whoever holds its lock is the one who refreshes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The token in use, and until when it is.
    pub(crate) current: Option<(AccessToken, DateTime<Utc>)>,
    /// The newest version whose token the upstream refused before its time.
    pub(crate) refused: i64,
    /// What was granted and is not stored yet. Nothing else happens before it is.
    pub(crate) unsaved: Option<Unsaved>,
    /// The version whose secret is refused for good, and why.
    pub(crate) dead: Option<(i64, String)>,
}

/// What was granted and is not in the ledger yet.
#[derive(Debug)]
pub(crate) struct Unsaved {
    pub(crate) granted: Granted,
    /// Until when the granted access is used.
    pub(crate) until: DateTime<Utc>,
    /// Where it is safe from the end of this process, if it is.
    pub(crate) file: Option<SpoolFile>,
}
