//! Query: a statement of the QuickBooks query language.
//!
//! Statements are built from parts with a meaning; text from outside only enters as a [`Value`], which escapes
//! itself. The grammar ("Query operations and syntax"):
//!
//! ```text
//! SELECT * | count(*) FROM Entity [WHERE property operator value {AND …}]       = < > <= >= IN LIKE
//!     [ORDERBY property {, property}] [STARTPOSITION row] [MAXRESULTS rows]
//! ```

use std::fmt::{self, Display, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use ledgerfleet_model::{Days, InstantField, Window};

use super::paging::{Part, Place};
use super::properties::checked;
use super::source::source;
use crate::{CountRequest, Dialect, EntityKind, EntitySpec, FindRequest, PageRequest, Test, Value};

/// The most rows an answer may be asked for; what more does is not documented.
pub(super) const PAGE_SIZE_MAX: u32 = 1_000;

/// The order of pages ([`super::paging`]).
const CREATED: &str = "MetaData.CreateTime";

/// The date on a document.
const TXN_DATE: &str = "TxnDate";

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    select: Select,
    from: &'static str,
    filters: Vec<Filter>,
    order: Vec<&'static str>,
    rows: Option<Rows>,
}

/// What is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Select {
    Columns(&'static str),
    Count,
}

/// One condition; conditions are joined with AND, which is all the language has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    property: &'static str,
    operator: &'static str,
    operand: Operand,
}

/// What a property is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    One(Value),
    List(Vec<Value>),
}

/// Which rows of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rows {
    /// The first one, counted from 1.
    start: u64,
    /// How many at most.
    max: u32,
}

impl Query {
    /// The statement that fetches a page.
    pub(super) fn page(request: &PageRequest<'_>, place: Place) -> Self {
        let entity = request.entity;
        let single = entity.kind == EntityKind::Single;
        Self {
            select: Select::Columns(source(entity).projection),
            from: entity.upstream,
            filters: since(
                filters(
                    entity,
                    request.window,
                    part_of(entity, request.dialect, place.part),
                ),
                place,
            ),
            order: in_order(entity, request.dialect),
            rows: (!single).then(|| Rows::of(place, request.size)),
        }
    }

    /// The statement that fetches the first rows of a window in the order of their days.
    pub(super) fn first_days(request: &PageRequest<'_>) -> Self {
        let by = match request.window {
            Window::Dates { .. } => TXN_DATE,
            Window::Instants { .. } | Window::Whole => CREATED,
        };
        Self {
            order: vec![by],
            ..Self::page(request, Place::default())
        }
    }

    /// The statement that fetches a row of the last day of a window.
    pub(super) fn last_day(request: &PageRequest<'_>) -> Self {
        let by = match request.window {
            Window::Dates { .. } => "TxnDate DESC",
            Window::Instants { .. } | Window::Whole => "MetaData.CreateTime DESC",
        };
        let first = Place::default();
        Self {
            order: vec![by],
            rows: Some(Rows::of(first, 1)),
            ..Self::page(request, first)
        }
    }

    /// The statement that fetches a page of what fulfils conditions; a condition that is not documented is refused.
    pub(super) fn find(request: &FindRequest<'_>, place: Place) -> Result<Self, String> {
        let entity = request.entity;
        let filters = request.conditions.iter().map(|condition| {
            let property = checked(entity, condition)?;
            Ok(Filter::of(property, &condition.test))
        });
        let mut filters = filters.collect::<Result<Vec<_>, String>>()?;
        if !filters.iter().any(|filter| filter.property == "Active") {
            filters.extend(activity(entity, part_of(entity, request.dialect, place.part)));
        }
        Ok(Self {
            select: Select::Columns(source(entity).projection),
            from: entity.upstream,
            filters: since(filters, place),
            order: in_order(entity, request.dialect),
            rows: Some(Rows::of(place, request.size)),
        })
    }

    /// The statement that counts a window.
    pub(super) fn count(request: &CountRequest<'_>) -> Self {
        let part = match request.part {
            0 => part_of(request.entity, request.dialect, Part::All),
            _ => Part::Inactive,
        };
        Self {
            select: Select::Count,
            from: request.entity.upstream,
            filters: filters(request.entity, request.window, part)
                .into_iter()
                .chain(request.changed_since.map(changed_since))
                .collect(),
            order: Vec::new(),
            rows: None,
        }
    }
}

/// The order of an entity's pages, where it has one and it may be asked for.
fn in_order(entity: &EntitySpec, dialect: Dialect) -> Vec<&'static str> {
    let is_ordered = source(entity).orderable && entity.kind != EntityKind::Single && dialect.order;
    is_ordered.then_some(CREATED).into_iter().collect()
}

/// How many rows are really asked for where `size` are wanted.
pub(super) fn rows_asked(size: u32) -> u32 {
    size.clamp(1, PAGE_SIZE_MAX)
}

