//! Plan: a request becomes windows. Pure: it reads no clock, no database and no network.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_connectors::{ConnectorEntry, EntitySpec, connector_entry, find_entity};
use ledgerfleet_ledger::{NewRun, NewSegment};
use ledgerfleet_model::division::Filled;
use ledgerfleet_model::window::{Days, InvalidRange, Window, latest, window_of, windows};
use ledgerfleet_model::{Axis, Connection, DateRange, Lane, RunId, SegmentId, Segmenting, Work};

use crate::selection::{SelectionError, chosen, connector_of, is_all, unknown_entity};

/// A request as people make it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The chosen companies.
    pub connections: Vec<Connection>,
    /// Entity names as they were written; `all` stands for all.
    pub entities: Vec<String>,
    /// First day.
    pub from: NaiveDate,
    /// Last day, included.
    pub to: NaiveDate,
    /// The date along which the range is cut.
    pub axis: Axis,
    /// How long one segment is.
    pub segmenting: Segmenting,
    /// Rows a page.
    pub page_size: u32,
    /// Now.
    pub now: DateTime<Utc>,
    /// How long after its end a window may still grow.
    pub upper_margin: Duration,
}

/// A request that was understood.
#[derive(Debug, Clone)]
pub struct Plan {
    range: DateRange,
    segmenting: Segmenting,
    axis: Axis,
    page_size: u32,
    now: DateTime<Utc>,
    upper_margin: Duration,
    /// The days after the range on which documents may lie that are dated ahead as a rule; only of a range that reaches
    /// today.
    ahead: Option<Days>,
    parts: Vec<Part>,
}

/// One entity of one company.
#[derive(Debug, Clone)]
pub struct Part {
    /// The company.
    pub connection: Connection,
    /// The entity.
    pub entity: &'static EntitySpec,
    /// The axis on which this entity is cut.
    pub axis: Axis,
}

impl Part {
    /// Whether it is cut while it is read, where a request asks for this.
    pub(crate) fn is_cut(&self, segmenting: Segmenting) -> bool {
        self.segmenting(segmenting) == Segmenting::Auto && self.axis != Axis::Whole
    }

    /// How it is cut where a request says so. Where the upstream does not serve days in their order, or changes move
    /// records along the axis, months are what costs little.
    fn segmenting(&self, asked: Segmenting) -> Segmenting {
        let entry = connector_entry(&self.connection.connector);
        let cuts_days = entry.is_some_and(|entry| entry.cuts_days) && self.axis != Axis::Updated;
        if asked == Segmenting::Auto && !cuts_days {
            return Segmenting::Month;
        }
        asked
    }
}

/// Why a request cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A company or an entity cannot be chosen.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The dates are no range.
    #[error("these days cannot be asked for")]
    Range(#[source] InvalidRange),
    /// A page is larger than an upstream serves.
    #[error("a page of {asked} rows is more than {connector} serves ({most})")]
    PageSize {
        /// What was asked for.
        asked: u32,
        /// The connector.
        connector: &'static str,
        /// What it serves.
        most: u32,
    },
}

/// Understands a request.
///
/// # Errors
/// An entity or a connector is unknown, a page is too large, or the days are no range of the calendar of documents.
pub fn plan(request: &Request) -> Result<Plan, PlanError> {
    let mut connections = Vec::new();
    for connection in &request.connections {
        connections.push((connection, connector_of(connection)?));
    }
    check_page_size(&connections, request.page_size)?;
    let today = today(request);
    let range = DateRange::new(request.from, request.to, request.axis, today).map_err(PlanError::Range)?;
    let mut parts = Vec::new();
    for (connection, entry) in &connections {
        for entity in chosen(entry, &request.entities) {
            let axis = entity.axis_for(request.axis);
            parts.push(Part {
                connection: (*connection).clone(),
                entity,
                axis,
            });
        }
    }
    if let Some(name) = request.entities.iter().find(|name| !is_known(&connections, name)) {
        return Err(unknown_entity(name, connections.iter().map(|(_, entry)| *entry)).into());
    }
    let Request {
        segmenting,
        axis,
        page_size,
        now,
        upper_margin,
        ..
    } = *request;
    Ok(Plan {
        range,
        segmenting,
        axis,
        page_size,
        now,
        upper_margin,
        ahead: ahead(range, today),
        parts,
    })
}

/// The days from the end of a range that reaches today to the last one that can be asked for.
fn ahead(range: DateRange, today: NaiveDate) -> Option<Days> {
    let days = Days {
        from: range.to().succ_opt()?,
        to: latest(today).succ_opt()?,
    };
    (range.to() >= today && days.from < days.to).then_some(days)
}

type Chosen<'a> = (&'a Connection, &'static ConnectorEntry);

