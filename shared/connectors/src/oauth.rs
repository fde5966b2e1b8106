//! OAuth: a credential that is exchanged for a short-lived access, and may rotate.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

/// The exchange of credentials.
#[async_trait]
pub trait OAuth: Send + Sync {
    /// Turns a credential (QuickBooks: a refresh token) into a short-lived access. The old credential must be
    /// taken as dead as soon as the grant holds a rotated one, so the caller stores that before it uses the access.
    async fn authenticate(&self, credential: &SecretString) -> Result<AccessGrant, AuthenticationError>;

    /// The page on which a person consents, and from which that person comes back to `redirect_url` with `state`, a code
    /// and the account. Makes no request.
    fn consent_page(&self, redirect_url: &str, state: &str) -> Result<String, AuthenticationError>;

    /// The redirect address of the upstream's own tool for developers, where it has one: its redirects carry no state of
    /// ours.
    fn playground(&self) -> Option<&'static str> {
        None
    }

    /// Exchanges a code, once, for the first credential of a consent ([`AccessGrant::rotated`]) and access with it. One
    /// request.
    async fn redeem(
        &self,
        code: &SecretString,
        redirect_url: &str,
    ) -> Result<AccessGrant, AuthenticationError>;

    /// Ends the consent that a credential hangs on. One request.
    async fn revoke(&self, credential: &SecretString) -> Result<Revocation, AuthenticationError>;
}

/// What became of a consent that was to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It is ended.
    Revoked,
    /// The upstream knew of none: it had ended before.
    HadEnded,
    /// There is nothing of the kind: a key, or no credential at all.
    NothingToRevoke,
}

/// What an upstream gave for a credential.
#[derive(Debug, Clone)]
pub struct AccessGrant {
    /// The access to send with requests. None where the answer held a new credential, and no access that can be read:
    /// the credential must not be lost for that.
    pub access: Option<SecretString>,
    /// How long it lives.
    pub expires_in: Duration,
    /// The credential to use from now on, if it has rotated.
    pub rotated: Option<SecretString>,
    /// How long the credential will be accepted if it is not used again, where the upstream says so.
    pub credential_expires_in: Option<Duration>,
    /// How long it will be accepted at most, however much it is used, where the upstream says so.
    pub consent_expires_in: Option<Duration>,
    /// The upstream's name for the exchange, which its support asks for (QuickBooks: `intuit_tid`).
    pub transaction_id: Option<String>,
}

/// What an upstream said instead of granting access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoGrant {
    /// Why, for people.
    pub reason: String,
    /// The upstream's name for the exchange, if it answered at all.
    pub transaction_id: Option<String>,
}

impl std::fmt::Display for NoGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<String> for NoGrant {
    /// Without an answer.
    fn from(reason: String) -> Self {
        Self {
            reason,
            transaction_id: None,
        }
    }
}

/// Why an upstream gave no access.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// The credential is expired, revoked or superseded: a person has to connect the company again.
    #[error("the upstream no longer accepts this credential ({0})")]
    Refused(NoGrant),
    /// The app's own keys are wrong, or belong to the other environment.
    #[error("the upstream does not accept the app's client id and secret ({0})")]
    WrongKeys(NoGrant),
    /// Nothing was sent, so the credential is as it was. It may work later.
    #[error("the upstream could not be reached: {0}")]
    NotSent(String),
    /// It was sent and no answer, or no sensible one, came back: the credential may have rotated unseen.
    #[error("the upstream's answer was lost: {0}")]
    Lost(NoGrant),
    /// The upstream failed and says so (5xx). It may work later.
    #[error("the upstream could not grant access now: {0}")]
    Unavailable(NoGrant),
    /// The upstream asks for fewer requests (429), and how long to wait, if it says so.
    #[error("the upstream asks for fewer requests for access: {0}")]
    Throttled(NoGrant, Option<Duration>),
}

impl AuthenticationError {
    /// The upstream's name for the exchange, if it answered.
    pub fn transaction_id(&self) -> Option<&str> {
        match self {
            Self::Refused(no)
            | Self::WrongKeys(no)
            | Self::Lost(no)
            | Self::Unavailable(no)
            | Self::Throttled(no, _) => no.transaction_id.as_deref(),
            Self::NotSent(_) => None,
        }
    }
}
