//! Gaps: the days that are not complete. Pure.

use std::fmt;

use chrono::NaiveDate;
use ledgerfleet_connectors::{EntityKind, EntitySpec, connector_entry};
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, CoverageState, Missing};
use ledgerfleet_model::segment::SegmentState;
use ledgerfleet_model::{Axis, Connection, FailureKind};
use serde::{Serialize, Serializer};

/// What should be complete.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    connection: &'a str,
    entity: &'static EntitySpec,
    /// First day; the first that was ever asked for when left out.
    from: Option<NaiveDate>,
    /// Last day, included; the last that was ever asked for when left out.
    to: Option<NaiveDate>,
}

/// What the ledger knows of one entity of one connection, on all axes or on one.
#[derive(Debug, Clone, Default)]
struct Known<'a> {
    /// What was read.
    covered: Vec<&'a CoverageRow>,
    /// What was asked for and is not complete.
    missing: Vec<&'a Missing>,
}

impl Known<'_> {
    fn is_empty(&self) -> bool {
        self.covered.is_empty() && self.missing.is_empty()
    }

    fn on(&self, axis: Axis) -> Self {
        Self {
            covered: self
                .covered
                .iter()
                .copied()
                .filter(|row| row.axis == axis)
                .collect(),
            missing: self
                .missing
                .iter()
                .copied()
                .filter(|gap| gap.axis == axis)
                .collect(),
        }
    }

    /// What of it concerns a day; what has no days concerns none.
    fn of_day(&self, day: NaiveDate) -> Self {
        let holds = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
            from.is_some_and(|from| from <= day) && to.is_some_and(|to| day <= to)
        };
        let covered = self.covered.iter().copied();
        let missing = self.missing.iter().copied();
        Self {
            covered: covered.filter(|row| holds(row.from, row.to)).collect(),
            missing: missing.filter(|gap| holds(gap.from, gap.to)).collect(),
        }
    }

    /// The first and the last day that was ever asked for.
    fn ends(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let starts = self.covered.iter().map(|row| row.from);
        let tos = self.covered.iter().map(|row| row.to);
        let first = starts
            .chain(self.missing.iter().map(|gap| gap.from))
            .flatten()
            .min();
        let last = tos.chain(self.missing.iter().map(|gap| gap.to)).flatten().max();
        (first, last)
    }

    fn is_complete(&self) -> bool {
        self.covered
            .iter()
            .any(|row| row.state == CoverageState::Complete)
    }

    /// Why it is not complete: what is being done about it comes first, then what was read, then how it ended.
    fn why(&self) -> GapReason {
        let asked = |state: SegmentState| self.missing.iter().find(|gap| gap.state == state);
        let is_read = |state: CoverageState| self.covered.iter().any(|row| row.state == state);
        if asked(SegmentState::Running).is_some() {
            GapReason::Running
        } else if asked(SegmentState::Pending).is_some() {
            GapReason::Pending
        } else if is_read(CoverageState::Open) {
            GapReason::Open
        } else if is_read(CoverageState::Unproven) {
            GapReason::Unproven
        } else if let Some(dead) = asked(SegmentState::Dead) {
            GapReason::Dead(dead.reason)
        } else if asked(SegmentState::Cancelled).is_some() {
            GapReason::Cancelled
        } else {
            GapReason::Missing
        }
    }
}

/// Why days are not complete. Its text begins with the word by which scripts know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// A segment of them is being carried.
    Running,
    /// A segment of them waits for its turn, or for a person.
    Pending,
    /// They were read, and may have grown since.
    Open,
    /// They were read as far as the source shows them, and it counts more.
    Unproven,
    /// Their segment is dead, of this.
    Dead(Option<FailureKind>),
    /// Their segment was cancelled.
    Cancelled,
    /// They were never asked for.
    Missing,
    /// Nothing of the company was ever asked for.
    NeverAsked,
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => SegmentState::Running.fmt(f),
            Self::Pending => SegmentState::Pending.fmt(f),
            Self::Open => CoverageState::Open.fmt(f),
            Self::Unproven => CoverageState::Unproven.fmt(f),
            Self::Dead(Some(reason)) => write!(f, "{}: {reason}", SegmentState::Dead),
            Self::Dead(None) => SegmentState::Dead.fmt(f),
            Self::Cancelled => SegmentState::Cancelled.fmt(f),
            Self::Missing => f.write_str("missing"),
            Self::NeverAsked => f.write_str("never asked for"),
        }
    }
}

impl Serialize for GapReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Days of one entity that are not complete, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The connection's name.
    pub connection: String,
    /// The entity; `all` of a company of which nothing was ever asked for.
    pub entity: String,
    /// By which date.
    pub axis: Axis,
    /// First day; none for an entity that is read whole.
    pub from: Option<NaiveDate>,
    /// Last day, included.
    pub to: Option<NaiveDate>,
    /// How many days; none for an entity that is read whole.
    pub days: Option<u64>,
    /// Why.
    pub why: GapReason,
}

