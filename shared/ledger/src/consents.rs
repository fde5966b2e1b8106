//! Consents: a person is sent to the page of an upstream, and comes back with a state that is used once.

use std::time::Duration;

use async_trait::async_trait;
use chrono_tz::Tz;
use ledgerfleet_model::{Environment, words};

use crate::LedgerError;

/// A consent under way: which company it is to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The hash of the state that the person comes back with. The state itself is not stored: who reads the database
    /// cannot come back in that person's place.
    pub state_hash: String,
    /// The connector's name in the registry.
    pub connector: String,
    /// The name of the connection.
    pub name: String,
    /// The world its company lives in.
    pub environment: Environment,
    /// The zone in which its days begin.
    pub time_zone: Tz,
    /// Where the upstream sends the person back to, letter by letter as it was told.
    pub redirect_url: String,
}

/// What a state is worth to whoever comes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentTaken {
    /// This consent, and from now on nobody else gets it.
    Now(Consent),
    /// It was used before.
    Used,
    /// It was never used, and its time is over.
    Expired,
    /// Nobody here has given it out.
    Unknown,
}

/// How a consent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentOutcome {
    /// The company is connected.
    Connected,
    /// The person, or the upstream, has said no.
    Refused,
    /// The company could not be connected.
    Failed,
}
words!(ConsentOutcome {
    Connected => "connected",
    Refused => "refused",
    Failed => "failed",
});

/// How far a consent has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentProgress {
    /// The person has not come back.
    Waiting,
    /// The person is back; the company is being connected.
    Taken,
    /// How it ended, and what the person was told.
    Ended(ConsentOutcome, String),
    /// It was never begun, or is forgotten.
    Unknown,
}

/// A consent is forgotten this long after it was begun.
pub const REMEMBERED: Duration = Duration::from_hours(24);

/// Consents under way.
#[async_trait]
pub trait Consents: Send + Sync {
    /// Begins a consent that lives so long, and forgets those of yesterday.
    async fn begin_consent(&self, consent: &Consent, lives: Duration) -> Result<(), LedgerError>;

    /// Takes the consent of that state, if it lives and nobody has taken it. Durable on return: the ledger was written,
    /// so what is granted next can be stored.
    async fn take_consent(&self, state_hash: &str) -> Result<ConsentTaken, LedgerError>;

    /// Writes down how it ended.
    async fn end_consent(
        &self,
        state_hash: &str,
        outcome: ConsentOutcome,
        told: &str,
    ) -> Result<(), LedgerError>;

    /// How far it has come.
    async fn consent_progress(&self, state_hash: &str) -> Result<ConsentProgress, LedgerError>;
}
