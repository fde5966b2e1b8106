//! Connector: what the fleet can ask of an upstream API.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{Environment, Failure, Quarantined, Record, Served, Window};
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

    /// Fetches one page of a window. Every page but the first begins with the last row of the one before, unless rows
    /// have shifted between the two. One request.
    async fn page(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure>;

    /// Asks the source how many rows a window has; only for entities that can count. One request.
    async fn count(&self, target: &Target<'_>, request: &CountRequest<'_>) -> Result<u64, Failure>;

    /// Reads the record of that id. None if the upstream says, in the words documented for it, that it has none (or
    /// none any more): that may be taken for a deletion. Whatever else comes instead of the record is a failure. Names
    /// that are inactive come as they are. One request.
    async fn record(
        &self,
        target: &Target<'_>,
        entity: &'static EntitySpec,
        id: &str,
    ) -> Result<Option<Served>, Failure>;

    /// Fetches one page of the records that fulfil all conditions, inactive names among them unless a condition says
    /// otherwise. What the upstream does not document is refused unsent, as a bad request. One request.
    async fn find(&self, target: &Target<'_>, request: &FindRequest<'_>) -> Result<Page, Failure>;

    /// Asks who the company is, as a check that credential, account and environment belong together. Answers
    /// its name. One request.
    async fn identify(&self, target: &Target<'_>) -> Result<String, Failure>;

    /// What [`Connector::page`] would ask, as text for logs, dead letters and the records' `request_payload`.
    fn describe(&self, request: &PageRequest<'_>) -> String;
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
    /// The page's number, from 1.
    pub page: u32,
    /// Rows a page.
    pub size: u32,
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
}

/// How many rows come before a page's first one. Every page but the first begins with the last row of the one before, so
/// that a row which leaves while a window is read shows in its count. Pages of one row cannot overlap.
pub(crate) fn rows_before(page: u32, size: u32) -> u64 {
    u64::from(page.saturating_sub(1)) * step(size)
}

fn step(size: u32) -> u64 {
    u64::from(size.saturating_sub(1).max(1))
}

impl PageRequest<'_> {
    /// The page of half as many rows that begins where this one does, or some rows before: who goes on with it leaves
    /// nothing out. For a page that is too large.
    #[must_use]
    pub fn halved(self) -> Self {
        let size = (self.size / 2).max(1);
        let before = rows_before(self.page, self.size) / step(size);
        Self {
            page: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
            size,
            ..self
        }
    }

    /// One page of all that there is of an entity.
    pub fn of_all(entity: &'static EntitySpec, page: u32, size: u32) -> Self {
        Self {
            entity,
            window: &Window::Whole,
            page,
            size,
        }
    }
}

impl CountRequest<'_> {
    /// All that there is of an entity.
    pub fn of_all(entity: &'static EntitySpec) -> Self {
        Self {
            entity,
            window: &Window::Whole,
            changed_since: None,
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
    /// The page's number, from 1.
    pub page: u32,
    /// Rows a page.
    pub size: u32,
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
    /// Whether it looks like the last page and something speaks against that: only a count can tell.
    pub doubtful: bool,
    /// The share of the process's memory for answers that these records use. Keep it until they are stored, and
    /// do not ask for another page before it is dropped.
    pub held: HeldBytes,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quickbooks::ENTITIES;

    #[test]
    fn a_halved_page_begins_no_later_and_still_brings_rows_that_were_not_before_it() {
        for size in 2..=40 {
            for page in 1..=30 {
                let request = PageRequest::of_all(&ENTITIES[0], page, size);
                let half = request.halved();
                let (whole, begins) = (rows_before(page, size), rows_before(half.page, half.size));
                assert_eq!(half.size, size / 2);
                assert!(begins <= whole, "{page} of {size}");
                assert!(begins + u64::from(half.size) > whole, "{page} of {size}");
            }
        }
    }
}
