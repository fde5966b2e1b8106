//! Pass: one reading of a window, page by page, and what its pages have shown.
//!
//! It asks for the next page by the request that the upstream serves, knows which page is the last one, and where rows may
//! be that the source counts and its pages have not shown. Whose rows are known already, its caller says: an attempt keeps
//! them in the ledger, a comparison in memory.

use ledgerfleet_connectors::{Connector, Dialect, EntitySpec, Page, Trust};
use ledgerfleet_ledger::Fact;
use ledgerfleet_model::{Failure, Position, Window};
use tokio::time::Instant;

use crate::asking::{Answered, Asking};
use crate::known::Learner;
use crate::lessons::Lessons;
use crate::page::rows_of;
use crate::patience::stopped;
use crate::question::NthPage;
use crate::search::{Place, Search};
use crate::walk::Walk;

mod first_days;
mod largest;

/// One reading of a window.
#[derive(Debug)]
pub struct Pass<'a> {
    entity: &'static EntitySpec,
    walk: Walk<'a>,
    /// Where the page that came last was first asked for.
    from: Position,
    /// Pages with rows that were not known before, those of earlier attempts among them.
    pages: u32,
    /// Whether the pages came in an order in which none of their rows can have been missed.
    in_order: bool,
    /// Where the first page was asked for whose rows did not show their order.
    order_lost_at: Option<Position>,
    last: LastPage,
    /// Whether the last page of a part that another one follows may have been cut.
    part_may_be_cut: bool,
    /// What pages without news have shown since there was some.
    again: Again,
    /// The most rows of one full page.
    largest_full: u64,
    /// The rows of the last page that was not full; nothing while rows came behind it, for then it was cut.
    rows_at_the_end: u64,
    /// What came since the window was last begun again within this pass, if it was.
    rereading: Option<Rereading>,
    /// Where rows were looked for that the source counts.
    search: Search,
    /// How many rows were known when the place behind the last one was asked for.
    known_before_the_end: Option<u64>,
    /// Whether that place was shown to be the end.
    has_shown_its_end: bool,
    /// How many rows the source has counted, if it has.
    pub counted: Option<u64>,
    /// How many rows the first page of this reading has announced, if it has.
    announced: Option<u64>,
    /// What a page said that a person should know.
    remark: Option<&'static str>,
    /// Rows a page that are wanted of a first reading.
    wanted: u32,
}

/// What came since a window was begun again within its pass.
#[derive(Debug, Clone, Copy)]
struct Rereading {
    pages: u64,
    /// How many rows are known, those of its pages among them.
    known: u64,
}

impl Rereading {
    /// More pages than the known rows fill twice have no end. What the source counts is no measure: it may be anything.
    fn is_endless(self, page_size: u32) -> bool {
        let a_page = u64::from(page_size.saturating_sub(1).max(1));
        self.pages > 10 + 2 * self.known.div_ceil(a_page)
    }
}

/// What the page that came last is like.
#[derive(Debug, Clone, Copy, Default)]
struct LastPage {
    /// Whether it was not full.
    shows_an_end: bool,
    /// Whether it may have been cut.
    may_be_cut: bool,
}

/// Rows that come again. Where the next page begins at the instant of the last row, all rows of that instant do; if it is
/// asked for with fewer rows than the page before, for nothing more is served, it may show those alone and have followers.
#[derive(Debug, Clone, Copy, Default)]
struct Again {
    /// The most of them that pages show which come to an end.
    most: u64,
    /// How many have come.
    rows: u64,
}

impl Again {
    /// After a page with news, of so many rows.
    fn after(rows: u64) -> Self {
        Self { most: rows, rows: 0 }
    }

    /// After another page without news; answers whether they may come for ever.
    fn is_endless(&mut self, rows: u64) -> bool {
        self.rows += rows;
        rows == 0 || self.rows >= self.most
    }
}

/// A page, and how it was asked for.
#[derive(Debug)]
pub struct Fetched {
    /// What came.
    pub page: Page,
    /// What was asked, as text.
    pub request: String,
    /// The local instant just before it was asked.
    pub asked_at: Instant,
}

impl<'a> Pass<'a> {
    /// A reading of a window from its beginning, so many rows a page.
    pub fn new(
        connector: &dyn Connector,
        entity: &'static EntitySpec,
        window: &'a Window,
        rows: u32,
        dialect: Dialect,
    ) -> Self {
        let wanted = connector.rows_of_reading(entity, rows, 1);
        let walk = Walk::new(entity, window, Position::start(), wanted, dialect);
        Self::on(walk, entity, rows)
    }

