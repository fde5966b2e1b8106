//! Talk: everything that is said to a person, on stderr, beside progress bars and logs.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

use super::clean;
use crate::exit::Problem;

/// The voice of the program. Cloning shares the bars.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    bars: MultiProgress,
    quiet: bool,
    colour: bool,
}

impl Talk {
    /// `colour` none: where stderr is a terminal.
    pub(crate) fn new(quiet: bool, colour: Option<bool>) -> Self {
        let terminal = io::stderr().is_terminal();
        let draws = terminal && !quiet;
        let target = if draws {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            quiet,
            colour: colour.unwrap_or(terminal),
        }
    }

    /// Whether lines may be coloured.
    pub(crate) fn has_colour(&self) -> bool {
        self.colour
    }

    /// Says something, unless it is to be quiet.
    pub(crate) fn say(&self, text: impl Display) {
        if !self.quiet {
            self.write(&clean::lines(&text.to_string()));
        }
    }

    /// Says what a person should know but what stops nothing.
    pub(crate) fn warn(&self, text: impl Display) {
        if !self.quiet {
            let word = self.painted("warning:", "33");
            self.write(&format!("{word} {}", clean::lines(&text.to_string())));
        }
    }

    /// Says what went wrong, why, and what to try next.
    pub(crate) fn problem(&self, problem: &Problem) {
        let word = self.painted("error:", "31;1");
        let why = problem
            .why
            .as_ref()
            .map(|why| format!("\n  why: {why}"))
            .unwrap_or_default();
        let text = format!("{}{why}\n  try: {}", problem.what, problem.next);
        self.write(&format!("{word} {}", clean::lines(&text)));
    }

    fn painted(&self, word: &str, colour: &str) -> String {
        if self.colour {
            format!("\x1b[{colour}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }

    /// A failing stderr has nobody left to be told.
    fn write(&self, text: &str) {
        let _ = self.bars.suspend(|| writeln!(io::stderr().lock(), "{text}"));
    }

    /// A bar on the terminal; none where there is no terminal to draw it on, or nothing is to be said.
    pub(super) fn bar(&self, length: u64) -> Option<ProgressBar> {
        (!self.bars.is_hidden()).then(|| self.bars.add(ProgressBar::new(length)))
    }
}

/// Log lines go between the bars.
impl MakeWriter<'_> for Talk {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for Talk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