fn check_page_size(connections: &[Chosen<'_>], asked: u32) -> Result<(), PlanError> {
    match connections.iter().find(|(_, entry)| asked > entry.page_size_max) {
        Some((_, entry)) => Err(PlanError::PageSize {
            asked,
            connector: entry.name,
            most: entry.page_size_max,
        }),
        None => Ok(()),
    }
}

/// Today's date where today is furthest: a company in Auckland is a day ahead, and `today` on the command line is UTC's,
/// which a company in Honolulu is behind.
fn today(request: &Request) -> NaiveDate {
    let local = |connection: &Connection| request.now.with_timezone(&connection.time_zone).date_naive();
    request
        .connections
        .iter()
        .map(local)
        .fold(request.now.date_naive(), NaiveDate::max)
}

fn is_known(connections: &[Chosen<'_>], name: &str) -> bool {
    is_all(name)
        || connections
            .iter()
            .any(|(_, entry)| find_entity(entry, name).is_some())
}

impl Plan {
    /// The parts, by company and entity.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The days asked for.
    pub fn range(&self) -> DateRange {
        self.range
    }

    /// Rows a page.
    pub fn page_size(&self) -> u32 {
        self.page_size
    }

    /// How it is cut.
    pub fn segmenting(&self) -> Segmenting {
        self.segmenting
    }

    /// The companies, each once.
    pub fn connections(&self) -> Vec<&Connection> {
        let mut connections: Vec<&Connection> = self.parts.iter().map(|part| &part.connection).collect();
        connections.dedup_by_key(|connection| connection.id);
        connections
    }

    /// The entities that `all` among these names does not mean.
    pub fn left_out(&self, names: &[String]) -> Vec<&'static str> {
        if !names.iter().any(|name| is_all(name)) {
            return Vec::new();
        }
        let entries = self
            .connections()
            .into_iter()
            .filter_map(|one| connector_entry(&one.connector));
        let mut left_out: Vec<&'static str> = entries
            .flat_map(|entry| entry.entities)
            .filter(|entity| self.parts.iter().all(|part| part.entity != *entity))
            .map(|entity| entity.name)
            .collect();
        left_out.sort_unstable();
        left_out.dedup();
        left_out
    }

    /// How many segments a part has when it is cut so.
    pub fn count(&self, part: &Part, segmenting: Segmenting) -> u64 {
        self.windows(part, segmenting).count() as u64
    }

    /// The windows of a part. What lies ahead is one window: it holds little, and most of its days nothing.
    fn windows(&self, part: &Part, segmenting: Segmenting) -> impl Iterator<Item = Window> + Send + use<> {
        let ahead = self
            .ahead
            .filter(|_| part.entity.ahead && part.axis == Axis::TxnDate);
        let ahead = ahead.map(|days| Window::Dates { days });
        let is_cut = part.is_cut(segmenting);
        let cut = is_cut.then(|| self.cut_while_read(part));
        let segmenting = part.segmenting(segmenting);
        let planned =
            (!is_cut).then(|| windows(self.range, segmenting, part.axis, part.connection.time_zone));
        cut.into_iter()
            .flatten()
            .chain(planned.into_iter().flatten())
            .chain(ahead)
    }

    /// The windows of what is cut while it is read. The days that may still grow are windows of their own: one that ends in
    /// them would leave all its days open.
    fn cut_while_read(&self, part: &Part) -> Vec<Window> {
        let zone = part.connection.time_zone;
        let day_of = |instant: DateTime<Utc>| instant.with_timezone(&zone).date_naive();
        let after = |day: NaiveDate| day.succ_opt().unwrap_or(day);
        let (first, stop) = (self.range.from(), after(self.range.to()));
        let growing = day_of(self.now - self.upper_margin).clamp(first, stop);
        let ahead = after(day_of(self.now)).clamp(growing, stop);
        let single = growing.iter_days().take_while(|day| *day < ahead);
        let borders: Vec<NaiveDate> = [first].into_iter().chain(single).chain([ahead, stop]).collect();
        let days = borders.windows(2).map(|pair| Days {
            from: pair[0],
            to: pair[1],
        });
        days.filter(|days| days.from < days.to)
            .map(|days| window_of(days, part.axis, zone))
            .collect()
    }

    /// The run, with an identity of its own.
    pub fn run(&self) -> NewRun {
        let names = |name: fn(&Part) -> String| {
            let mut names: Vec<String> = self.parts.iter().map(name).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        NewRun {
            id: RunId::new(),
            lane: Lane::Backfill,
            connections: names(|part| part.connection.name.clone()),
            entities: names(|part| part.entity.name.to_owned()),
            from: Some(self.range.from()),
            to: Some(self.range.to()),
            axis: self.axis,
            segmenting: self.segmenting.to_string(),
            page_size: self.page_size,
            request_key: self.request_key(),
            trace_context: None,
        }
    }

    /// The segments, computed as they are asked for: memory stays flat whatever their number.
    pub fn segments(&self) -> impl Iterator<Item = NewSegment> + Send {
        self.parts.iter().flat_map(move |part| {
            self.windows(part, self.segmenting).map(|window| NewSegment {
                id: SegmentId::new(),
                connection: part.connection.id,
                entity: part.entity.name.to_owned(),
                work: self.work(part, window),
            })
        })
    }

    /// All days of a part as one window.
    pub fn span(&self, part: &Part) -> Window {
        let to = self.range.to().succ_opt().unwrap_or(self.range.to());
        let days = Days {
            from: self.range.from(),
            to,
        };
        window_of(days, part.axis, part.connection.time_zone)
    }

    /// Days that are to be cut are cut while they are read.
    fn work(&self, part: &Part, window: Window) -> Work {
        if part.is_cut(self.segmenting) {
            Work::Auto {
                window,
                filled: Filled::Unknown,
            }
        } else {
            window.into()
        }
    }

    /// Equal requests have equal keys. Companies count by identity: a name may belong to another one tomorrow.
    fn request_key(&self) -> String {
        let mut parts: Vec<String> = self
            .parts
            .iter()
            .map(|part| format!("{}/{}/{}", part.connection.id, part.entity.name, part.axis))
            .collect();
        parts.sort_unstable();
        let (from, to) = (self.range.from(), self.range.to());
        let request = format!("{from}/{to}/{}/{}/{}", self.axis, self.segmenting, self.page_size);
        let mut hasher = blake3::Hasher::new();
        for text in parts.iter().chain([&request]) {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests;
