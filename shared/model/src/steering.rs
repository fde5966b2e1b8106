//! Steering: characters that move a cursor, paint over lines, rename windows, or make a text read otherwise than it is. What
//! an upstream says is other people's: none of these reaches a terminal, a log or a reader as it is.

use std::borrow::Cow;

/// Control characters of both sets, marks and overrides of direction, separators of lines and paragraphs, and what is
/// invisible without joining letters.
pub fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// The text with U+FFFD, or what `kept` makes of it, in the place of every such character.
pub fn unsteered(text: &str, kept: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let clean = |c| {
        if is_steering(c) {
            kept(c).unwrap_or(char::REPLACEMENT_CHARACTER)
        } else {
            c
        }
    };
    Cow::Owned(text.chars().map(clean).collect())
}

/// JSON that has been written already, with an escape, which means the same, in the place of every such character. Outside
/// of strings it has none but its own line breaks.
pub fn unsteered_json(text: &str) -> Cow<'_, str> {
    let is_risky = |c: char| is_steering(c) && !matches!(c, '\n' | '\r' | '\t');
    if !text.contains(is_risky) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_risky(c) {
            let mut units = [0; 2];
            let escapes = c.encode_utf16(&mut units).iter();
            clean.extend(escapes.map(|unit| format!("\\u{unit:04x}")));
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}
