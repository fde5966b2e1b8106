//! Triggers: what is to be submitted at an instant, once or again and again.
//!
//! ```text
//! active ── fires, and recurs ──► active, due at its next instant
//! active ── fires, once ────────► completed
//! active ── a person ends it ───► cancelled
//! ```
//!
//! A trigger fires in the transaction that stores what it submits: it fires once for each of its instants, whoever leads,
//! and a run that it made cannot be without its firing.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_model::{RunId, TriggerId, words};

use crate::{LedgerError, NewRun, NewSegment};

/// A trigger that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrigger {
    /// Identity.
    pub id: TriggerId,
    /// A cron expression; none where it fires once.
    pub cron: Option<String>,
    /// Whose clock it is shown by, and read by where it recurs.
    pub zone: Tz,
    /// The command, as whoever fires it reads it.
    pub wanted: String,
    /// Its first instant.
    pub due_at: DateTime<Utc>,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Identity.
    pub id: TriggerId,
    /// Whether it will fire.
    pub state: TriggerState,
    /// A cron expression; none where it fires once.
    pub cron: Option<String>,
    /// Whose clock it is shown by, and read by where it recurs.
    pub zone: Tz,
    /// The command.
    pub wanted: String,
    /// Its next instant; none where it is over.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
    /// When it last fired, and what came of that.
    pub last: Option<Firing>,
}

/// Whether a trigger will fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerState {
    /// It will.
    Active,
    /// It has, once and for all.
    Completed,
    /// A person has ended it.
    Cancelled,
}
words!(TriggerState {
    Active => "active",
    Completed => "completed",
    Cancelled => "cancelled",
});

/// What became of a trigger at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The instant at which it was due.
    pub planned_at: DateTime<Utc>,
    /// When it fired.
    pub fired_at: DateTime<Utc>,
    /// What came of it.
    pub result: FiringResult,
    /// Later instants that were over by then, too: they are not made up for.
    pub missed: u64,
    /// What it has submitted, or joined.
    pub runs: Vec<RunId>,
    /// Why it failed.
    pub message: Option<String>,
}

impl Firing {
    /// How late it fired.
    pub fn late(&self) -> Duration {
        (self.fired_at - self.planned_at).to_std().unwrap_or_default()
    }
}

/// What came of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiringResult {
    /// It was submitted in time.
    Fired,
    /// It was submitted later than [`LATE`] after its instant: nobody led, or none ran.
    Late,
    /// It could not be submitted, and never will be: a company or an entity of it is not there.
    Failed,
}
words!(FiringResult {
    Fired => "fired",
    Late => "late",
    Failed => "failed",
});

impl FiringResult {
    /// What a firing of that instant is worth.
    pub(crate) fn of(planned_at: DateTime<Utc>, fired_at: DateTime<Utc>, is_failed: bool) -> Self {
        let late = (fired_at - planned_at).to_std().unwrap_or_default();
        match late > LATE {
            _ if is_failed => Self::Failed,
            true => Self::Late,
            false => Self::Fired,
        }
    }
}

/// A firing that comes later than this is late.
pub const LATE: Duration = Duration::from_mins(1);

/// Firings are kept so long, and the last of each trigger with it. Triggers that are over, likewise.
pub const KEPT: Duration = Duration::from_hours(90 * 24);

/// One run that a trigger submits, and its segments.
pub type Submission<'a> = (NewRun, Box<dyn Iterator<Item = NewSegment> + Send + 'a>);

/// A firing that is to be.
pub struct NewFiring<'a> {
    /// Which trigger.
    pub trigger: TriggerId,
    /// The instant at which it is due, as it was read.
    pub planned_at: DateTime<Utc>,
    /// Its next instant; none where there is none.
    pub next: Option<DateTime<Utc>>,
    /// Instants between these two that are over, too.
    pub missed: u64,
    /// What is submitted; or why nothing can be.
    pub submissions: Result<Vec<Submission<'a>>, String>,
}

impl std::fmt::Debug for NewFiring<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewFiring")
            .field("trigger", &self.trigger)
            .field("planned_at", &self.planned_at)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Triggers.
#[async_trait]
pub trait Triggers: Send + Sync {
    /// Adds a trigger; audited.
    async fn add_trigger(&self, trigger: &NewTrigger, who: &str) -> Result<(), LedgerError>;

    /// All triggers, the next first, and then those that are over.
    async fn triggers(&self) -> Result<Vec<Trigger>, LedgerError>;

    /// Ends an active trigger; answers whether there was one. Audited.
    async fn cancel_trigger(&self, id: TriggerId, who: &str) -> Result<bool, LedgerError>;

    /// Those whose instant has come by the ledger's clock, the longest due first.
    async fn due_triggers(&self, limit: u32) -> Result<Vec<Trigger>, LedgerError>;

    /// Fires: one transaction stores the firing, the trigger's next instant and all that is submitted. None where it is
    /// not due any more at that instant: another has fired it, or it was cancelled.
    async fn fire_trigger(&self, firing: NewFiring<'_>) -> Result<Option<Firing>, LedgerError>;

    /// Has an active trigger that is due at `from` due at `to`; answers whether it was.
    async fn move_trigger(
        &self,
        id: TriggerId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<bool, LedgerError>;

    /// Forgets old firings, and triggers that ended long ago, at most `batch` of each; answers how many.
    async fn prune_triggers(&self, batch: u32) -> Result<u64, LedgerError>;
}
