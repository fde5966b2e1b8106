//! Connector: what the fleet can ask of an upstream API.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{Environment, Failure, Position, Quarantined, Record, Served, Window};
use secrecy::SecretString;

use crate::http::HeldBytes;
use crate::{Charges, Condition, EntitySpec};

/// One upstream API. Every method but [`Connector::authenticate`] costs one request and is called only with the
/// gate's leave.
#[async_trait]
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// Turns a credential (QuickBooks: a refresh token) into a short-lived access. The old credential must be
    /// taken as dead as soon as the grant holds a rotated one, so the caller stores that before it uses the access.
    async fn authenticate(&self, credential: &SecretString) -> Result<AccessGrant, AuthenticationError>;

    /// Fetches one page of a window. It may begin with rows of the page before. One request.
    async fn page(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure>;

    /// In how many parts a window is read and counted: one, where one question can ask for all of it.
    fn parts(&self, entity: &EntitySpec, dialect: Dialect) -> u32;

    /// Asks the source how many rows a part of a window has; only for entities that can count. One request.
    async fn count(&self, target: &Target<'_>, request: &CountRequest<'_>) -> Result<u64, Failure>;

    /// Reads one record. None if the upstream says, in the words documented for it, that it has none (or
    /// none any more): that may be taken for a deletion. Whatever else comes instead of the record is a failure. Names
    /// that are inactive come as they are. One request.
    async fn record(
        &self,
        target: &Target<'_>,
        request: &RecordRequest<'_>,
    ) -> Result<Option<Served>, Failure>;

    /// Fetches one page of the records that fulfil all conditions, inactive names among them unless a condition says
    /// otherwise. What the upstream does not document is refused unsent, as a bad request. One request.
    async fn find(&self, target: &Target<'_>, request: &FindRequest<'_>) -> Result<Page, Failure>;

    /// Asks who the company is, as a check that credential, account and environment belong together. Answers
    /// its name. One request.
    async fn identify(&self, target: &Target<'_>) -> Result<String, Failure>;

    /// What [`Connector::page`] would ask, as text for logs, dead letters and the records' `request_payload`.
    fn describe(&self, request: &PageRequest<'_>) -> String;

    /// Whether no page before this position was joined to the next by an offset ([`Page::in_order`]).
    fn is_in_order(&self, from: &Position) -> bool;

    /// Where a page begins that leaves out the first row of this one, which the upstream cannot serve.
    fn past_one(&self, from: &Position) -> Result<Position, Failure>;
}

/// Whom a request is for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The upstream's id of the company.
    pub account: &'a str,
    /// The world it lives in.
    pub environment: Environment,
    /// The access, as [`Connector::authenticate`] granted it.
    pub access: &'a SecretString,
    /// Where calls are noted that the upstream charges for.
    pub charges: &'a Charges,
}

/// One page of a window.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// What to fetch.
    pub entity: &'static EntitySpec,
    /// Which part of it.
    pub window: &'a Window,
    /// Where it begins: the window's beginning, or where another page said that the next one does.
    pub from: &'a Position,
    /// Rows a page.
    pub size: u32,
    /// What the upstream's language may be used for.
    pub dialect: Dialect,
}

/// Which of the words that reading can do without an upstream accepts, of one entity of one company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of words, each of them accepted or not"
)]
pub struct Dialect {
    /// Pages may be asked for in an order.
    pub order: bool,
    /// Windows may be counted.
    pub count: bool,
    /// Several records may be asked for by their ids at once.
    pub several_ids: bool,
    /// Records may be asked for whether they are active or not.
    pub active_in: bool,
}

impl Default for Dialect {
    /// All that is documented.
    fn default() -> Self {
        Self {
            order: true,
            count: true,
            several_ids: true,
            active_in: true,
        }
    }
}

/// One record by its id.
#[derive(Debug, Clone, Copy)]
pub struct RecordRequest<'a> {
    /// Of which entity.
    pub entity: &'static EntitySpec,
    /// Its id.
    pub id: &'a str,
    /// What the upstream's language may be used for.
    pub dialect: Dialect,
}

impl<'a> RecordRequest<'a> {
    /// The record of that id.
    pub fn of(entity: &'static EntitySpec, id: &'a str) -> Self {
        Self {
            entity,
            id,
            dialect: Dialect::default(),
        }
    }
}

/// The size of a window.
#[derive(Debug, Clone, Copy)]
pub struct CountRequest<'a> {
    /// What to count.
    pub entity: &'static EntitySpec,
    /// Which part of it.
    pub window: &'a Window,
    /// Only what by the upstream's clock has changed at this instant or later.
    pub changed_since: Option<DateTime<Utc>>,
    /// What the upstream's language may be used for.
    pub dialect: Dialect,
    /// Which of the parts that make up the window ([`Connector::parts`]), from 0.
    pub part: u32,
}

impl<'a> PageRequest<'a> {
    /// The first page of all that there is of an entity.
    pub fn of_all(entity: &'static EntitySpec, size: u32) -> Self {
        Self::first(entity, &Window::Whole, size)
    }

    /// The first page of a window.
    pub fn first(entity: &'static EntitySpec, window: &'a Window, size: u32) -> Self {
        Self {
            entity,
            window,
            from: &START,
            size,
            dialect: Dialect::default(),
        }
    }
}

static START: Position = Position::start();

impl CountRequest<'_> {
    /// All that there is of an entity.
    pub fn of_all(entity: &'static EntitySpec) -> Self {
        Self {
            entity,
            window: &Window::Whole,
            changed_since: None,
            dialect: Dialect::default(),
            part: 0,
        }
    }
}

/// One page of the records that fulfil some conditions.
#[derive(Debug, Clone, Copy)]
pub struct FindRequest<'a> {
    /// What to fetch.
    pub entity: &'static EntitySpec,
    /// What all of them fulfil.
    pub conditions: &'a [Condition],
    /// Where the page begins.
    pub from: &'a Position,
    /// Rows a page.
    pub size: u32,
    /// What the upstream's language may be used for.
    pub dialect: Dialect,
}

/// A page that was read completely and checked.
#[derive(Debug, Default)]
pub struct Page {
    /// Its records, in the order served; an id may occur twice.
    pub records: Vec<Record>,
    /// Those of its records that cannot be stored as they are. They are rows of the page like the others.
    pub quarantined: Vec<Quarantined>,
    /// Whether another page may follow: as many rows came as were asked for.
    pub more: bool,
    /// What is said of a page that is not full being the last one.
    pub ending: Ending,
    /// Where the next page begins.
    pub next: Position,
    /// Whether the next page begins another part of the window: this one may have brought nothing, and more may follow.
    pub ends_part: bool,
    /// Whether this page and those before it have shown an order in which nothing that comes or goes moves a row over
    /// the edge of a page. Otherwise rows may be missing although every page was full.
    pub in_order: bool,
    /// The share of the process's memory for answers that these records use. Keep it until they are stored, and
    /// do not ask for another page before it is dropped.
    pub held: HeldBytes,
}

/// What is said of a page that is not full being the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing.
    #[default]
    Unsaid,
    /// Something speaks against it: only a count can tell.
    Doubted,
    /// The answer itself counts no more rows than these.
    Counted,
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