impl Rows {
    fn of(place: Place, size: u32) -> Self {
        Self {
            start: place.skip.saturating_add(1),
            max: rows_asked(size),
        }
    }
}

impl Filter {
    fn of(property: &'static str, test: &Test) -> Self {
        let (operator, operand) = match test {
            Test::Equal(value) => ("=", Operand::One(value.clone())),
            Test::Less(value) => ("<", Operand::One(value.clone())),
            Test::Greater(value) => (">", Operand::One(value.clone())),
            Test::AtMost(value) => ("<=", Operand::One(value.clone())),
            Test::AtLeast(value) => (">=", Operand::One(value.clone())),
            Test::OneOf(values) => ("IN", Operand::List(values.clone())),
            Test::Like(pattern) => ("LIKE", Operand::One(Value::Text(pattern.clone()))),
        };
        Self {
            property,
            operator,
            operand,
        }
    }
}

fn filters(entity: &EntitySpec, window: &Window, part: Part) -> Vec<Filter> {
    let mut filters = within(window);
    filters.extend(activity(entity, part));
    filters
}

fn changed_since(since: DateTime<Utc>) -> Filter {
    Filter::of("MetaData.LastUpdatedTime", &Test::AtLeast(Value::Instant(since)))
}

/// Of which part a page is that begins in `part`.
pub(super) fn part_of(entity: &EntitySpec, dialect: Dialect, part: Part) -> Part {
    match part {
        Part::All if source(entity).hides_inactive && !dialect.active_in => Part::Active,
        part => part,
    }
}

/// Inactive names are left out of answers to those who do not ask for them.
fn activity(entity: &EntitySpec, part: Part) -> Option<Filter> {
    let test = match part {
        Part::All => Test::OneOf(vec![Value::Flag(true), Value::Flag(false)]),
        Part::Active => Test::Equal(Value::Flag(true)),
        Part::Inactive => Test::Equal(Value::Flag(false)),
    };
    source(entity).hides_inactive.then(|| Filter::of("Active", &test))
}

fn within(window: &Window) -> Vec<Filter> {
    let (property, from, to) = match *window {
        Window::Dates {
            days: Days { from, to },
        } => (TXN_DATE, Value::Date(from), Value::Date(to)),
        Window::Instants {
            field, start, end, ..
        } => {
            let property = match field {
                InstantField::Created => CREATED,
                InstantField::Updated => "MetaData.LastUpdatedTime",
            };
            (property, Value::Instant(start), Value::Instant(end))
        }
        Window::Whole => return Vec::new(),
    };
    vec![
        Filter::of(property, &Test::AtLeast(from)),
        Filter::of(property, &Test::Less(to)),
    ]
}

/// Only what was created at the place's instant or later; a filter for what was created even earlier says nothing more.
fn since(mut filters: Vec<Filter>, place: Place) -> Vec<Filter> {
    if let Some(since) = place.since {
        filters.retain(|filter| (filter.property, filter.operator) != (CREATED, ">="));
        filters.push(Filter::of(CREATED, &Test::AtLeast(Value::Instant(since))));
    }
    filters
}

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.select {
            Select::Columns(columns) => write!(f, "SELECT {columns} FROM {}", self.from)?,
            Select::Count => write!(f, "SELECT count(*) FROM {}", self.from)?,
        }
        write_list(f, " WHERE ", " AND ", &self.filters)?;
        write_list(f, " ORDERBY ", ", ", &self.order)?;
        match self.rows {
            Some(Rows { start, max }) => write!(f, " STARTPOSITION {start} MAXRESULTS {max}"),
            None => Ok(()),
        }
    }
}

/// Writes `before`, then the items with `between` them; nothing if there are none.
fn write_list(
    f: &mut fmt::Formatter<'_>,
    before: &str,
    between: &str,
    items: &[impl Display],
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index == 0 { before } else { between })?;
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.property, self.operator)?;
        match &self.operand {
            Operand::One(value) => Literal(value).fmt(f),
            Operand::List(values) => {
                let literals: Vec<Literal<'_>> = values.iter().map(Literal).collect();
                write_list(f, "(", ", ", &literals)?;
                f.write_char(')')
            }
        }
    }
}

/// A value as it is written.
struct Literal<'a>(&'a Value);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Text(text) | Value::Number(text) => write_quoted(f, text),
            Value::Date(date) => write!(f, "'{}'", date.format("%Y-%m-%d")),
            // A fraction of a second is written only where there is one; `Z` needs no encoding in an address.
            Value::Instant(instant) => {
                write!(f, "'{}'", instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            // Without quotes, as singer's tap-quickbooks sends it.
            Value::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// A quote is escaped with a backslash; so is a backslash itself, or a text that ends in one would swallow the
/// closing quote.
fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for character in text.chars() {
        if matches!(character, '\'' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests;
