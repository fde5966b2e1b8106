//! Lists of words and ids as one text, with commas between.

use std::fmt::Display;
use std::str::FromStr;

use crate::LedgerError;

/// The texts of these with commas between.
pub(crate) fn join<T: Display>(words: &[T]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    words.join(",")
}

/// What [`join`] joined.
pub(crate) fn split<T: FromStr<Err: Display>>(text: &str) -> Result<Vec<T>, LedgerError> {
    let words = text.split(',').filter(|word| !word.is_empty());
    let read = |word: &str| {
        word.parse()
            .map_err(|error: T::Err| LedgerError::Corrupt(error.to_string()))
    };
    words.map(read).collect()
}
