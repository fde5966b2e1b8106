//! Query: a statement of the QuickBooks query language.
//!
//! Statements are built from parts with a meaning; text from outside only enters as a [`Value`], which escapes
//! itself. The grammar ("Query operations and syntax"):
//!
//! ```text
//! SELECT * | count(*) FROM Entity [WHERE property operator value {AND …}]
//!     [ORDERBY property {, property}] [STARTPOSITION row] [MAXRESULTS rows]
//! ```

use std::fmt::{self, Display, Write};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use ledgerfleet_model::{Days, InstantField, Window};

use crate::{CountRequest, EntityKind, EntitySpec, PageRequest};

/// The most rows an answer may be asked for; what more does is not documented.
pub(super) const PAGE_SIZE_MAX: u32 = 1_000;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    select: Select,
    from: &'static str,
    filters: Vec<Filter>,
    order: Vec<Property>,
    rows: Option<Rows>,
}

/// What is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Select {
    Columns(&'static str),
    Count,
}

/// A property that can be filtered or ordered on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    Id,
    TxnDate,
    CreateTime,
    LastUpdatedTime,
    Active,
}

/// One condition; conditions are joined with AND, which is all the language has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// Not before.
    AtLeast(Property, Value),
    /// Before.
    Below(Property, Value),
    /// One of these.
    In(Property, Vec<Value>),
}

/// A literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Text from anywhere.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "reads by id and by name come with later entities")
    )]
    Text(String),
    /// A calendar date, without a zone.
    Date(NaiveDate),
    /// An instant, always with its offset: what one without means is not documented.
    Instant(DateTime<Utc>),
    /// True or false.
    Flag(bool),
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
    pub(super) fn page(request: &PageRequest<'_>) -> Self {
        let entity = request.entity;
        let single = entity.kind == EntityKind::Single;
        Self {
            select: Select::Columns(entity.projection),
            from: entity.upstream,
            filters: filters(entity, request.window),
            order: if entity.orderable && !single {
                order(request.window)
            } else {
                Vec::new()
            },
            rows: (!single).then(|| Rows::of(request)),
        }
    }

    /// The statement that counts a window.
    pub(super) fn count(request: &CountRequest<'_>) -> Self {
        Self {
            select: Select::Count,
            from: request.entity.upstream,
            filters: filters(request.entity, request.window),
            order: Vec::new(),
            rows: None,
        }
    }
}

/// How many rows a request for a page really asks for.
pub(super) fn rows_asked(request: &PageRequest<'_>) -> u32 {
    request.size.clamp(1, PAGE_SIZE_MAX)
}

impl Rows {
    fn of(request: &PageRequest<'_>) -> Self {
        let max = rows_asked(request);
        let before = u64::from(request.page.saturating_sub(1)) * u64::from(max);
        Self {
            start: before + 1,
            max,
        }
    }
}

fn filters(entity: &EntitySpec, window: &Window) -> Vec<Filter> {
    let mut filters = within(window);
    if entity.hides_inactive {
        filters.push(Filter::In(
            Property::Active,
            vec![Value::Flag(true), Value::Flag(false)],
        ));
    }
    filters
}

fn within(window: &Window) -> Vec<Filter> {
    let (property, from, to) = match *window {
        Window::Dates {
            days: Days { from, to },
        } => (Property::TxnDate, Value::Date(from), Value::Date(to)),
        Window::Instants {
            field, start, end, ..
        } => {
            let property = match field {
                InstantField::Created => Property::CreateTime,
                InstantField::Updated => Property::LastUpdatedTime,
            };
            (property, Value::Instant(start), Value::Instant(end))
        }
        Window::Whole => return Vec::new(),
    };
    vec![Filter::AtLeast(property, from), Filter::Below(property, to)]
}

/// The order in which a window's rows move least while its pages are read.
///
/// Pages are offsets, so a row that changes place pushes another one over a page's edge, where nobody reads it.
/// An id never changes. Ordered by the time of the last change, every row that is edited during the read would
/// move to the end and hide its successor; ordered by id it stays where it is.
fn order(window: &Window) -> Vec<Property> {
    match window {
        Window::Dates { .. } => vec![Property::TxnDate, Property::Id],
        Window::Instants { .. } | Window::Whole => vec![Property::Id],
    }
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
        match self {
            Self::AtLeast(property, value) => write!(f, "{property} >= {value}"),
            Self::Below(property, value) => write!(f, "{property} < {value}"),
            Self::In(property, values) => {
                write!(f, "{property} IN (")?;
                write_list(f, "", ", ", values)?;
                f.write_char(')')
            }
        }
    }
}

impl Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "Id",
            Self::TxnDate => "TxnDate",
            Self::CreateTime => "MetaData.CreateTime",
            Self::LastUpdatedTime => "MetaData.LastUpdatedTime",
            Self::Active => "Active",
        })
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_quoted(f, text),
            Self::Date(date) => write!(f, "'{}'", date.format("%Y-%m-%d")),
            // A fraction of a second is written only where there is one; `Z` needs no encoding in an address.
            Self::Instant(instant) => write!(f, "'{}'", instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            // Without quotes, as singer's tap-quickbooks sends it.
            Self::Flag(flag) => write!(f, "{flag}"),
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
