//! Paging: where the next page of a window begins.
//!
//! Offsets count rows over live data, so a row that comes or goes before them moves all others, and they need an order
//! that stays. Ids were that order; Intuit has announced that `Id` stops being a sortable field. What stays is the
//! instant of creation: it never changes, and it can be filtered as well as ordered. So a page begins at an instant,
//! that of the last row of the page before: nothing before it can move it, and every row of that instant comes again.
//!
//! ```text
//! ORDERBY MetaData.CreateTime                                    first page: rows created at 9:00, 9:05, 9:07, 9:07
//! … AND MetaData.CreateTime >= '9:07' ORDERBY MetaData.CreateTime               second: 9:07, 9:07, 9:07, 9:12
//! ```
//!
//! Thousands of rows may share one instant (an import), and the upstream may ignore the order: where the rows of a page
//! do not show it, the next page is an offset after them, one row back. Then, and for the rest of that pass, the pages
//! prove nothing by themselves ([`Page::in_order`](crate::Page::in_order)).
//!
//! Inactive names are hidden from those who do not ask for `Active IN (true, false)`. Where the upstream refuses that, a
//! window is two parts, `Active = true` and then `Active = false`.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use ledgerfleet_model::{Failure, FailureKind, Position};

/// Marks a position that was reached by an offset.
const BY_OFFSET: char = '~';

/// Which records a page is of, where inactive ones are hidden.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// Active and inactive ones.
    #[default]
    All,
    /// Active ones; inactive ones follow them.
    Active,
    /// Inactive ones.
    Inactive,
}

/// Marks of the parts in a position.
const PARTS: [(char, Part); 2] = [('a', Part::Active), ('i', Part::Inactive)];

/// Where a page begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Of which part of the window.
    pub(super) part: Part,
    /// Only rows that were created at this instant or later.
    pub(super) since: Option<DateTime<Utc>>,
    /// How many of those come before it.
    pub(super) skip: u64,
    /// Whether this or an earlier page of the pass was reached by an offset.
    pub(super) by_offset: bool,
}

/// What the rows of a page show of their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// How many rows came.
    pub(super) rows: u64,
    /// When the first and the last of them were created, if all of them tell and none was created before the one
    /// before it.
    pub(super) created: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Shown {
    /// What these rows show, of which `others` more came that do not tell when they were created.
    pub(super) fn of(created: impl IntoIterator<Item = Option<DateTime<Utc>>>, others: usize) -> Self {
        let mut rows = others as u64;
        let mut span = None;
        let mut is_ascending = true;
        for created in created {
            rows += 1;
            span = match (span, created) {
                (None, Some(created)) if is_ascending => Some((created, created)),
                (Some((first, last)), Some(created)) if last <= created => Some((first, created)),
                _ => {
                    is_ascending = false;
                    None
                }
            };
        }
        Self { rows, created: span }
    }
}

impl Place {
    /// The place that a position means.
    pub(super) fn of(position: &Position) -> Result<Self, Failure> {
        Self::read(position.as_str()).ok_or_else(|| {
            let message = format!("{:?} is no position in a window of QuickBooks", position.as_str());
            Failure::new(FailureKind::BadRequest, message)
        })
    }

    fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let marked = PARTS
            .into_iter()
            .find_map(|(mark, part)| Some((text.strip_prefix(mark)?, part)));
        let (text, part) = marked.unwrap_or((text, Part::All));
        let (text, by_offset) = match text.strip_prefix(BY_OFFSET) {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (since, skip) = text.rsplit_once('+')?;
        let since = match since {
            "" => None,
            since => Some(DateTime::parse_from_rfc3339(since).ok()?.to_utc()),
        };
        Some(Self {
            part,
            since,
            skip: skip.parse().ok()?,
            by_offset,
        })
    }

