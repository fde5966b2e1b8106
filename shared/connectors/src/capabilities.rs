//! Capabilities: what some upstreams can do. Each method but those that only tell is one request, with the gate's leave.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{Failure, Quarantined, Record, Served};

use crate::http::HeldBytes;
use crate::{CountRequest, Dialect, EntitySpec, Page, PageRequest, RecordRequest, RecordsRequest, Target};

/// An upstream that counts windows.
#[async_trait]
pub trait Counting: Send + Sync {
    /// In how many parts a window is read and counted: one, where one question can ask for all of it.
    fn parts(&self, entity: &EntitySpec, dialect: Dialect) -> u32;

    /// Asks the source how many rows a part of a window has; only for entities that can count. One request.
    async fn count(&self, target: &Target<'_>, request: &CountRequest<'_>) -> Result<u64, Failure>;
}

/// An upstream that serves the rows of a window in the order of their days: of the date on the document, or of the day of
/// creation.
#[async_trait]
pub trait FirstDays: Send + Sync {
    /// Whether it does so for an entity, in this dialect.
    fn are_served(&self, entity: &EntitySpec, dialect: Dialect) -> bool;

    /// Fetches the first rows of a window, those of earlier days first. Its next page begins where the window does. One
    /// request.
    async fn first_days(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure>;

    /// Fetches one row of the same window, of its last day: who does not heed the order serves another. One request.
    async fn last_day(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure>;

    /// What [`FirstDays::first_days`] would ask, as text.
    fn describe(&self, request: &PageRequest<'_>) -> String;
}

/// An upstream that is asked for records by their ids.
#[async_trait]
pub trait LookUp: Send + Sync {
    /// Whether a record of that id may be asked for beside others.
    fn goes_with_others(&self, entity: &EntitySpec, id: &str, dialect: Dialect) -> bool;

    /// Reads one record. None if the upstream says, in the words documented for it, that it has none (or
    /// none any more): that may be taken for a deletion. Whatever else comes instead of the record is a failure. Names
    /// that are inactive come as they are. One request.
    async fn record(
        &self,
        target: &Target<'_>,
        request: &RecordRequest<'_>,
    ) -> Result<Option<Served>, Failure>;

    /// Reads those of several records that there are. One request.
    async fn records(&self, target: &Target<'_>, request: &RecordsRequest<'_>) -> Result<Page, Failure>;
}

/// An upstream that tells what has changed of several entities at once (change data capture).
#[async_trait]
pub trait Changes: Send + Sync + std::fmt::Debug {
    /// Whether it tells the changes of an entity.
    fn tells(&self, entity: &EntitySpec) -> bool;

    /// How long ago an instant may be since which it is asked. It knows no more of what was before.
    fn memory(&self) -> Duration;

    /// Asks what has changed of some entities at an instant of the upstream's clock or since. What is gone comes as
    /// tombstones, all else as it is now. One request.
    async fn changes(&self, target: &Target<'_>, request: &ChangesRequest<'_>) -> Result<Changed, Failure>;

    /// What [`Changes::changes`] would ask, as text for logs, dead letters and the records' `request_payload`.
    fn describe(&self, request: &ChangesRequest<'_>) -> String;
}

/// What has changed of several entities.
#[derive(Debug, Clone, Copy)]
pub struct ChangesRequest<'a> {
    /// Of which.
    pub entities: &'a [&'static EntitySpec],
    /// At this instant of the upstream's clock, or since.
    pub since: DateTime<Utc>,
}

/// What an upstream has told of changes.
#[derive(Debug, Default)]
pub struct Changed {
    /// Of each entity that was asked for, once.
    pub entities: Vec<ChangedEntity>,
    /// The upstream's own time in the answer; none where it tells none.
    pub time: Option<DateTime<Utc>>,
    /// The share of the process's memory for answers that these records use.
    pub held: HeldBytes,
}

/// What has changed of one entity.
#[derive(Debug)]
pub struct ChangedEntity {
    /// Which one.
    pub entity: &'static EntitySpec,
    /// Its records as they are now; those that are gone are tombstones.
    pub records: Vec<Record>,
    /// Those that cannot be stored as they are.
    pub quarantined: Vec<Quarantined>,
    /// Whether the answer may lack some of its changes.
    pub may_lack_some: bool,
    /// Whether nothing in the answer is about it for certain: fewer blocks came than were asked for, and none names it. That
    /// is no word that nothing has changed.
    pub untold: bool,
}
