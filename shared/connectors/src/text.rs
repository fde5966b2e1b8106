//! Text: an answer's body as text. Bytes that are no UTF-8 do not take the rest with them: each is replaced by a character
//! of one byte, so that everything stays where it was, and what was served as a part of the text can be told.

use std::borrow::Cow;

use crate::http::Answer;

/// Stands for a byte that is no UTF-8. Outside of strings it makes the text no JSON, as that byte did.
pub(crate) const REPLACED: char = '?';

/// A body as text.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    served: &'a [u8],
    readable: Cow<'a, str>,
    /// Whether any byte was replaced. Where is looked up when somebody asks: a list of them may be eight times the body.
    is_whole: bool,
    ends_in_a_character: bool,
}

impl<'a> Text<'a> {
    /// The body of an answer.
    pub(crate) fn of(answer: &'a Answer) -> Self {
        let served = &*answer.body;
        let (readable, is_whole, ends_in_a_character) = match std::str::from_utf8(served) {
            Ok(text) => (Cow::Borrowed(text), true, false),
            Err(error) => (Cow::Owned(replace(served)), false, error.error_len().is_none()),
        };
        Self {
            served,
            readable,
            is_whole,
            ends_in_a_character,
        }
    }

    /// All of it, without a byte order mark.
    pub(crate) fn as_str(&self) -> &str {
        self.readable.trim_start_matches('\u{feff}')
    }

    /// Whether it stops in the middle of a character, and is whole before.
    pub(crate) fn ends_in_a_character(&self) -> bool {
        self.ends_in_a_character
    }

    /// Whether all of it is UTF-8.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The bytes that were served where a part of this text stands, if some of them are no UTF-8.
    pub(crate) fn damaged(&self, part: &str) -> Option<&'a [u8]> {
        if self.is_whole() {
            return None;
        }
        let from = part.as_ptr().addr().checked_sub(self.readable.as_ptr().addr())?;
        let served = self.served.get(from..from + part.len())?;
        std::str::from_utf8(served).is_err().then_some(served)
    }
}

/// As long as what was served.
fn replace(served: &[u8]) -> String {
    let mut text = String::with_capacity(served.len());
    for chunk in served.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| REPLACED));
    }
    text
}
