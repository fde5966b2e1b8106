//! Why there is no access, and what that means for the work that needs it.

use std::time::Duration;

use ledgerfleet_ledger::LedgerError;
use ledgerfleet_model::{Failure, FailureKind, RefusalCause};
use ledgerfleet_vault::VaultError;

/// Why there is no access token. It never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A person has to connect the company again.
    #[error("{0}")]
    NeedsReauthorisation(String),
    /// The app's own keys are wrong, missing, or belong to the upstream's other world.
    #[error("the upstream does not accept the app's client id and secret: {0}")]
    WrongKeys(String),
    /// The upstream does not take the code that a person has brought.
    #[error(
        "the upstream does not take this code ({reason}); it was sent with the redirect address {redirect_url}"
    )]
    CodeRefused {
        /// The redirect address that was sent with it, letter by letter.
        redirect_url: String,
        /// What the upstream said.
        reason: String,
    },
    /// The connector knows no consent: its companies have keys.
    #[error("the companies of this connector are connected with a key, not by consent")]
    NoConsent,
    /// The upstream could not be reached. Nothing was sent.
    #[error("the upstream could not be reached to renew the access: {0}")]
    Unreachable(String),
    /// The upstream says that it cannot grant access now.
    #[error("the upstream could not renew the access now: {0}")]
    Unavailable(String),
    /// The upstream asks for fewer requests, and how long to wait, if it says so.
    #[error("the upstream asks for fewer requests to renew the access: {0}")]
    Throttled(String, Option<Duration>),
    /// The upstream's answer was lost, twice.
    #[error("the upstream's answer to the renewal of the access was lost: {0}")]
    Lost(String),
    /// The ledger did not answer. A credential that it could not store is kept and stored by the next call.
    #[error("the connection's credential could not be read from or written to the ledger")]
    Ledger(#[source] LedgerError),
    /// The stored credential does not open with the master key of this process.
    #[error("the connection's stored credential cannot be opened")]
    Sealed(#[source] VaultError),
    /// The stored credential opens and makes no sense.
    #[error("the connection's stored credential is not one")]
    Unreadable,
    /// The ledger holds no credential for the connection.
    #[error("the connection has no credential; add it again")]
    NoCredential,
    /// No connector of this program has that name.
    #[error("there is no connector named `{0}`")]
    UnknownConnector(String),
    /// Other processes replaced the credential again and again while this one tried to.
    #[error("other processes keep replacing the connection's credential")]
    Unsettled,
    /// The refresh ended before its time: the process shuts down.
    #[error("the renewal of the access was stopped")]
    Stopped,
    /// The refresh panicked: a defect of ours.
    #[error("the renewal of the access panicked")]
    Panicked,
}

impl AccessError {
    /// What it is, in the vocabulary that decides about retries.
    pub fn kind(&self) -> FailureKind {
        match self {
            // What does not open with this process's key may open with another's: nothing is wrong with the company.
            Self::Sealed(error) if error.is_of_this_process() => FailureKind::WrongMasterKey,
            // What does not open with the key that sealed it opens nowhere until a person connects the company again.
            Self::NeedsReauthorisation(_) | Self::Sealed(_) | Self::Unreadable | Self::NoCredential => {
                FailureKind::NeedsReauthorisation
            }
            // They are the operator's, and the same for every company.
            Self::WrongKeys(_) => FailureKind::WrongAppKeys,
            Self::Unreachable(_) | Self::Lost(_) => FailureKind::Network,
            Self::Unavailable(_) => FailureKind::UpstreamError,
            Self::Throttled(..) => FailureKind::Throttled,
            Self::Ledger(error) if error.is_databases_fault() => FailureKind::LedgerUnavailable,
            Self::Ledger(_) => FailureKind::LedgerRefused,
            Self::Unsettled => FailureKind::LockBusy,
            Self::UnknownConnector(_) | Self::CodeRefused { .. } | Self::NoConsent => FailureKind::BadRequest,
            Self::Stopped => FailureKind::Shutdown,
            Self::Panicked => FailureKind::Panicked,
        }
    }
}

impl AccessError {
    /// What a person has to put right; none where no person is needed.
    pub fn cause(&self) -> Option<RefusalCause> {
        match self {
            Self::WrongKeys(_) => Some(RefusalCause::AppKeys),
            Self::Sealed(_) => Some(RefusalCause::MasterKey),
            Self::NeedsReauthorisation(_) | Self::Unreadable | Self::NoCredential => {
                Some(RefusalCause::Credential)
            }
            _ => None,
        }
    }
}

impl From<&AccessError> for Failure {
    /// The failure of an attempt that got no access. Its text includes the cause, because a failure has none.
    fn from(error: &AccessError) -> Self {
        let message = match error {
            AccessError::Ledger(cause) => format!("{error}: {cause}"),
            AccessError::Sealed(cause) => format!("{error}: {cause}"),
            _ => error.to_string(),
        };
        Self {
            away: matches!(error, AccessError::Unavailable(_)),
            cause: error.cause(),
            retry_after: match error {
                AccessError::Throttled(_, wait) => *wait,
                _ => None,
            },
            ..Self::new(error.kind(), message)
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        Self::from(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refuses_the_access_to_a_company_says_what_has_to_be_put_right() {
        for (error, cause) in [
            (
                AccessError::WrongKeys("invalid_client".to_owned()),
                Some(RefusalCause::AppKeys),
            ),
            (
                AccessError::Sealed(VaultError::Refused),
                Some(RefusalCause::MasterKey),
            ),
            (
                AccessError::NeedsReauthorisation("invalid_grant".to_owned()),
                Some(RefusalCause::Credential),
            ),
            (AccessError::NoCredential, Some(RefusalCause::Credential)),
            (AccessError::Unreadable, Some(RefusalCause::Credential)),
            (AccessError::Unavailable("503".to_owned()), None),
        ] {
            assert_eq!(Failure::from(error).cause, cause);
        }
    }
}
