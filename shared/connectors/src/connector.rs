//! Connector: what the fleet can ask of an upstream API.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ledgerfleet_model::{Environment, Failure, FailureKind, Position, Quarantined, Record, Window};
use secrecy::SecretString;

use crate::http::HeldBytes;
use crate::{Changes, Charges, Condition, Counting, EntitySpec, FirstDays, LookUp, OAuth};

/// One upstream API. Every method that asks costs one request and is called only with the gate's leave.
///
/// What not every upstream can do is a capability: the connector says whether it has it.
#[async_trait]
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// Fetches one page of a window. It may begin with rows of the page before. One request.
    async fn page(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure>;

    /// Asks who the company is, as a check that credential, account and environment belong together. One request, and
    /// another one where the upstream does not serve the first to everybody.
    async fn identify(&self, target: &Target<'_>) -> Result<Identity, Failure>;

    /// What [`Connector::page`] would ask, as text for logs, dead letters and the records' `request_payload`.
    fn describe(&self, request: &PageRequest<'_>) -> String;

    /// Whether no page before this position was joined to the next by an offset ([`Page::in_order`]).
    fn is_in_order(&self, from: &Position) -> bool;

    /// Where a page begins that leaves out the first row of this one, which the upstream cannot serve; none where pages
    /// cannot begin so.
    fn past_one(&self, _from: &Position) -> Option<Position> {
        None
    }

    /// The words that its requests for an entity hold and that reading can do without; none of them where there is nothing
    /// to leave out.
    fn words(&self, _entity: &EntitySpec) -> Dialect {
        Dialect::NONE
    }

    /// Rows a page to ask for in a reading of a window, from 1, that follows others which may have missed some. Where rows
    /// are missed at the borders of pages, these must lie elsewhere.
    fn rows_of_reading(&self, _entity: &EntitySpec, rows: u32, _reading: u32) -> u32 {
        rows
    }

    /// Whether a page with fewer rows may come where this one failed so.
    fn may_serve_fewer(&self, failure: &Failure) -> bool {
        failure.kind == FailureKind::Timeout
    }

    /// How a credential is exchanged for access; none where it is the access: a key.
    fn oauth(&self) -> Option<&dyn OAuth> {
        None
    }

    /// How windows are counted, where they are.
    fn counting(&self) -> Option<&dyn Counting> {
        None
    }

    /// How the first days of a window are read, where rows come in the order of days.
    fn first_days(&self) -> Option<&dyn FirstDays> {
        None
    }

    /// How records are asked for by their ids, where they are.
    fn look_up(&self) -> Option<&dyn LookUp> {
        None
    }

    /// How changes are asked for, where they are told.
    fn changes(&self) -> Option<&dyn Changes> {
        None
    }
}

/// Who a company is, by the upstream's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name, or what else there is to say of it.
    pub name: String,
    /// Its id, where the credential alone tells whose books it opens: that of a key.
    pub account: Option<String>,
}

impl Identity {
    /// A company of which the account was known before.
    pub fn named(name: String) -> Self {
        Self { name, account: None }
    }
}

/// Whom a request is for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The upstream's id of the company.
    pub account: &'a str,
    /// The world it lives in.
    pub environment: Environment,
    /// The access, as [`OAuth::authenticate`] granted it, or the key.
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

impl Dialect {
    /// Nothing of all that.
    pub const NONE: Self = Self {
        order: false,
        count: false,
        several_ids: false,
        active_in: false,
    };
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

/// Several records by their ids.
#[derive(Debug, Clone, Copy)]
pub struct RecordsRequest<'a> {
    /// Of which entity.
    pub entity: &'static EntitySpec,
    /// Their ids, 100 at most.
    pub ids: &'a [String],
    /// What the upstream's language may be used for.
    pub dialect: Dialect,
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
    /// Which of the parts that make up the window ([`Counting::parts`]), from 0.
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
    /// How many rows the window has, as the page says that is its first one: another is not asked.
    pub announced: Option<u64>,
    /// What the upstream did otherwise than expected, and a person should know.
    pub remark: Option<&'static str>,
    /// The upstream's own time in the answer, where it tells it.
    pub time: Option<DateTime<Utc>>,
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
