//! Queries: a statement is parsed, bound to an entity's properties, and run against a book.

mod bind;
mod lexer;
mod parser;
mod reading;
mod run;
mod test;
#[cfg(test)]
mod tests;

use crate::books::head::Spoilt;
use crate::faults::FaultShape;

pub use reading::{ReadCondition, ReadStatement, read_statement};
pub(crate) use run::{Run, answer};
pub(crate) use test::{Setting, instant as read_instant};

/// A statement that upstream refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// 4000: it cannot be read.
    #[error("QueryParserError: {0}")]
    Parse(String),
    /// 4001: it can be read and makes no sense.
    #[error("QueryValidationError: {0}")]
    Validation(String),
    /// Another code: the company does not have what it is about, or the client may not see it.
    #[error("this company's plan or this app's tier does not include it")]
    Refused(u32),
    /// A page that cannot be served, and what is answered instead.
    #[error("the page cannot be served")]
    Unservable(Unservable),
}

/// What is answered instead of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unservable {
    pub(crate) shape: FaultShape,
    pub(crate) status: u16,
    pub(crate) code: u32,
}

impl From<Spoilt> for Unservable {
    fn from(spoilt: Spoilt) -> Self {
        Self {
            shape: FaultShape::Service,
            status: spoilt.status,
            code: spoilt.code,
        }
    }
}

/// What faults make of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Distortion {
    /// At most so many rows, although more are there.
    pub(crate) short: Option<u64>,
    /// No rows, although some are there.
    pub(crate) empty: bool,
    /// So many rows of the page before come again, and as many at the end do not come.
    pub(crate) repeat: u64,
    /// Pages of more rows than that are not served.
    pub(crate) too_large: Option<(u64, Unservable)>,
    /// Milliseconds that each row takes before the first byte comes.
    pub(crate) millis_per_row: u64,
}

/// The entity that a statement asks for, as it is written there: all that faults and logs need to know of it.
pub(crate) fn entity_of(statement: &str) -> Option<&str> {
    let mut words = statement.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("from"))?;
    words.next()
}
