//! Queries: a statement is parsed, bound to an entity's properties, and run against a book.

mod bind;
mod lexer;
mod parser;
mod run;
mod test;
#[cfg(test)]
mod tests;

pub(crate) use run::answer;

/// A statement that upstream refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// 4000: it cannot be read.
    #[error("QueryParserError: {0}")]
    Parse(String),
    /// 4001: it can be read and makes no sense.
    #[error("QueryValidationError: {0}")]
    Validation(String),
}

/// The entity that a statement asks for, as it is written there: all that faults and logs need to know of it.
pub(crate) fn entity_of(statement: &str) -> Option<&str> {
    let mut words = statement.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("from"))?;
    words.next()
}
