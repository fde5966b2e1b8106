//! Pages: the one transaction that stores rows, progress and outcome together.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{ConnectionId, Environment, Epoch, Position, Quarantined, Record, SegmentId, Window};

use crate::{LedgerError, NewSegment};

/// A page that was read and checked completely, ready to be stored.
#[derive(Debug)]
pub struct PageCommit<'a> {
    /// The segment.
    pub segment: SegmentId,
    /// The fence.
    pub epoch: Epoch,
    /// Its company.
    pub connection: ConnectionId,
    /// The product name of the segment's entity, or what stands for it: whose calls are counted.
    pub entity: &'a str,
    /// The window that was read; of work that is no window, the instants that the answer covers. Coverage is written of
    /// windows of days, and of whole entities, alone.
    pub window: &'a Window,
    /// Which reading of the window this page belongs to, from 1.
    pub pass: u32,
    /// The number of this page within the pass, from 1.
    pub page: u32,
    /// Rows asked for.
    pub page_size: u32,
    /// What was asked of the upstream, as text.
    pub request: &'a str,
    /// The ledger's time just before the request was sent.
    pub observed_at: DateTime<Utc>,
    /// The upstream's own time in the answer, where it tells it. The first of a segment is kept.
    pub answered_at: Option<DateTime<Utc>>,
    /// What the page has of each entity; one entity may have several.
    pub batches: Vec<Batch<'a>>,
    /// The checkpoints that the segment moves with its end; looked at with [`NextStep::Done`] alone.
    pub checkpoints: Vec<Checkpoint<'a>>,
    /// Segments that join the run with the end of this one: what its answer could not tell. Likewise.
    pub follow_ups: Vec<NewSegment>,
    /// The lease from now on, if the window goes on.
    pub lease: Duration,
    /// Metered calls made since the last committed page.
    pub calls: u32,
    /// Where the pass goes on after this page; looked at with [`NextStep::Page`] alone.
    pub go_on: &'a Position,
    /// What comes after this page.
    pub next: NextStep,
}

/// What a page has of one entity.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The entity's product name: `invoice`.
    pub entity: &'a str,
    /// The value of `raw.records.entity`, which is the entity's table name too: `qbo_invoice`.
    pub table: &'a str,
    /// The records, in any order; of two with one id the newer counts.
    pub records: &'a [Record],
    /// Those of its records that cannot be stored as they are: rows of the page like the others.
    pub quarantined: &'a [Quarantined],
}

/// What is in sync with the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint<'a> {
    /// The entity's product name.
    pub entity: &'a str,
    /// From which instant of the upstream's clock on all changes were read; none where everything was read. A checkpoint
    /// before it stays where it is: what lies between was not read.
    pub read_since: Option<DateTime<Utc>>,
    /// Up to which instant of the upstream's clock; none where the upstream tells no time. Then the entity was read, and
    /// its checkpoint stays where it is.
    pub until: Option<DateTime<Utc>>,
}

/// One batch of a page, with what is the same of all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) segment: SegmentId,
    pub(crate) connection: ConnectionId,
    pub(crate) entity: &'a str,
    pub(crate) table: &'a str,
    pub(crate) window: &'a Window,
    pub(crate) page: u32,
    pub(crate) page_size: u32,
    pub(crate) request: &'a str,
    pub(crate) observed_at: DateTime<Utc>,
    pub(crate) records: &'a [Record],
    pub(crate) quarantined: &'a [Quarantined],
}

impl PageCommit<'_> {
    /// Its batches, in the one order in which everybody locks tables.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let mut batches: Vec<&Batch<'_>> = self.batches.iter().collect();
        batches.sort_by_key(|batch| batch.table);
        batches.into_iter().map(|batch| self.part(batch)).collect()
    }

    fn part<'p>(&'p self, batch: &Batch<'p>) -> Part<'p> {
        Part {
            segment: self.segment,
            connection: self.connection,
            entity: batch.entity,
            table: batch.table,
            window: self.window,
            page: self.page,
            page_size: self.page_size,
            request: self.request,
            observed_at: self.observed_at,
            records: batch.records,
            quarantined: batch.quarantined,
        }
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        let rows = |batch: &Batch<'_>| batch.records.len() + batch.quarantined.len();
        self.batches.iter().map(rows).sum()
    }

    /// The ids of its rows.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &String> {
        self.batches.iter().flat_map(|batch| {
            let records = batch.records.iter().map(|record| &record.id);
            records.chain(batch.quarantined.iter().map(|quarantined| &quarantined.id))
        })
    }
}

/// What comes after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// The next page of this pass. Its ids are remembered as seen.
    Page,
    /// The same as before: these records are no page of the window, but were asked for one by one. Their ids are not
    /// remembered as seen, and nothing is counted but the calls.
    Beside,
    /// The window changed while it was read: it is read again from its first page. Ids are remembered as seen.
    Pass,
    /// The window is complete: coverage is written and the segment is done.
    Done(FinishedWindow),
}

