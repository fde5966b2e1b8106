//! Estimate: what a plan costs, as a document. Pure: what is known of rows, of the month and of what is queued is given.
//!
//! ```text
//!         least                               likely                           most
//! days    a call a segment                    and a call for each page more    and the counts of those that have more
//! auto    a call a page, one an entity        and one, for days are cut         twice that
//! ```
//!
//! Where nobody has said how many rows there are, only the least is known, and of days the likely: most have a page.

use ledgerfleet_connectors::ConnectorEntry;
use ledgerfleet_model::{Connection, ConnectionState, Segmenting};
use serde::Serialize;

use crate::plan::{Part, Plan};
use crate::selection::connector_of;

/// Calls that something costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// At least.
    pub least: u64,
    /// In all likelihood; none where nobody can tell.
    pub likely: Option<u64>,
    /// At most while books hold still and nothing fails; none where nobody can tell.
    pub most: Option<u64>,
}

/// One entity of one company in a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartEstimate {
    /// The company's name.
    pub connection: String,
    /// The entity.
    pub entity: &'static str,
    /// The date along which it is cut.
    pub axis: String,
    /// Segments at the beginning: what is cut while it is read becomes more.
    pub segments: u64,
    /// Metered calls.
    pub calls: Calls,
    /// Rows, where they are known.
    pub rows: Option<u64>,
}

/// What a plan costs when it is cut in one way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// How it is cut.
    pub segmenting: Segmenting,
    /// Segments at the beginning.
    pub segments: u64,
    /// Metered calls.
    pub calls: Calls,
    /// Minutes at the companies' present limits, side by side and after what is queued there: the busiest decides.
    pub minutes: f64,
    /// Of the calls of a month, 1 being all of them; none where nobody meters them.
    pub share_of_month: Option<f64>,
    /// Of what is left of this month before the reserve, likewise; more than 1 is more than there is.
    pub share_of_left: Option<f64>,
}

/// A plan as a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Its parts, by company and entity.
    pub parts: Vec<PartEstimate>,
    /// All of it.
    pub total: Price,
    /// The same, cut otherwise.
    pub otherwise: Vec<Price>,
    /// What a person should know before it is submitted.
    pub warnings: Vec<String>,
}

/// What is known of the world that a plan is made in.
pub trait Known {
    /// Rows of a part, where they are known.
    fn rows(&self, part: &Part) -> Option<u64>;
    /// Requests a second that a company's gate grants.
    fn rate(&self, connection: &Connection, entry: &'static ConnectorEntry) -> f64;
    /// Segments that wait at a company already.
    fn queued(&self, connection: &Connection) -> u64;
    /// Calls of a month and what is left of them before the reserve, where a company's are metered.
    fn month(&self, connection: &Connection) -> Option<Left>;
}

/// Calls of a month, and what is left of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// All of them.
    pub monthly: u64,
    /// Before the reserve.
    pub left: u64,
}

impl Estimate {
    /// Of a plan, in the world as it is known.
    pub fn of(plan: &Plan, known: &impl Known) -> Self {
        let total = price(plan, plan.segmenting(), known);
        let otherwise = [Segmenting::Day, Segmenting::Auto]
            .into_iter()
            .filter(|segmenting| *segmenting != plan.segmenting())
            .map(|segmenting| price(plan, segmenting, known))
            .collect();
        let parts = plan
            .parts()
            .iter()
            .map(|part| PartEstimate {
                connection: part.connection.name.clone(),
                entity: part.entity.name,
                axis: part.axis.to_string(),
                segments: plan.count(part, plan.segmenting()),
                calls: calls(plan, part, plan.segmenting(), known.rows(part)),
                rows: known.rows(part),
            })
            .collect();
        let mut warnings = Vec::new();
        if total.share_of_left.is_some_and(|share| share > 1.0) {
            warnings.push(
                "it needs more calls than are left this month before the reserve: what is over waits for the next month"
                    .to_owned(),
            );
        }
        let waiting = plan
            .connections()
            .into_iter()
            .filter(|one| one.state != ConnectionState::Active);
        warnings.extend(waiting.map(|one| format!("{} is {}: its part waits", one.name, one.state)));
        Self {
            parts,
            total,
            otherwise,
            warnings,
        }
    }
}

fn price(plan: &Plan, segmenting: Segmenting, known: &impl Known) -> Price {
    let mut price = Price {
        segmenting,
        segments: 0,
        calls: NOTHING,
        minutes: 0.0,
        share_of_month: None,
        share_of_left: None,
    };
    let mut left = None;
    let mut metered = 0;
    for connection in plan.connections() {
        let Ok(entry) = connector_of(connection) else {
            continue;
        };
        let of_it = plan
            .parts()
            .iter()
            .filter(|part| part.connection.id == connection.id);
        let mut own = NOTHING;
        for part in of_it {
            price.segments += plan.count(part, segmenting);
            own = own.and(calls(plan, part, segmenting, known.rows(part)));
        }
        price.calls = price.calls.and(own);
        let needed = own.likely.unwrap_or(own.least);
        let seconds =
            number(needed + known.queued(connection)) / known.rate(connection, entry).max(f64::MIN_POSITIVE);
        price.minutes = price.minutes.max(seconds / 60.0);
        if let Some(month) = known.month(connection) {
            metered += needed;
            left = Some(month);
        }
    }
    if let Some(Left { monthly, left }) = left {
        price.share_of_month = Some(number(metered) / number(monthly.max(1)));
        price.share_of_left = Some(number(metered) / number(left.max(1)));
    }
    price
}

const NOTHING: Calls = Calls {
    least: 0,
    likely: Some(0),
    most: Some(0),
};

impl Calls {
    fn and(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        Self {
            least: self.least.saturating_add(other.least),
            likely: sum(self.likely, other.likely),
            most: sum(self.most, other.most),
        }
    }
}

fn calls(plan: &Plan, part: &Part, segmenting: Segmenting, rows: Option<u64>) -> Calls {
    let segments = plan.count(part, segmenting);
    let pages = rows.map(|rows| rows.div_ceil(plan.page_size().into()));
    if part.is_cut(segmenting) {
        let least = pages.unwrap_or(0).max(segments);
        return Calls {
            least,
            likely: pages.map(|pages| pages.max(segments) + 1),
            most: pages.map(|pages| 2 * (pages + segments) + 1),
        };
    }
    Calls {
        least: segments.max(pages.unwrap_or(0)),
        likely: Some(pages.map_or(segments, |pages| segments.max(pages))),
        // Each window may begin a page of its own, and those with several are counted twice.
        most: pages.map(|pages| segments + pages + 2 * segments.min(pages)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
fn number(count: u64) -> f64 {
    count as f64
}
