//! Paint: states and verdicts in colour, where a person looks at them.

use super::Row;

/// Whether to paint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Coloured,
    Plain,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// It is well.
    Green,
    /// It waits, or for a person to look at it.
    Yellow,
    /// It is lost, refused or has failed.
    Red,
}

impl Paint {
    pub(super) fn painted(self, text: &str, colour: Option<Colour>) -> String {
        let code = match (self, colour) {
            (Self::Plain, _) | (_, None) => return text.to_owned(),
            (_, Some(Colour::Green)) => 32,
            (_, Some(Colour::Yellow)) => 33,
            (_, Some(Colour::Red)) => 31,
        };
        // What pads it stays without colour, so that a line can be trimmed.
        let word = text.trim_end();
        let padding = &text[word.len()..];
        format!("\x1b[{code}m{word}\x1b[0m{padding}")
    }
}

/// The colour of a cell below this title.
pub(super) fn colour_of<R: Row>(title: &str, text: &str) -> Option<Colour> {
    R::COLOURED.contains(&title).then(|| of_word(text)).flatten()
}

/// The colour of a state or verdict, by its first word: `dead: timeout` is as red as `dead`.
pub(super) fn of_word(text: &str) -> Option<Colour> {
    let word = text.split([':', ' ', '(']).next().unwrap_or_default();
    match word {
        "done" | "complete" | "ok" | "green" | "active" | "over" | "equal" => Some(Colour::Green),
        "yellow" | "warning" | "paused" | "open" | "unproven" | "cancelled" | "stopping" | "retry"
        | "blocked" | "missing" | "pending" | "removed" => Some(Colour::Yellow),
        "red" | "dead" | "failed" | "crash" | "stopped" | "needs_reauthorisation" => Some(Colour::Red),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_painted_by_its_first_word_and_its_padding_is_not() {
        let paint = |text: &str| Paint::Coloured.painted(text, of_word(text.trim_end()));
        assert_eq!(paint("done  "), "\x1b[32mdone\x1b[0m  ");
        assert_eq!(paint("dead: timeout"), "\x1b[31mdead: timeout\x1b[0m");
        assert_eq!(paint("yellow"), "\x1b[33myellow\x1b[0m");
        assert_eq!(paint("running"), "running");
        assert_eq!(Paint::Plain.painted("dead", Some(Colour::Red)), "dead");
    }
}
