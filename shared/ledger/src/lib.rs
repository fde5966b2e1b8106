#![doc = include_str!("../README.md")]

pub mod api_keys;
pub mod audit;
pub mod brakes;
pub mod budget;
pub mod claims;
pub mod clocks;
pub mod comparing;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connections;
pub mod consents;
pub mod coverage;
pub mod dead_letters;
pub mod dispatching;
mod error;
pub mod guard;
pub mod hints;
pub mod http_answers;
pub mod learned;
pub mod master_key;
pub mod models;
pub mod overview;
pub mod pages;
pub mod postgres;
pub mod quarantine;
pub mod records;
pub mod refreshes;
pub mod replays;
pub mod runs;
pub mod sqlite;
pub mod syncing;
pub mod triggers;
mod words_list;

pub use api_keys::{ApiKey, ApiKeys, KnownApiKey, NewApiKey, Scope};
pub use audit::{Audit, AuditFilter, AuditRow};
pub use brakes::{Brake, BrakeScope, Brakes, Setback};
pub use budget::{Allowances, Budget, Tally};
pub use claims::{Claim, Claims, Effort, Held, Settled};
pub use clocks::{Clocks, LedgerClock};
pub use comparing::{Comparing, DayCount, NotSeen, RecordSummary, Seen, Share, Slice, Which};
pub use connections::{
    ConnectionChange, Connections, NewConnection, Purge, RemovedConnection, SealedCredential,
};
pub use consents::{Consent, ConsentOutcome, ConsentProgress, ConsentTaken, Consents};
pub use coverage::{Coverage, CoverageFilter, CoverageRow, CoverageState, Missing};
pub use dead_letters::{
    Attempt, DeadLetter, DeadLetterCount, DeadLetterFilter, DeadLetterGroup, DeadLetters, Dropped, Listing,
    Order,
};
pub use dispatching::{
    ClosedRun, DispatchLimits, Dispatching, Leader, Ready, RescueScope, Rescued, SegmentCounts, Sessions,
};
pub use error::LedgerError;
pub use hints::{HintState, HintSums, Hinted, Hints, HintsStored, NewHint};
pub use http_answers::{Asked, HttpAnswers};
pub use learned::{Fact, Learning};
pub use master_key::{KeyChoice, MasterKeys, SealedRow};
pub use models::{Extent, Model, ModelState, Models, Refreshed, TypingNote};
pub use overview::{ConnectionSums, MonthCalls, Overview, Trouble};
pub use pages::{
    Batch, Checkpoint, Committed, CompanyCalls, Effects, FinishedWindow, NextStep, PageCommit, Pages, SeenIds,
};
pub use postgres::{ClientCertificate, Leadership, PostgresLedger, PostgresOptions};
pub use quarantine::{Quarantine, QuarantineFilter, QuarantinedRecord};
pub use records::{EntityTotals, RecordFilter, RecordPage, RecordStub, Records, StoredRecord};
pub use refreshes::{Refresh, RefreshIntent, RefreshOutcome, Refreshes};
pub use replays::{Replay, ReplayRequest, ReplayState, Replayed, Replays, WhichReplays, Withdrawn};
pub use runs::{EntityVolume, NewRun, NewSegment, Remaining, RunReport, Runs, Steer, Submitted};
pub use sqlite::SqliteLedger;
pub use syncing::{SyncSchedule, SyncState, SyncSum, Syncing};
pub use triggers::{Firing, FiringResult, NewTrigger, Trigger, TriggerState, Triggers};

/// The whole ledger: every truth about what was asked for, what was done, and the records themselves, in one
/// database, so that rows, progress and outcome can be one commit.
///
/// It is the sum of one trait per noun; each is implemented on SQLite and on Postgres, and both pass one
/// conformance suite.
pub trait Ledger:
    Connections
    + Consents
    + ApiKeys
    + HttpAnswers
    + Audit
    + MasterKeys
    + Refreshes
    + Runs
    + Dispatching
    + Claims
    + Brakes
    + Pages
    + DeadLetters
    + Replays
    + Coverage
    + Records
    + Comparing
    + Quarantine
    + Learning
    + Syncing
    + Hints
    + Triggers
    + Models
    + Clocks
    + Overview
    + std::fmt::Debug
{
}

impl<T> Ledger for T where
    T: Connections
        + Consents
        + ApiKeys
        + HttpAnswers
        + Audit
        + MasterKeys
        + Refreshes
        + Runs
        + Dispatching
        + Claims
        + Brakes
        + Pages
        + DeadLetters
        + Replays
        + Coverage
        + Records
        + Comparing
        + Quarantine
        + Learning
        + Syncing
        + Hints
        + Triggers
        + Hints
        + Models
        + Clocks
        + Overview
        + std::fmt::Debug
{
}
