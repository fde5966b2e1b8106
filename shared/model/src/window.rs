//! Window: the part of a company's books that one segment asks for.
//!
//! A window on a document date is a pair of calendar dates, compared as dates and never shifted. A window on an
//! instant is the same dates in the connection's time zone, as a half-open pair of instants. Windows are computed
//! once, here: a database that added "one day" would be wrong twice a year.

use chrono::{DateTime, Datelike, Days as CalendarDays, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::words;

/// A range of days as people say it: both ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DateRange {
    from: NaiveDate,
    to: NaiveDate,
}

/// The earliest day that can be asked for; no book in these systems is older.
pub const EARLIEST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// Why two dates are not a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRange {
    /// The end lies before the start.
    #[error("the range ends ({to}) before it starts ({from})")]
    Reversed {
        /// First day.
        from: NaiveDate,
        /// Last day.
        to: NaiveDate,
    },
    /// The start lies before [`EARLIEST_DAY`].
    #[error("{0} lies before {EARLIEST_DAY}, the earliest day that can be asked for")]
    TooEarly(NaiveDate),
    /// The end lies beyond the last day that makes sense for this axis.
    #[error("{day} lies after {latest}, the latest day that can be asked for here")]
    TooLate {
        /// The day that was asked for.
        day: NaiveDate,
        /// The last day that is accepted.
        latest: NaiveDate,
    },
}

/// The last day that a document may be dated to be asked for: a year after today. Post-dated invoices exist, and journal
/// entries that are dated months ahead.
pub fn latest(today: NaiveDate) -> NaiveDate {
    today
        .checked_add_months(Months::new(12))
        .unwrap_or(NaiveDate::MAX)
}

impl DateRange {
    /// The range of days from `from` to `to`, both included. A document date may lie up to a year after `today`
    /// (post-dated invoices exist); an instant in the future cannot have happened.
    pub fn new(from: NaiveDate, to: NaiveDate, axis: Axis, today: NaiveDate) -> Result<Self, InvalidRange> {
        if from < EARLIEST_DAY {
            return Err(InvalidRange::TooEarly(from));
        }
        if to < from {
            return Err(InvalidRange::Reversed { from, to });
        }
        let latest = match axis {
            Axis::TxnDate | Axis::Whole => latest(today),
            Axis::Created | Axis::Updated => today,
        };
        if to > latest {
            return Err(InvalidRange::TooLate { day: to, latest });
        }
        Ok(Self { from, to })
    }

    /// First day.
    pub fn from(&self) -> NaiveDate {
        self.from
    }

    /// Last day, included.
    pub fn to(&self) -> NaiveDate {
        self.to
    }

    /// How many days the range has.
    pub fn len(&self) -> usize {
        usize::try_from((self.to - self.from).num_days() + 1).unwrap_or(0)
    }

    /// Never: a range has at least one day.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// Calendar days, half-open: `from` is in, `to` is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Days {
    /// First day.
    pub from: NaiveDate,
    /// The day after the last one.
    pub to: NaiveDate,
}

/// The field of a record along which a request is cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    /// The date on the document.
    TxnDate,
    /// The instant of creation.
    Created,
    /// The instant of the last change.
    Updated,
    /// Not cut: all of an entity at once.
    Whole,
}
words!(Axis { TxnDate => "txn_date", Created => "created", Updated => "updated", Whole => "whole" });

/// An instant that upstreams keep for every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstantField {
    /// When it was created.
    Created,
    /// When it was last changed.
    Updated,
}
words!(InstantField { Created => "created", Updated => "updated" });

/// How long a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segmenting {
    /// One calendar day.
    Day,
    /// A calendar week, Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// The whole range.
    Whole,
    /// As the days turn out to be filled: the range is one window, and is cut while it is read.
    Auto,
}
words!(Segmenting { Day => "day", Week => "week", Month => "month", Whole => "whole", Auto => "auto" });

/// The part of an entity that one segment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "axis", rename_all = "snake_case")]
pub enum Window {
    /// Documents dated on these days.
    Dates {
        /// The days, compared as dates.
        days: Days,
    },
    /// Records created or changed on these days of the connection's time zone.
    Instants {
        /// Which instant.
        field: InstantField,
        /// The days, in the connection's time zone; none where no days were asked for.
        days: Option<Days>,
        /// First instant, included.
        start: DateTime<Utc>,
        /// Last instant, excluded.
        end: DateTime<Utc>,
    },
    /// Everything.
    Whole,
}

