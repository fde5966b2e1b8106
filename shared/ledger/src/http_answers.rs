//! HTTP answers: what was answered to a request that its client may repeat.

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::TurnId;

use crate::LedgerError;

/// An answer is remembered this long.
pub const REMEMBERED: Duration = Duration::from_hours(24);

/// Whoever does a request says at least this often that it is at work. Who does not is gone, and the request is done anew.
pub const LEASE: Duration = Duration::from_mins(2);

/// What is known of a request that came with a key for its repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: it is the first, or whoever did the first has said nothing for a [`LEASE`]. Either is to be done, by who has
    /// this turn; what a request begins twice is the same unfinished work.
    First(TurnId),
    /// It is being done.
    UnderWay,
    /// It was answered so.
    Before(String),
    /// The same key came with another body.
    Differently,
}

/// Answers to requests that may be repeated.
#[async_trait]
pub trait HttpAnswers: Send + Sync {
    /// Notes that a request came, unless it is known. Who is told [`Asked::First`] does it, and then keeps its answer or
    /// forgets it.
    async fn ask_once(&self, request_key: &str, body_hash: &str) -> Result<Asked, LedgerError>;

    /// Takes a request that was answered so, to answer it anew. None where it is not: somebody else was faster.
    async fn ask_anew(&self, request_key: &str, answer: &str) -> Result<Option<TurnId>, LedgerError>;

    /// Says that whoever has this turn is at work. False where another has it by now.
    async fn renew_turn(&self, request_key: &str, turn: TurnId) -> Result<bool, LedgerError>;

    /// Keeps the answer to it, from now on [`REMEMBERED`]. False where another has its turn by now: nothing is kept then.
    async fn keep_answer(&self, request_key: &str, turn: TurnId, answer: &str) -> Result<bool, LedgerError>;

    /// The answer that is kept of it, if there is one.
    async fn kept_answer(&self, request_key: &str) -> Result<Option<String>, LedgerError>;

    /// Forgets a request whose answer is not to be repeated, unless another has its turn by now: the next one is the first.
    async fn forget_request(&self, request_key: &str, turn: TurnId) -> Result<(), LedgerError>;

    /// Writes down what somebody did, for [`HttpAnswers`]' callers whose step has no row of its own in the audit.
    async fn note_audit(
        &self,
        action: &str,
        subject: Option<&str>,
        detail: serde_json::Value,
    ) -> Result<(), LedgerError>;
}

impl Asked {
    /// What a stored request, with the hash of its body and its answer, is to a later one with this body.
    pub(crate) fn of((known_hash, answer): (String, Option<String>), body_hash: &str) -> Self {
        if known_hash != body_hash {
            return Self::Differently;
        }
        answer.map_or(Self::UnderWay, Self::Before)
    }
}