    /// Where to go on after a page that began here and showed this.
    pub(super) fn after(self, shown: Shown) -> Self {
        if shown.rows == 0 {
            return self;
        }
        match shown.created {
            Some((first, last)) if first < last && self.since.is_none_or(|since| since <= first) => Self {
                since: Some(last),
                skip: 0,
                ..self
            },
            _ => Self {
                skip: self.skip.saturating_add((shown.rows - 1).max(1)),
                by_offset: true,
                ..self
            },
        }
    }

    /// The beginning of the inactive records, after the last active one.
    pub(super) fn inactive(self) -> Self {
        Self {
            part: Part::Inactive,
            since: None,
            skip: 0,
            by_offset: self.by_offset,
        }
    }

    /// The place after one row that was not served.
    pub(super) fn past_one(self) -> Self {
        Self {
            skip: self.skip.saturating_add(1),
            by_offset: true,
            ..self
        }
    }

    pub(super) fn position(self) -> Position {
        if self == Self::default() {
            return Position::start();
        }
        Position::new(self.to_string())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = PARTS.into_iter().find(|(_, part)| *part == self.part);
        let part = part.map(|(mark, _)| mark.to_string()).unwrap_or_default();
        let mark = if self.by_offset { "~" } else { "" };
        let since = self
            .since
            .map(|since| since.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .unwrap_or_default();
        write!(f, "{part}{mark}{since}+{}", self.skip)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_600_000 + second, 0).unwrap()
    }

    fn shown(seconds: &[i64]) -> Shown {
        Shown::of(seconds.iter().map(|second| Some(at(*second))), 0)
    }

    fn place(since: Option<i64>, skip: u64, by_offset: bool) -> Place {
        Place {
            since: since.map(at),
            skip,
            by_offset,
            ..Place::default()
        }
    }

    #[test]
    fn the_next_page_begins_at_the_instant_of_the_last_row_where_rows_show_their_order() {
        let start = Place::default();
        for (from, rows, next) in [
            (start, &[1, 2, 2][..], place(Some(2), 0, false)),
            (place(Some(2), 0, false), &[2, 2, 5], place(Some(5), 0, false)),
            // Ties of a whole page, and what follows them.
            (start, &[7, 7, 7], place(None, 2, true)),
            (place(Some(7), 0, false), &[7, 7, 7], place(Some(7), 2, true)),
            (place(Some(7), 2, true), &[7, 7, 9], place(Some(9), 0, true)),
            // Another order than was asked for.
            (start, &[3, 1, 2], place(None, 2, true)),
            // A filter that was ignored.
            (place(Some(5), 0, false), &[1, 2, 3], place(Some(5), 2, true)),
            // One row at a time.
            (place(None, 4, true), &[8], place(None, 5, true)),
            (place(Some(5), 0, false), &[], place(Some(5), 0, false)),
        ] {
            assert_eq!(from.after(shown(rows)), next, "{from:?} {rows:?}");
        }
    }

    #[test]
    fn rows_that_do_not_tell_when_they_were_created_show_no_order() {
        assert_eq!(Shown::of([Some(at(1)), None, Some(at(2))], 0).created, None);
        assert_eq!(Shown::of([None, Some(at(1)), Some(at(2))], 0).created, None);
        let with_others = Shown::of([Some(at(1)), Some(at(2))], 3);
        assert_eq!((with_others.rows, with_others.created), (5, Some((at(1), at(2)))));
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in [
            "x",
            "+",
            "5",
            "2026-13-01T00:00:00Z+1",
            "+-1",
            "~",
            "a",
            "b+1",
            "ai+1",
            "+18446744073709551616",
        ] {
            assert!(Place::of(&Position::new(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_what_its_position_says(
            second in proptest::option::of(0i64..1_000_000),
            skip: u64,
            by_offset: bool,
            part in prop::sample::select(vec![Part::All, Part::Active, Part::Inactive]),
        ) {
            let place = Place { part, ..place(second, skip, by_offset) };
            prop_assert_eq!(Place::of(&place.position()).unwrap(), place);
        }
    }
}