impl Window {
    /// The axis this window lies on.
    pub fn axis(&self) -> Axis {
        match self {
            Self::Dates { .. } => Axis::TxnDate,
            Self::Instants {
                field: InstantField::Created,
                ..
            } => Axis::Created,
            Self::Instants {
                field: InstantField::Updated,
                ..
            } => Axis::Updated,
            Self::Whole => Axis::Whole,
        }
    }

    /// What has changed at an instant of the upstream's clock or since, and before another. Without the other, the end is
    /// one that nobody lives to see: this machine's clock knows nothing of the upstream's.
    pub fn changed(since: DateTime<Utc>, before: Option<DateTime<Utc>>) -> Self {
        let open = since + chrono::TimeDelta::days(3_650);
        Self::Instants {
            field: InstantField::Updated,
            days: None,
            start: since,
            end: before.unwrap_or(open).max(since),
        }
    }

    /// Whether days were asked for, or everything: then what was read of it is coverage.
    pub fn is_of_days(&self) -> bool {
        !matches!(self, Self::Instants { days: None, .. })
    }

    /// The calendar days it covers; none for [`Window::Whole`], and where no days were asked for.
    pub fn days(&self) -> Option<Days> {
        match self {
            Self::Dates { days } => Some(*days),
            Self::Instants { days, .. } => *days,
            Self::Whole => None,
        }
    }

    /// The first instant after it, reading calendar dates in `zone`; none for [`Window::Whole`].
    pub fn end(&self, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Dates { days } => Some(start_of_day(days.to, zone)),
            Self::Instants { end, .. } => Some(*end),
            Self::Whole => None,
        }
    }
}

impl std::fmt::Display for Window {
    /// The axis and the days, the last one included: `txn_date 2026-03-01..2026-03-01`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let axis = self.axis();
        if let Self::Instants {
            days: None,
            start,
            end,
            ..
        } = self
        {
            let text = |at: &DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
            return write!(f, "{axis} {}..{}", text(start), text(end));
        }
        match self.days() {
            Some(Days { from, to }) => write!(f, "{axis} {from}..{}", to.pred_opt().unwrap_or(to)),
            None => write!(f, "{axis}"),
        }
    }
}

/// The windows that cover `range` without gap or overlap, in order, computed as they are asked for.
pub fn windows(
    range: DateRange,
    segmenting: Segmenting,
    axis: Axis,
    zone: Tz,
) -> impl Iterator<Item = Window> {
    let whole = (axis == Axis::Whole).then_some(Window::Whole);
    let stop = next_day(range.to);
    let mut from = if whole.is_some() { stop } else { range.from };
    let cut = std::iter::from_fn(move || {
        (from < stop).then(|| {
            let days = Days {
                from,
                to: cut_after(from, segmenting).unwrap_or(stop).min(stop),
            };
            from = days.to;
            window_of(days, axis, zone)
        })
    });
    whole.into_iter().chain(cut)
}

/// The window of these days on an axis, the instants of which are days in `zone`.
pub fn window_of(days: Days, axis: Axis, zone: Tz) -> Window {
    let instants = |field| Window::Instants {
        field,
        days: Some(days),
        start: start_of_day(days.from, zone),
        end: start_of_day(days.to, zone),
    };
    match axis {
        Axis::TxnDate => Window::Dates { days },
        Axis::Created => instants(InstantField::Created),
        Axis::Updated => instants(InstantField::Updated),
        Axis::Whole => Window::Whole,
    }
}

/// The first day of the next period after the one that holds `day`.
fn cut_after(day: NaiveDate, segmenting: Segmenting) -> Option<NaiveDate> {
    match segmenting {
        Segmenting::Day => Some(next_day(day)),
        Segmenting::Week => day.checked_add_days(CalendarDays::new(
            7 - u64::from(day.weekday().num_days_from_monday()),
        )),
        Segmenting::Month => day.with_day(1)?.checked_add_months(Months::new(1)),
        Segmenting::Whole | Segmenting::Auto => None,
    }
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(NaiveDate::MAX)
}

/// The instant at which a calendar day begins in a zone.
///
/// Where clocks are set forward at midnight, that midnight does not exist and the day begins at the jump. Where
/// they are set back, midnight happens twice and the day begins at the first.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight).earliest() {
        Some(start) => start.to_utc(),
        None => start_in_gap(day, zone),
    }
}

/// The first instant whose local date is not before `day`, found by halving the two days around a jump.
fn start_in_gap(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp();
    let (mut before, mut after) = (midnight - 48 * 3600, midnight + 48 * 3600);
    let reached = |second: i64| {
        DateTime::from_timestamp(second, 0).is_some_and(|at| at.with_timezone(&zone).date_naive() >= day)
    };
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if reached(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    DateTime::from_timestamp(after, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