    /// The same, from there: so many of its pages are known.
    #[must_use]
    pub fn resumed(mut self, connector: &dyn Connector, position: Position, pages: u32) -> Self {
        self.in_order = connector.is_in_order(&position);
        self.walk.go_to(position);
        // The page before had no more rows than are asked for now.
        let again = Again::after(self.rows().into());
        Self { pages, again, ..self }
    }

    /// Begins the next reading of the same window.
    pub fn begin_again(&mut self) {
        self.walk.go_to(Position::start());
        let walk = self.walk.clone();
        *self = Self {
            largest_full: self.largest_full,
            remark: self.remark,
            ..Self::on(walk, self.entity, self.wanted)
        };
    }

    fn on(walk: Walk<'a>, entity: &'static EntitySpec, wanted: u32) -> Self {
        Self {
            entity,
            walk,
            from: Position::start(),
            pages: 0,
            in_order: true,
            order_lost_at: None,
            last: LastPage::default(),
            part_may_be_cut: false,
            again: Again::default(),
            largest_full: 0,
            rows_at_the_end: 0,
            rereading: None,
            search: Search::default(),
            known_before_the_end: None,
            has_shown_its_end: false,
            counted: None,
            announced: None,
            remark: None,
            wanted,
        }
    }

    fn rows_wanted(&self, connector: &dyn Connector) -> u32 {
        connector.rows_of_reading(self.entity, self.wanted, self.search.reading())
    }

    /// Fetches the next page, by the request that the upstream serves.
    pub async fn next(&mut self, asking: &Asking<'_>, learner: &mut Learner<'_>) -> Result<Fetched, Failure> {
        let connector = &*asking.company().connector;
        self.from = self.walk.position().clone();
        loop {
            let request = self.walk.request();
            let number = self.pages + 1;
            let helps = |failure: &Failure| self.walk.helps_against(connector, failure);
            let failure = match asking.ask_unless(&NthPage { request, number }, helps).await {
                Ok(Answered { answer, asked_at }) => {
                    let request = connector.describe(&request);
                    let page = self.arrived(answer, learner).await;
                    return Ok(Fetched {
                        page,
                        request,
                        asked_at,
                    });
                }
                Err(failure) => failure,
            };
            let change = self.walk.failed(connector, failure.clone())?;
            asking.observer().asks_otherwise(change, &failure);
            if asking.is_stopped() {
                return Err(stopped());
            }
        }
    }

    async fn arrived(&mut self, page: Page, learner: &mut Learner<'_>) -> Page {
        let page = self.walk.arrived(page);
        let (known, served) = (learner.lessons().dialect, self.walk.served_dialect());
        if known.order && !served.order {
            learner.heed(Fact::OrderRefused).await;
        }
        if known.active_in && !served.active_in {
            learner.heed(Fact::ActiveInRefused).await;
        }
        if self.announced.is_none() || self.from == Position::start() {
            self.announced = page.announced.or(self.announced);
        } else if let Some(announced) = page.announced {
            // It grows while it is read.
            self.announced = self.announced.map(|known| known.min(announced));
        }
        self.remark = self.remark.or(page.remark);
        self.last.shows_an_end = !page.more;
        self.part_may_be_cut |= page.ends_part && page.more && !learner.lessons().trust(self.entity, &page);
        self.trusts(&page, learner.lessons());
        page
    }

    /// Whether a page that is the last one to be had may be believed to be the window's last, by these lessons.
    pub fn trusts(&mut self, page: &Page, lessons: Lessons) -> bool {
        self.last.may_be_cut = !page.more && !lessons.trust(self.entity, page);
        !self.last.may_be_cut
    }

    /// Believes that the last page is the window's last, for its caller knows why.
    pub fn believe_whole(&mut self) {
        self.last.may_be_cut = false;
    }

    /// Takes note of whether a page has shown rows that were not known; answers whether no other page is to be asked for
    /// now. Full pages without news may have no end; where the window was begun again, or where they have fewer rows than the
    /// page before, they are to be expected.
    pub fn is_last(&mut self, page: &Page, brings_news: bool) -> bool {
        if brings_news {
            self.note_order(page);
            self.again = Again::after(rows_of(page));
        }
        let is_behind = self.known_before_the_end.is_some();
        self.note_size(page, is_behind && !brings_news);
        if let Some(known) = self.known_before_the_end.take() {
            self.has_shown_its_end = !page.more && !brings_news && self.shows_the_end(rows_of(page), known);
            // Known rows in no order say nothing of those before them.
            self.last.may_be_cut |= !brings_news && !self.has_shown_its_end;
        }
        let page_size = self.rows();
        let is_endless = match &mut self.rereading {
            None => !brings_news && !page.ends_part && self.again.is_endless(rows_of(page)),
            Some(rereading) => {
                rereading.pages += 1;
                rereading.known += if brings_news { rows_of(page) } else { 0 };
                rereading.is_endless(page_size)
            }
        };
        !page.more || is_endless
    }

