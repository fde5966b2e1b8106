//! Clean: texts that cannot steer a terminal or a reader. What an upstream says is other people's.
//!
//! Control characters move the cursor, paint over lines and rename windows; direction characters make a text read
//! otherwise than it is. In texts for people each becomes U+FFFD; in JSON each becomes an escape, which means the same.

use std::borrow::Cow;

use ledgerfleet_model::steering::{unsteered, unsteered_json};

/// One line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    unsteered(text, |c| (c == '\n').then_some(' '))
}

/// A text of several lines, as people read it.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    unsteered(text, |c| (c == '\n').then_some('\n'))
}

/// A cell of CSV: its line breaks and tabs are data that programs read.
pub(super) fn cell(text: &str) -> Cow<'_, str> {
    unsteered(text, |c| matches!(c, '\n' | '\r' | '\t').then_some(c))
}

/// JSON that has been written already.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    unsteered_json(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What steers a terminal or turns a text around.
    pub(in crate::output) const RISKY: [char; 12] = [
        '\u{0}', '\u{7}', '\u{8}', '\u{1b}', '\u{7f}', '\u{9b}', '\u{9d}', '\u{200e}', '\u{202e}',
        '\u{2066}', '\u{2069}', '\u{feff}',
    ];

    #[test]
    fn whatever_could_steer_is_replaced_in_texts_for_people() {
        for risky in RISKY {
            let text = format!("a{risky}[31mb");
            for clean in [line(&text), lines(&text), cell(&text)] {
                assert_eq!(clean, "a\u{fffd}[31mb", "{risky:?}");
            }
        }
        assert_eq!(line("one\ntwo\r"), "one two\u{fffd}");
        assert_eq!(lines("one\ntwo\tthree"), "one\ntwo\u{fffd}three");
        assert_eq!(cell("one\r\ntwo\tthree"), "one\r\ntwo\tthree");
    }

    #[test]
    fn in_json_it_is_escaped_and_means_the_same() {
        for risky in RISKY {
            let value = serde_json::json!({ "name": format!("a{risky}b") });
            let written = serde_json::to_string_pretty(&value).unwrap();
            let clean = json(&written);
            assert!(!clean.contains(risky), "{clean:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&clean).unwrap(), value);
        }
    }

    #[test]
    fn other_scripts_are_left_as_they_are() {
        for text in ["Zoë Müller", "日本語", "עברית", "👩‍💻", "na\u{300}me"] {
            assert!(matches!(line(text), Cow::Borrowed(_)), "{text}");
            assert!(matches!(json(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
