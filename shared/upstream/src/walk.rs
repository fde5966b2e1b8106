//! Walk: the way through the pages of a window, and around what cannot be served.

use ledgerfleet_connectors::{Connector, Dialect, EntitySpec, Page, PageRequest};
use ledgerfleet_model::{Failure, FailureKind, Position, Quarantined, Window};

/// The most rows in a row that are passed over on the word of a fault about a row.
const MOST_ASIDE: usize = 20;

/// The same where the fault may be the upstream's own trouble.
const MOST_ASIDE_IN_DOUBT: usize = 3;

/// How often one row is asked for again after such a fault. An upstream that fails on every third request, whatever is asked,
/// is not to cost a row that it has.
const MOST_DOUBTS: u32 = 4;

/// The codes of a request that can be read and makes no sense to the upstream: 4001, "Invalid query", and 2010,
/// "Unsupported property".
const NOT_TAKEN: [&str; 2] = ["4001", "2010"];

/// How often a page that does not come in time, or fails, is asked for with fewer rows: each time may cost a whole deadline.
const MOST_SLOWER: u32 = 2;

/// How often as many rows as wanted are asked for again, after fewer were served where more had failed: what failed for a
/// moment is not a size.
const MOST_RECOVERIES: u32 = 2;

/// A way through the pages of one window.
#[derive(Debug, Clone)]
pub(crate) struct Walk<'a> {
    entity: &'static EntitySpec,
    window: &'a Window,
    position: Position,
    /// Rows a page that are wanted.
    wanted: u32,
    /// Rows a page that are asked for.
    size: u32,
    dialect: Dialect,
    /// Whether the upstream has served a page of this walk.
    served: bool,
    /// How often a page did not come in time or failed, since one came.
    slow: u32,
    /// Whether fewer rows are asked for because the upstream failed, and did not only take too long.
    is_cautious: bool,
    /// How often as many rows as wanted were asked for again.
    recoveries: u32,
    /// How often the one row at the position was refused by what may be the upstream's own trouble.
    doubts: u32,
    /// Rows before the position that were not served, and why.
    aside: Vec<(Position, Failure)>,
    /// How often a refused request was put in other words, since one was served.
    rewordings: usize,
    /// The words with which a page was served, after it had been refused with more.
    served_dialect: Dialect,
}

/// In which way the next request differs, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It asks for so many rows.
    Rows(u32),
    /// It begins after a row that is not served.
    PastOne,
    /// It asks in other words.
    Words(Words),
    /// It asks for one record after the other.
    OneId,
}

/// What a request leaves out that others say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    order: bool,
    active_in: bool,
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.order, self.active_in) {
            (true, false) => "asking for no order",
            (false, true) => "asking for active records first, and then for inactive ones",
            _ => "asking for no order, and for active records first",
        })
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "asking for {rows} rows at once"),
            Self::PastOne => f.write_str("passing over one row"),
            Self::Words(words) => words.fmt(f),
            Self::OneId => f.write_str("asking for one record after the other"),
        }
    }
}

impl<'a> Walk<'a> {
    /// A way that goes on at a position of a window.
    pub(crate) fn new(
        entity: &'static EntitySpec,
        window: &'a Window,
        from: Position,
        rows: u32,
        dialect: Dialect,
    ) -> Self {
        Self {
            entity,
            window,
            position: from,
            wanted: rows,
            size: rows,
            dialect,
            served: false,
            slow: 0,
            is_cautious: false,
            recoveries: 0,
            doubts: 0,
            aside: Vec::new(),
            rewordings: 0,
            served_dialect: dialect,
        }
    }

