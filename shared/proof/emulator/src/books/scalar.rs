//! A scalar: a value that statements compare, of a record or of a literal.

use std::cmp::Ordering;

use chrono::NaiveDate;

use crate::money::Money;

/// What a property's values are, which decides how a literal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Date,
    Instant,
    Number,
    Text,
    Flag,
}

/// A property's value, or a literal to compare it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    Null,
    Flag(bool),
    /// In millionths.
    Number(i128),
    Date(NaiveDate),
    /// In microseconds of Unix time: records have seconds, literals may have more.
    Instant(i64),
    /// In lower case: upstream compares text without case.
    Text(String),
}

impl Scalar {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }

    pub(crate) fn money(money: Money) -> Self {
        Self::Number(i128::from(money.in_cents()) * 10_000)
    }

    pub(crate) fn whole(number: u64) -> Self {
        Self::Number(i128::from(number) * 1_000_000)
    }

    pub(crate) fn instant(seconds: i64) -> Self {
        Self::Instant(seconds.saturating_mul(1_000_000))
    }

    /// The order of `ORDERBY`: nothing before something; values of one kind by size.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => (*a != Self::Null).cmp(&(*b != Self::Null)),
        }
    }
}