    /// Whether known rows behind the last one are all that is there. Who shows all of it again does not heed where pages begin;
    /// in no order they may hide others, but for the one row that overlaps.
    fn shows_the_end(&self, rows: u64, known: u64) -> bool {
        rows == 0 || (rows < known && (self.in_order || rows == 1))
    }

    /// A page behind the last one that shows none of its followers has come to no end of its own.
    fn note_size(&mut self, page: &Page, confirms_the_end: bool) {
        if page.ends_part {
            return;
        }
        if page.more {
            self.largest_full = self.largest_full.max(rows_of(page));
        } else if !confirms_the_end {
            self.rows_at_the_end = rows_of(page);
        }
    }

    /// A page without news has no order to show.
    fn note_order(&mut self, page: &Page) {
        self.pages += 1;
        if self.in_order && !page.in_order {
            self.order_lost_at = Some(self.from.clone());
        }
        self.in_order = page.in_order;
    }

    /// Goes on where more rows may be than the `known` ones; false if there is no such place.
    pub fn looks_further(&mut self, connector: &dyn Connector, known: u64) -> bool {
        let place = match self.entity.trust {
            Trust::CountAndOverlap => self.search.next(known, self.counted, self.came_in_order()),
            Trust::UniqueIdsEqualCount => self.search.in_other_pages(known),
            Trust::SamePassTwice if self.last.may_be_cut => self.search.behind(known),
            Trust::SamePassTwice | Trust::OnePage => None,
        };
        match place {
            None => return false,
            Some(Place::Behind) => self.known_before_the_end = Some(known),
            Some(Place::Beginning) => {
                // What came in order before that is known.
                self.walk.go_to(self.order_lost_at.clone().unwrap_or_default());
                self.rereading = Some(Rereading { pages: 0, known });
                let rows = self.rows_wanted(connector);
                if rows != self.walk.rows() && self.entity.trust == Trust::UniqueIdsEqualCount {
                    self.walk.want(rows);
                }
            }
        }
        true
    }

    /// Whether there may be more rows than the `known` ones: by the source's count, by what its pages announce, or because
    /// neither tells and its pages do not show that they are all.
    pub fn may_lack(&self, known: u64, count: Option<u64>) -> bool {
        match (self.entity.trust, count) {
            (Trust::UniqueIdsEqualCount, _) => self.lacks(known) || count.is_some_and(|count| count > known),
            (_, Some(count)) if count >= known => count > known,
            // A count that is less than what came proves as little as none.
            (_, Some(_) | None) => !self.shows_all(),
        }
    }

    /// Whether there may be more rows than the `known` ones, for its pages announce another number of them.
    pub fn lacks(&self, known: u64) -> bool {
        self.entity.trust == Trust::UniqueIdsEqualCount && self.announced != Some(known)
    }

    /// Whether the last reading in other pages has still brought rows, and no further one is to be taken.
    pub fn grows(&self) -> bool {
        self.search.grows()
    }

    /// How many rows the first page of this reading has announced, if it has.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// What a page said that a person should know.
    pub fn remark(&self) -> Option<&'static str> {
        self.remark
    }

    /// Whether it reads pages that are known, for the few rows among them that are not: a number that has an end.
    pub fn reads_again(&self) -> bool {
        self.rereading.is_some()
    }

    /// Whether it can have missed no row between two pages.
    pub fn came_in_order(&self) -> bool {
        self.pages <= 1 || self.in_order
    }

    /// Whether its pages alone show that there are no others: the last one was not cut, or what follows it was asked for.
    pub fn shows_all(&self) -> bool {
        let is_last_whole = !self.last.may_be_cut || self.has_shown_its_end;
        self.came_in_order() && is_last_whole && !self.part_may_be_cut
    }

    /// Whether the last page was not full.
    pub fn shows_an_end(&self) -> bool {
        self.last.shows_an_end
    }

    /// Whether the place behind its last row was asked for, and has shown none of its rows' followers.
    pub fn has_shown_its_end(&self) -> bool {
        self.has_shown_its_end
    }

    /// The most rows of one page that was full, or was the last one: a page that was cut is neither.
    pub fn largest_page(&self) -> u64 {
        self.largest_full.max(self.rows_at_the_end)
    }

    /// Where it goes on.
    pub fn position(&self) -> &Position {
        self.walk.position()
    }

    /// Rows a page that are asked for by now.
    pub fn rows(&self) -> u32 {
        self.walk.rows()
    }
}