    /// What to ask for next.
    pub(crate) fn request(&self) -> PageRequest<'_> {
        PageRequest {
            entity: self.entity,
            window: self.window,
            from: &self.position,
            size: self.size,
            dialect: self.dialect,
        }
    }

    /// Where it is.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// Goes on from another position.
    pub(crate) fn go_to(&mut self, position: Position) {
        self.position = position;
        self.doubts = 0;
        self.aside.clear();
    }

    /// Rows a page that are asked for.
    pub(crate) fn rows(&self) -> u32 {
        self.size
    }

    /// Asks for so many rows a page from now on, until a page fails.
    pub(crate) fn want(&mut self, rows: u32) {
        (self.wanted, self.size) = (rows, rows);
    }

    /// Whether another request may be served after one that failed so.
    pub(crate) fn helps_against(&self, connector: &dyn Connector, failure: &Failure) -> bool {
        self.clone().other_request(connector, failure).is_some()
    }

    /// The words with which pages are served.
    pub(crate) fn served_dialect(&self) -> Dialect {
        self.served_dialect
    }

    /// Goes on after a page that came for [`Walk::request`]. Rows that were set aside before it are among its
    /// quarantined ones from now on.
    pub(crate) fn arrived(&mut self, mut page: Page) -> Page {
        let aside = std::mem::take(&mut self.aside);
        if !aside.is_empty() || self.recovers() {
            self.size = self.wanted;
        }
        let unserved = aside
            .iter()
            .map(|(position, fault)| Quarantined::unserved(self.window, position, fault));
        page.quarantined.extend(unserved);
        self.served_dialect = self.dialect;
        (self.served, self.slow, self.rewordings, self.doubts) = (true, 0, 0, 0);
        self.position = page.next.clone();
        page
    }

    /// Whether as many rows as wanted may be served again.
    fn recovers(&mut self) -> bool {
        let recovers = self.is_cautious && self.recoveries < MOST_RECOVERIES;
        self.recoveries += u32::from(recovers);
        self.is_cautious = false;
        recovers
    }

    /// Finds another request after one that failed; gives the failure back where no other one would be served.
    pub(crate) fn failed(&mut self, connector: &dyn Connector, failure: Failure) -> Result<Change, Failure> {
        match self.other_request(connector, &failure) {
            Some(change) => Ok(change),
            None => Err(self.give_up(failure)),
        }
    }

    /// Changes the request to one that may be served, if there is one.
    fn other_request(&mut self, connector: &dyn Connector, failure: &Failure) -> Option<Change> {
        match failure.kind {
            FailureKind::BadRequest | FailureKind::NotInPlan => self.reword(connector),
            FailureKind::TooLarge if self.size > 1 => Some(self.ask_for(self.size / 2)),
            FailureKind::Unservable if self.size > 1 && self.is_about_a_row(failure) => {
                Some(self.ask_for(self.size / 2))
            }
            FailureKind::Unservable if self.size > 1 => Some(self.ask_for(1)),
            FailureKind::Unservable if self.doubts < MOST_DOUBTS && is_a_fault_of_its_own(failure) => {
                self.doubts += 1;
                Some(Change::Rows(self.size))
            }
            FailureKind::Unservable | FailureKind::TooLarge => self.pass_over(connector, failure),
            kind if self.size > 1 && self.slow < MOST_SLOWER && connector.may_serve_fewer(failure) => {
                self.slow += 1;
                self.is_cautious |= kind != FailureKind::Timeout;
                Some(self.ask_for((self.size / 8).max(1)))
            }
            _ => None,
        }
    }

    /// Leaves out words that may be what is refused, fewer of them first.
    fn reword(&mut self, connector: &dyn Connector) -> Option<Change> {
        let (Dialect { order, active_in, .. }, words) = (self.served_dialect, connector.words(self.entity));
        let (order, active_in) = (order && words.order, active_in && words.active_in);
        let tries =
            [(true, false), (false, true), (true, true)].map(|(order, active_in)| Words { order, active_in });
        let can_leave_out = |words: &Words| (order || !words.order) && (active_in || !words.active_in);
        let words = tries.into_iter().filter(can_leave_out).nth(self.rewordings)?;
        self.rewordings += 1;
        self.dialect = Dialect {
            order: self.served_dialect.order && !words.order,
            active_in: self.served_dialect.active_in && !words.active_in,
            ..self.served_dialect
        };
        Some(Change::Words(words))
    }

    /// Whether a fault is about a row for certain: the upstream says so of the request, or it has served others just now.
    fn is_about_a_row(&self, failure: &Failure) -> bool {
        self.served || !is_a_fault_of_its_own(failure)
    }

    fn ask_for(&mut self, rows: u32) -> Change {
        self.size = rows;
        Change::Rows(rows)
    }

    /// Passes over the one row that was asked for, if that can be.
    fn pass_over(&mut self, connector: &dyn Connector, failure: &Failure) -> Option<Change> {
        let most = if self.is_about_a_row(failure) {
            MOST_ASIDE
        } else {
            MOST_ASIDE_IN_DOUBT
        };
        if self.aside.len() >= most {
            return None;
        }
        let next = connector.past_one(&self.position)?;
        let position = std::mem::replace(&mut self.position, next);
        self.doubts = 0;
        self.aside.push((position, failure.clone()));
        Some(Change::PastOne)
    }

    /// The failure of the walk. What is refused in other words, too, was not refused for a word; an upstream that serves
    /// no row at all is away.
    fn give_up(&mut self, failure: Failure) -> Failure {
        self.dialect = self.served_dialect;
        let kind = match failure.kind {
            // The statement is ours, and was always taken.
            FailureKind::BadRequest
                if failure
                    .upstream_code
                    .as_deref()
                    .is_some_and(|code| NOT_TAKEN.contains(&code)) =>
            {
                FailureKind::UpstreamChanged
            }
            FailureKind::Unservable if !self.is_about_a_row(&failure) => FailureKind::UpstreamError,
            kind => kind,
        };
        Failure { kind, ..failure }
    }
}

/// Whether a fault may be the upstream's own trouble, and not that of what was asked for.
fn is_a_fault_of_its_own(failure: &Failure) -> bool {
    failure.status.is_some_and(|status| status >= 500)
}
