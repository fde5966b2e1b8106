//! Text: an answer's body as text. Bytes that are no UTF-8 do not take the rest with them: each is replaced by a character
//! of one byte, so that everything stays where it was, and what was served as a part of the text can be told.

use std::borrow::Cow;

use crate::http::Answer;

/// Stands for a byte that is no UTF-8. Outside of strings it makes the text no JSON, as that byte did.
pub(super) const REPLACED: char = '?';

/// A body as text.
#[derive(Debug)]
pub(super) struct Text<'a> {
    served: &'a [u8],
    readable: Cow<'a, str>,
    /// Where bytes were replaced, in order.
    replaced: Vec<usize>,
    ends_in_a_character: bool,
}

impl<'a> Text<'a> {
    /// The body of an answer.
    pub(super) fn of(answer: &'a Answer) -> Self {
        let served = &*answer.body;
        let (readable, replaced, ends_in_a_character) = match std::str::from_utf8(served) {
            Ok(text) => (Cow::Borrowed(text), Vec::new(), false),
            Err(error) => {
                let (text, replaced) = replace(served);
                (Cow::Owned(text), replaced, error.error_len().is_none())
            }
        };
        Self {
            served,
            readable,
            replaced,
            ends_in_a_character,
        }
    }

    /// All of it, without a byte order mark.
    pub(super) fn as_str(&self) -> &str {
        self.readable.trim_start_matches('\u{feff}')
    }

    /// Whether it stops in the middle of a character, and is whole before.
    pub(super) fn ends_in_a_character(&self) -> bool {
        self.ends_in_a_character
    }

    /// Whether all of it is UTF-8.
    pub(super) fn is_whole(&self) -> bool {
        self.replaced.is_empty()
    }

    /// The bytes that were served where a part of this text stands, if some of them are no UTF-8.
    pub(super) fn damaged(&self, part: &str) -> Option<&'a [u8]> {
        if self.is_whole() {
            return None;
        }
        let from = part.as_ptr().addr().checked_sub(self.readable.as_ptr().addr())?;
        let to = from + part.len();
        let first = self.replaced.partition_point(|at| *at < from);
        let is_damaged = self.replaced.get(first).is_some_and(|at| *at < to);
        is_damaged.then(|| self.served.get(from..to))?
    }
}

/// As long as what was served.
fn replace(served: &[u8]) -> (String, Vec<usize>) {
    let (mut text, mut replaced) = (String::with_capacity(served.len()), Vec::new());
    for chunk in served.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            replaced.push(text.len());
            text.push(REPLACED);
        }
    }
    (text, replaced)
}
