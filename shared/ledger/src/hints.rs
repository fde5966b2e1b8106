//! Hints: what an upstream has sent when something had changed. Each says which record of which company is worth a look,
//! and is no data.
//!
//! ```text
//! pending           waits until others of its company have come, or until it is looked for again
//! planned           a run looks for it, or has
//! unknown_company   of a company that is not connected here
//! unknown_kind      of something that is not copied
//! unreadable        nonsense under a good signature
//! ```

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, RunId, words};
use serde::Serialize;

use crate::{LedgerError, NewRun, NewSegment, Submitted};

/// An event as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewHint {
    /// The same for the same event, however often it is sent.
    pub key: String,
    /// The connector's name in the registry.
    pub connector: &'static str,
    /// The upstream's id of the company, where it is told.
    pub account: Option<String>,
    /// The product name of the entity; none where it is not known or cannot be read.
    pub entity: Option<&'static str>,
    /// The record's id; likewise.
    pub record: Option<String>,
    /// Whether the record is said to be gone.
    pub gone: bool,
    /// What the event says of itself.
    pub kind: String,
    /// When it happened, by the upstream's clock.
    pub happened_at: Option<DateTime<Utc>>,
    /// The beginning of what cannot be read.
    pub sample: Option<String>,
    /// Whether it was signed with the former token.
    pub former_token: bool,
}

impl NewHint {
    /// What becomes of it where its company is connected.
    pub(crate) fn state(&self) -> HintState {
        match (&self.record, &self.sample) {
            (_, Some(_)) => HintState::Unreadable,
            (Some(_), None) => HintState::Pending,
            (None, None) => HintState::UnknownKind,
        }
    }
}

/// What has become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HintState {
    /// It waits.
    Pending,
    /// A run looks for its record, or has.
    Planned,
    /// Its company is not connected here.
    UnknownCompany,
    /// It is of something that is not copied.
    UnknownKind,
    /// It is nonsense under a good signature.
    Unreadable,
}
words!(HintState {
    Pending => "pending",
    Planned => "planned",
    UnknownCompany => "unknown_company",
    UnknownKind => "unknown_kind",
    Unreadable => "unreadable",
});

/// How many events of a batch were stored as what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HintsStored {
    /// Worth a look.
    pub accepted: u64,
    /// Stored before.
    pub duplicates: u64,
    /// Of companies that are not connected here.
    pub unknown_companies: u64,
    /// Of things that are not copied.
    pub unknown_kinds: u64,
    /// Nonsense.
    pub unreadable: u64,
}

impl HintsStored {
    /// Of `all` events these were stored, each in the state given.
    pub(crate) fn of(all: usize, stored: impl IntoIterator<Item = HintState>) -> Self {
        let mut counts = Self::default();
        let mut new = 0;
        for state in stored {
            new += 1;
            *match state {
                HintState::Pending | HintState::Planned => &mut counts.accepted,
                HintState::UnknownCompany => &mut counts.unknown_companies,
                HintState::UnknownKind => &mut counts.unknown_kinds,
                HintState::Unreadable => &mut counts.unreadable,
            } += 1;
        }
        counts.duplicates = all as u64 - new;
        counts
    }
}

/// A record that is worth a look now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hinted {
    /// The event.
    pub key: String,
    /// The company.
    pub connection: ConnectionId,
    /// The entity's product name.
    pub entity: String,
    /// Its id.
    pub record: String,
    /// Whether it is said to be gone.
    pub gone: bool,
}

/// What was received of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HintSums {
    /// When the last event came, of whatever company.
    pub last_received_at: Option<DateTime<Utc>>,
    /// When the last one came that was signed with the former token.
    pub last_former_at: Option<DateTime<Utc>>,
    /// When the last one came of a company that is not connected here, as Intuit's test events are.
    pub last_unknown_company_at: Option<DateTime<Utc>>,
    /// Events of the last day that could not be read.
    pub unreadable: u64,
    /// Events that wait for longer than a minute though their company is active and kept in sync.
    pub waiting: u64,
}

/// Others of the same company are waited for so long.
pub const GATHERED: Duration = Duration::from_secs(2);

/// Events are kept so long, so that one that is sent again is known. Intuit sends an unanswered one every six hours.
pub const KEPT: Duration = Duration::from_hours(7 * 24);

/// A record that is not there yet is looked for so many times more; after that, the changes of its company are relied on.
pub const LOOKS: usize = 2;

/// How the request keys of runs begin that look for hinted records; the company's id follows.
pub const HINTS_KEY: &str = "hints/";

/// Hints.
#[async_trait]
pub trait Hints: Send + Sync {
    /// Stores events, all or none, in one statement. Durable on return. What was stored before stays as it is.
    async fn store_hints(&self, hints: &[NewHint]) -> Result<HintsStored, LedgerError>;

    /// Events that are worth a look now, longest due first: those of active companies that are kept in sync of which the
    /// first came [`GATHERED`] ago, with all that have come since.
    async fn gathered_hints(&self, limit: u32) -> Result<Vec<Hinted>, LedgerError>;

    /// Stores a run that looks for these, and notes that it does, in one transaction: whoever reads its answer finds them
    /// noted, and can have a record that is not there yet looked for again. A run without segments is only noted. None where
    /// there was nothing to store: it had none, or another run looks for all of these by now.
    async fn plan_hints(
        &self,
        keys: &[String],
        run: &NewRun,
        segments: Vec<NewSegment>,
    ) -> Result<Option<Submitted>, LedgerError>;

    /// Records that are said to be there were not, and a run has looked for them: they are looked for again after the first
    /// wait, and then after the next. Answers how many events that concerns.
    async fn look_again(
        &self,
        run: RunId,
        entity: &str,
        records: &[String],
        waits: [Duration; LOOKS],
    ) -> Result<u64, LedgerError>;

    /// What was received of late.
    async fn hint_sums(&self) -> Result<HintSums, LedgerError>;

    /// Forgets events that came longer than [`KEPT`] ago, at most `batch` of them; answers how many.
    async fn prune_hints(&self, batch: u32) -> Result<u64, LedgerError>;
}