impl Gap {
    /// Of a company of which nothing was ever asked for: its books may be full, and nobody knows.
    fn never_asked(connection: &str, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Self {
        Self {
            connection: connection.to_owned(),
            entity: "all".to_owned(),
            axis: Axis::Whole,
            from,
            to,
            days: None,
            why: GapReason::NeverAsked,
        }
    }
}

/// The gaps of every entity that the filter names; without names, of those that were ever asked for. `covered` and `missing`
/// are what the ledger answers to the filter.
pub fn gaps_of(
    connections: &[Connection],
    filter: &CoverageFilter,
    covered: &[CoverageRow],
    missing: &[Missing],
) -> Vec<Gap> {
    let known_of = |connection: &Connection, entity: &EntitySpec| Known {
        covered: covered
            .iter()
            .filter(|row| row.connection == connection.name && row.entity == entity.name)
            .collect(),
        missing: missing
            .iter()
            .filter(|gap| gap.connection == connection.name && gap.entity == entity.name)
            .collect(),
    };
    let mut found = Vec::new();
    for connection in connections {
        let is_known = covered.iter().any(|row| row.connection == connection.name)
            || missing.iter().any(|gap| gap.connection == connection.name);
        if !is_known && filter.entities.is_empty() {
            found.push(Gap::never_asked(&connection.name, filter.from, filter.to));
            continue;
        }
        for entity in entities_of(connection) {
            let known = known_of(connection, entity);
            let is_named = filter.entities.iter().any(|name| name == entity.name);
            if is_named || (filter.entities.is_empty() && !known.is_empty()) {
                let question = Question {
                    connection: &connection.name,
                    entity,
                    from: filter.from,
                    to: filter.to,
                };
                found.extend(gaps(&question, &known));
            }
        }
    }
    found
}

fn entities_of(connection: &Connection) -> &'static [EntitySpec] {
    connector_entry(&connection.connector).map_or(&[][..], |entry| entry.entities)
}

/// Entities of one company of which nothing was ever asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeverAsked {
    /// Their names.
    pub entities: Vec<&'static str>,
    /// How many `all` means, these among them.
    pub of: usize,
}

/// The entities among those that `all` means of which nothing was ever asked for: what has no gaps may still lack half the
/// books. None if it is no entity, or every one.
pub fn never_asked(
    connection: &Connection,
    covered: &[CoverageRow],
    missing: &[Missing],
) -> Option<NeverAsked> {
    let asked = |entity: &&&EntitySpec| {
        let read = covered.iter().map(|row| (&row.connection, &row.entity));
        let others = missing.iter().map(|gap| (&gap.connection, &gap.entity));
        read.chain(others)
            .any(|(name, asked)| *name == connection.name && asked == entity.name)
    };
    let of_all: Vec<&EntitySpec> = entities_of(connection)
        .iter()
        .filter(|entity| entity.in_all)
        .collect();
    let never: Vec<&'static str> = of_all
        .iter()
        .filter(|entity| !asked(entity))
        .map(|entity| entity.name)
        .collect();
    let some = !never.is_empty() && never.len() < of_all.len();
    some.then_some(NeverAsked {
        entities: never,
        of: of_all.len(),
    })
}

/// The gaps of one entity.
///
/// A document is complete on a day when a window on its date that holds this day is. A list is complete when it was
/// read whole, or on days of whichever instant it was asked for by.
fn gaps(question: &Question<'_>, known: &Known<'_>) -> Vec<Gap> {
    let own_axis = question.entity.default_axis();
    let own = known.on(own_axis);
    let is_list = question.entity.kind != EntityKind::Document;
    if is_list && own.is_complete() {
        return Vec::new();
    }
    let instants: Vec<Axis> = [Axis::Created, Axis::Updated]
        .into_iter()
        .filter(|axis| !known.on(*axis).is_empty())
        .collect();
    let has_range = question.from.is_some() || question.to.is_some();
    let mut found = Vec::new();
    if !own.is_empty() || instants.is_empty() || (has_range && !is_list) {
        if is_list {
            found.push(gap(question, own_axis, None, own.why()));
        } else {
            found.extend(days_not_complete(question, own_axis, &own));
        }
    }
    let by_instant = |axis: Axis| days_not_complete(question, axis, &known.on(axis));
    found.extend(instants.into_iter().flat_map(by_instant));
    found
}

fn days_not_complete(question: &Question<'_>, axis: Axis, known: &Known<'_>) -> Vec<Gap> {
    let (first, last) = known.ends();
    let (Some(from), Some(to)) = (question.from.or(first), question.to.or(last)) else {
        return vec![gap(question, axis, None, known.why())];
    };
    let mut found: Vec<Gap> = Vec::new();
    for day in from.iter_days().take_while(|day| *day <= to) {
        let known = known.of_day(day);
        if known.is_complete() {
            continue;
        }
        let why = known.why();
        match found.last_mut() {
            Some(last) if last.why == why && last.to.and_then(|to| to.succ_opt()) == Some(day) => {
                last.to = Some(day);
                last.days = last.days.map(|days| days + 1);
            }
            _ => found.push(gap(question, axis, Some(day), why)),
        }
    }
    found
}

fn gap(question: &Question<'_>, axis: Axis, day: Option<NaiveDate>, why: GapReason) -> Gap {
    Gap {
        connection: question.connection.to_owned(),
        entity: question.entity.name.to_owned(),
        axis,
        from: day,
        to: day,
        days: day.map(|_| 1),
        why,
    }
}

#[cfg(test)]
mod tests;
