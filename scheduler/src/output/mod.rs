//! Output: data on stdout, talk on stderr.

mod csv;
mod progress;
mod table;
mod talk;

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;
pub(crate) use progress::Progress;
pub(crate) use talk::Talk;

/// Something that is printed as a row: as text cells for tables, as an object for JSON and CSV.
pub(crate) trait Row: Serialize {
    /// Titles of the cells.
    const COLUMNS: &'static [&'static str];

    /// One text for each column.
    fn cells(&self) -> Vec<String>;
}

/// Where a command's data goes.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// Whether a person reads it: then data may be summed up.
    pub(crate) fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Prints rows: JSON as one array, the rest a row a line.
    pub(crate) fn list<R: Row>(&self, rows: &[R]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Table => table::rows(&mut out, rows),
            Format::Json => json(&mut out, rows),
            Format::Jsonl => rows.iter().try_for_each(|row| json_line(&mut out, row)),
            Format::Csv => csv::rows(&mut out, rows),
        }?;
        out.flush()
    }

    /// Prints one thing: JSON as one object, a table with a line for each column.
    pub(crate) fn one<R: Row>(&self, row: &R) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Table => table::one(&mut out, row),
            Format::Json => json(&mut out, row),
            Format::Jsonl => json_line(&mut out, row),
            Format::Csv => csv::rows(&mut out, std::slice::from_ref(row)),
        }?;
        out.flush()
    }

    /// Prints a text as it is, with a newline.
    pub(crate) fn text(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }
}

fn json<T: Serialize + ?Sized>(out: &mut impl Write, value: &T) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn json_line<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// A number with its thousands apart: `18,260`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

/// `1 day`, `30 days`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// A time span in words that fit a line: `0.8 s`, `48 s`, `12 min`, `5.2 h`.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// An instant as people and spreadsheets read it.
pub(crate) fn instant(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text for each thing that is there, nothing for what is not.
pub(crate) fn optional<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_read_well() {
        assert_eq!(
            (thousands(7).as_str(), thousands(18_260).as_str()),
            ("7", "18,260")
        );
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(
            (counted(1, "row").as_str(), counted(2, "row").as_str()),
            ("1 row", "2 rows")
        );
        assert_eq!(span(0.84), "0.8 s");
        assert_eq!(span(48.2), "48 s");
        assert_eq!(span(725.0), "12 min");
        assert_eq!(span(18_720.0), "5.2 h");
    }
}
