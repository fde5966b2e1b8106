//! Failure: why an attempt ended otherwise than done, in words that people and tables share.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fingerprint::cause;
use crate::{RefusalCause, words};

/// Everything that can be wrong with an attempt. The word is at once the reason of a dead letter, the label of
/// a metric and a filter of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The upstream asked for fewer requests.
    Throttled,
    /// The gate granted nothing for long.
    GateBusy,
    /// Another attempt holds the window's lock.
    LockBusy,
    /// The upstream, or a table of the database, fails for everybody; one attempt a minute tries it.
    Braked,
    /// The calls of this month are used up to what is kept for live syncs.
    Budget,
    /// The ledger is down, read-only or full.
    LedgerUnavailable,
    /// The bell, locks or gate cannot be reached.
    CoordinationUnavailable,
    /// The worker is told to stop.
    Shutdown,
    /// The upstream refuses the connection's credentials for good.
    NeedsReauthorisation,
    /// This process has another master key than the credentials are sealed with: it can work for no company, and says
    /// nothing about any.
    WrongMasterKey,
    /// The upstream does not take the keys of our own app: nothing is wrong with any company.
    WrongAppKeys,
    /// No connection, or it broke.
    Network,
    /// No answer in time.
    Timeout,
    /// The upstream failed (5xx and its like).
    UpstreamError,
    /// The answer ended early or could not be decompressed.
    Truncated,
    /// The answer is not what this API answers: an HTML page, another content type.
    UnexpectedContent,
    /// The access token was refused although it was fresh.
    Unauthorised,
    /// The attempt panicked: a defect of ours.
    Panicked,
    /// The attempt committed no page for too long.
    Stalled,
    /// The ledger is there and refuses to store the page: a defect of ours, or data it cannot hold.
    LedgerRefused,
    /// The company's plan does not include the entity.
    NotInPlan,
    /// The upstream says the request itself is wrong.
    BadRequest,
    /// What was asked for does not exist.
    NotFound,
    /// The upstream allows this company's user less than we ask for.
    Forbidden,
    /// The answer is complete and can never be read.
    Malformed,
    /// The answer is larger than the limits allow, or than the upstream can serve in its time.
    TooLarge,
    /// The upstream fails on one of the rows asked for, and only on that.
    Unservable,
    /// The upstream no longer takes a request that it has always taken.
    UpstreamChanged,
    /// The window changed in every pass that read it.
    Unstable,
    /// Three attempts died with their worker.
    CrashLoop,
    /// The sum of its waits passed the cap.
    WaitedTooLong,
    /// It was claimed again and again, and nothing came of it: no stored page, no counted failure, no counted wait.
    NoProgress,
}
words!(FailureKind {
    Throttled => "throttled",
    GateBusy => "gate_busy",
    LockBusy => "lock_busy",
    Braked => "braked",
    Budget => "budget",
    LedgerUnavailable => "ledger_unavailable",
    CoordinationUnavailable => "coordination_unavailable",
    Shutdown => "shutdown",
    NeedsReauthorisation => "needs_reauthorisation",
    WrongMasterKey => "wrong_master_key",
    WrongAppKeys => "app_keys_refused",
    Network => "network",
    Timeout => "timeout",
    UpstreamError => "upstream_error",
    Truncated => "truncated",
    UnexpectedContent => "unexpected_content",
    Unauthorised => "unauthorised",
    Panicked => "panicked",
    Stalled => "stalled",
    LedgerRefused => "ledger_refused",
    NotInPlan => "not_in_plan",
    BadRequest => "bad_request",
    NotFound => "not_found",
    Forbidden => "forbidden",
    Malformed => "malformed",
    TooLarge => "too_large",
    Unservable => "unservable",
    UpstreamChanged => "upstream_changed",
    Unstable => "unstable",
    CrashLoop => "crash_loop",
    WaitedTooLong => "waited_too_long",
    NoProgress => "no_progress",
});

impl FailureKind {
    /// Whether something between us and the records fails that may fail for everybody: no connection, no answer, an
    /// error of the upstream's own, an answer of something in front of it.
    pub fn is_upstreams(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Timeout | Self::UpstreamError | Self::Truncated | Self::UnexpectedContent
        )
    }
}

/// One failure with what is known of it. It never holds a secret or a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it was.
    pub kind: FailureKind,
    /// What happened, for people.
    pub message: String,
    /// What was asked of the upstream (a query, a path).
    pub request: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The upstream's own error code, without leading zeros.
    pub upstream_code: Option<String>,
    /// The upstream's name for the exchange (QuickBooks: `intuit_tid`), which its support asks for.
    pub transaction_id: Option<String>,
    /// How long the upstream asked to wait.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// Whether it says nothing of what was asked for: any other request would have met it, too.
    #[serde(skip)]
    pub away: bool,
    /// What a person has to put right, where the connection was refused.
    #[serde(skip)]
    pub cause: Option<RefusalCause>,
}

impl Failure {
    /// A failure of which nothing but the kind and a message is known.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            request: None,
            status: None,
            upstream_code: None,
            transaction_id: None,
            retry_after: None,
            away: false,
            cause: None,
        }
    }

    /// Whether it is an outage's: no connection, or a failure that is not about what was asked for.
    pub fn is_outage(&self) -> bool {
        self.away || self.kind == FailureKind::Network
    }

    /// A short name shared by failures of one cause: 16 hexadecimal digits of a hash over entity, kind, status,
    /// code and [what the message says of the cause](crate::fingerprint).
    pub fn fingerprint(&self, entity: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let status = self.status.map(|status| status.to_string()).unwrap_or_default();
        let code = self.upstream_code.as_deref().unwrap_or_default();
        let cause = cause(&self.message);
        for part in [entity, self.kind.as_str(), &status, code, &cause] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}
