//! Syncing: how far each entity of each company is in sync, and when the company is due.
//!
//! A checkpoint moves in the commit of the rows that justify it ([`crate::Checkpoint`]), and nowhere else.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::work::WorkKind;
use ledgerfleet_model::{ConnectionId, FailureKind, Lane, RunId};

use crate::LedgerError;

/// How far one entity of one company is in sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// The company.
    pub connection: ConnectionId,
    /// The entity's product name.
    pub entity: String,
    /// All that has changed before this instant of the upstream's clock is stored; none until everything was read once,
    /// or where the upstream tells no time.
    pub checkpoint: Option<DateTime<Utc>>,
    /// When an attempt last ended, whatever its end.
    pub attempted_at: DateTime<Utc>,
    /// When it was last read to the end.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// Attempts that have failed since.
    pub failures: u32,
    /// Why the last of them failed.
    pub cause: Option<FailureKind>,
    /// The same, in words.
    pub message: Option<String>,
    /// When the upstream last refused to tell its changes.
    pub untold_at: Option<DateTime<Utc>>,
}

/// When a company is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSchedule {
    /// The company.
    pub connection: ConnectionId,
    /// How often; none for the configured interval. Zero is never.
    pub every: Option<Duration>,
    /// When it is due next.
    pub due_at: DateTime<Utc>,
    /// When it was last counted whether all that is stored is still there.
    pub recounted_at: Option<DateTime<Utc>>,
    /// When its recent past was last read again.
    pub reread_at: Option<DateTime<Utc>>,
}

/// How far the companies of a connector are in sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSum {
    /// The connector.
    pub connector: String,
    /// Seconds since the oldest checkpoint, by the ledger's clock; 0 where there is none.
    pub lag_seconds: u64,
    /// Entities whose last attempt failed.
    pub failing: u64,
}

/// A segment of a company's syncs that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The run it belongs to.
    pub run: RunId,
    /// The entity's product name.
    pub entity: String,
    /// What it asks for.
    pub kind: WorkKind,
    /// The lane it waits in.
    pub lane: Lane,
    /// Whether anything of its run was read, or is being read: what has changed since may be missed by it.
    pub has_begun: bool,
}

/// What has been planned for a company besides its changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planned {
    /// It is counted whether all that is stored is still there.
    pub recount: bool,
    /// Its recent past is read again.
    pub reread: bool,
}

/// Keeping companies in sync.
#[async_trait]
pub trait Syncing: Send + Sync {
    /// How far the entities of these companies are in sync, by company and entity; of all companies where none is named.
    /// Removed companies have no state.
    async fn sync_states(&self, connections: &[ConnectionId]) -> Result<Vec<SyncState>, LedgerError>;

    /// The schedules of these companies; of all companies where none is named.
    async fn sync_schedules(&self, connections: &[ConnectionId]) -> Result<Vec<SyncSchedule>, LedgerError>;

    /// The schedules that are due, earliest first: those of active companies whose interval is not zero and whose
    /// changes are not being asked for already in the live lane: a window of one entity that waits holds back no other, nor
    /// does a question of another lane, which may wait for the calls of the next month. `usual` is the
    /// configured interval. Due is also what only a clock that was ahead can have put off: further than its interval.
    async fn due_syncs(&self, usual: Duration, limit: u32) -> Result<Vec<SyncSchedule>, LedgerError>;

    /// What is not over of a company's syncs, their upkeep not counted, by run and entity.
    async fn syncs_under_way(&self, connection: ConnectionId) -> Result<Vec<UnderWay>, LedgerError>;

    /// How many syncs become due in a second on average, by the intervals of active companies.
    async fn syncs_a_second(&self, usual: Duration) -> Result<f64, LedgerError>;

    /// How far the companies of each connector are in sync: the active ones that are synced at least once an hour.
    async fn sync_sums(&self, usual: Duration) -> Result<Vec<SyncSum>, LedgerError>;

    /// Sets how often a company is synced; none for the configured interval, zero for never. It is due at `due_at`.
    async fn schedule_sync(
        &self,
        connection: ConnectionId,
        every: Option<Duration>,
        due_at: DateTime<Utc>,
    ) -> Result<(), LedgerError>;

    /// Notes that a sync of a company was planned, and when it is due next. A company without a schedule has one from now
    /// on.
    async fn sync_planned(
        &self,
        connection: ConnectionId,
        planned: Planned,
        due_at: DateTime<Utc>,
    ) -> Result<(), LedgerError>;

    /// Notes that the upstream refuses to tell the changes of an entity.
    async fn note_untold(&self, connection: ConnectionId, entity: &str) -> Result<(), LedgerError>;

    /// How many records of a table are stored and not gone, those in quarantine among them.
    async fn present(&self, connection: ConnectionId, table: &str, entity: &str) -> Result<u64, LedgerError>;

    /// Forgets finished sync runs, and those of their upkeep, but for the newest `keep` of each company, and
    /// [`KEPT_WITH_DEAD`] times as many of those that left dead segments; at most `batch` of them; answers how many. What
    /// they ended with is in the states. Kept are runs that ended less than [`KEPT_SCHEDULED`] ago, those that somebody
    /// asked for and that ended less than [`KEPT_ASKED`] ago, those that saw what waits in quarantine (where it lies is
    /// known by them), and those that are taken up again at this moment.
    async fn prune_syncs(&self, keep: u32, batch: u32) -> Result<u64, LedgerError>;
}

/// How many times as many runs are kept that left dead segments: people look at those.
pub const KEPT_WITH_DEAD: u32 = 20;

/// A scheduled sync is kept at least this long after its end: whoever watches it sees how it ended.
pub const KEPT_SCHEDULED: Duration = Duration::from_mins(10);

/// A sync that somebody asked for (a person, a program, a trigger) is kept at least this long after its end, as long as
/// a trigger's firings: it was given a name to ask for it by.
pub const KEPT_ASKED: Duration = Duration::from_hours(90 * 24);

/// How the request keys of sync runs begin; the company's id follows.
pub const SYNC_KEY: &str = "sync/";

/// How those of runs begin that look after what nothing announces.
pub const UPKEEP_KEY: &str = "upkeep/";

/// The lane that is stored as this rank.
pub(crate) fn lane_of(rank: i16) -> Result<Lane, LedgerError> {
    Lane::from_rank(rank).ok_or_else(|| LedgerError::Corrupt(format!("there is no lane of rank {rank}")))
}