/// What is known of a window that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FinishedWindow {
    /// Distinct rows of the window, those in quarantine among them.
    pub rows: u64,
    /// Of `rows`, those in quarantine. The ledger adds them to the note.
    pub quarantined: u64,
    /// The source's own count, where it was asked.
    pub source_count: Option<u64>,
    /// Whether the window may still grow, so that its coverage stays open.
    pub open: bool,
    /// Whether nothing proves that these rows are all.
    pub unproven: bool,
    /// Whether the segment asked for days that were to be cut, and the commit's window is what it has read of them: from
    /// now on it is that window. What is left follows.
    pub narrowed: bool,
    /// Something worth telling: `not in the company's plan`.
    pub note: Option<String>,
}

impl FinishedWindow {
    /// The note, with what there is to say of quarantined records.
    pub(crate) fn full_note(&self) -> Option<String> {
        let quarantined = match self.quarantined {
            0 => None,
            1 => Some("1 record quarantined".to_owned()),
            count => Some(format!("{count} records quarantined")),
        };
        let notes: Vec<String> = quarantined.into_iter().chain(self.note.clone()).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// What the ledger remembers of one pass over a window of several pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenIds {
    /// Distinct ids, those of quarantined records among them.
    pub ids: u64,
    /// Of `ids`, those that are in quarantine now.
    pub quarantined: u64,
    /// Tombstones that the segment has stored, through all passes, attempts and replays.
    pub deleted: u64,
    /// Whether the ids are the same as those of the pass before.
    pub same: bool,
}

impl std::ops::AddAssign for Effects {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.same += other.same;
        self.deleted += other.deleted;
    }
}

/// What a page did to the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// Records stored for the first time.
    pub new: u64,
    /// Records replaced by a newer version.
    pub changed: u64,
    /// Records that were equal or older than what is stored, or doubled within the page.
    pub same: u64,
    /// Tombstones stored.
    pub deleted: u64,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Rows, progress and outcome are durable.
    Stored(Effects),
    /// The segment was no longer the caller's; nothing was written.
    Fenced,
}

/// The metered calls of a company in some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyCalls {
    /// The company; it may have been removed since.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// Its connector.
    pub connector: String,
    /// Its world.
    pub environment: Environment,
    /// How many calls.
    pub calls: u64,
}

/// Storing pages.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Stores a page. The transaction's first statement is the fence and the progress at once: page, rows and
    /// lease are set where id, epoch and `running` still hold; if no row does, everything is rolled back.
    ///
    /// A record is replaced only by a newer one: by (source version, source_updated_at, observed_at) where both
    /// know them; where either is a tombstone, by observed_at alone. An equal payload writes nothing, but for
    /// `last_seen_utc` when that is older than a day. A tombstone marks the record, which keeps its last payload.
    /// [`crate::guard`] holds these rules as functions.
    ///
    /// Records that cannot be stored go to the quarantine, unless a newer version of them is stored. A record that is
    /// seen alive in a newer observation leaves it. Where the ledger itself refuses a record's text, it puts that record
    /// away and stores the others.
    ///
    /// A page number that is committed already adds no page and no rows to the segment's sums: so a window is closed
    /// after its last page by a commit without records under that page's number. Ids are remembered with
    /// [`NextStep::Page`] and [`NextStep::Pass`], forgotten when the segment ends. With the end, checkpoints move and what
    /// follows joins the run. Metered calls are added as the last statement.
    async fn commit_page(&self, page: &PageCommit<'_>) -> Result<Committed, LedgerError>;

    /// Adds metered calls whose attempt has no other way to count them: it was fenced off, or gave its segment back.
    /// The upstream charges them whoever has the segment now.
    async fn count_calls(
        &self,
        connection: ConnectionId,
        entity: &str,
        calls: u32,
    ) -> Result<(), LedgerError>;

    /// The metered calls that were counted in this calendar month (UTC), by connector. Those of removed connections are
    /// among them: the upstream has charged them.
    async fn calls_this_month(&self) -> Result<HashMap<String, u64>, LedgerError>;

    /// The metered calls of each company in the hours that begin at an instant or later, and before another. Those of
    /// removed companies are among them: the upstream has charged them.
    async fn calls_between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<CompanyCalls>, LedgerError>;

    /// When a window of each connector was last read to its end; none of one for which none ever was.
    async fn last_successes(&self) -> Result<HashMap<String, DateTime<Utc>>, LedgerError>;

    /// The ids seen in one pass over a segment's window.
    async fn seen(&self, segment: SegmentId, pass: u32) -> Result<SeenIds, LedgerError>;
}
