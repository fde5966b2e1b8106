//! Clean: the writer of log lines, through which nothing steers who reads them. Fields hold what an upstream says.

use std::borrow::Cow;
use std::io::{self, Write};

use ledgerfleet_model::steering::{unsteered, unsteered_json};
use tracing_subscriber::fmt::MakeWriter;

/// What a line is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// For people.
    Plain,
    /// For people, with colours: the layer above replaces every other escape.
    Coloured,
    /// For programs.
    Json,
}

impl Lines {
    fn clean(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => unsteered(line, |c| matches!(c, '\n' | '\t').then_some(c)),
            Self::Coloured => unsteered(line, |c| matches!(c, '\n' | '\t' | '\u{1b}').then_some(c)),
            Self::Json => unsteered_json(line),
        }
    }
}

/// Cleans what is written to another writer, a line at a time.
#[derive(Debug)]
pub(super) struct Clean<W> {
    pub(super) lines: Lines,
    pub(super) writer: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Clean<W> {
    type Writer = Clean<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Clean {
            lines: self.lines,
            writer: self.writer.make_writer(),
        }
    }

    fn make_writer_for(&'a self, metadata: &tracing::Metadata<'_>) -> Self::Writer {
        Clean {
            lines: self.lines,
            writer: self.writer.make_writer_for(metadata),
        }
    }
}

impl<W: Write> Write for Clean<W> {
    /// The layer writes a whole line at once, so all of it is taken at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.writer.write_all(self.lines.clean(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_who_reads_a_line_and_a_line_of_json_means_the_same() {
        for steering in [
            '\u{7}', '\u{1b}', '\u{7f}', '\u{9b}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{feff}',
        ] {
            let said = format!("a{steering}[31mb");
            let line = format!("{}\n", serde_json::json!({ "message": said }));
            for (lines, line) in [(Lines::Plain, format!("{said}\n")), (Lines::Json, line)] {
                let mut clean = Clean {
                    lines,
                    writer: Vec::new(),
                };
                clean.write_all(line.as_bytes()).unwrap();
                let written = String::from_utf8(clean.writer).unwrap();
                assert!(
                    !written.contains(steering) && written.ends_with('\n'),
                    "{steering:?}: {written}"
                );
                if lines == Lines::Json {
                    let read: serde_json::Value = serde_json::from_str(&written).unwrap();
                    assert_eq!(read["message"], said);
                }
            }
        }
        assert_eq!(
            Lines::Coloured.clean("\u{1b}[31ma\u{202e}b\n"),
            "\u{1b}[31ma\u{fffd}b\n"
        );
    }
}
