//! Output: data on stdout, talk on stderr.

pub(crate) mod clean;
mod csv;
mod indent;
mod paint;
mod progress;
mod row;
mod table;
mod talk;

use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use console::Term;
use rust_decimal::Decimal;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::cli::Format;
pub(crate) use indent::indented;
use paint::Paint;
pub(crate) use progress::{Progress, heals_itself};
pub(crate) use row::{Row, cell, row};
pub(crate) use talk::Talk;

/// Where a command's data goes.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
    look: table::Look,
    talk: Talk,
}

impl Output {
    /// `colour` none: where stdout is a terminal.
    pub(crate) fn new(format: Format, colour: Option<bool>, talk: &Talk) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let width = is_terminal.then(|| Term::stdout().size_checked()).flatten();
        let look = table::Look {
            width: width.map(|(_, columns)| columns.into()),
            paint: if colour.unwrap_or(is_terminal) {
                Paint::Coloured
            } else {
                Paint::Plain
            },
        };
        Self {
            format,
            look,
            talk: talk.clone(),
        }
    }

    /// Whether a person reads it: then data may be summed up.
    pub(crate) fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Whether what belongs together is printed as one document.
    pub(crate) fn is_one_document(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints rows: JSON as one array, the rest a row a line.
    pub(crate) fn list<R: Row>(&self, rows: &[R]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let mut left_out = Vec::new();
        match self.format {
            Format::Table => left_out = table::rows(&mut out, rows, self.look)?,
            Format::Json => json(&mut out, rows)?,
            Format::Jsonl => rows.iter().try_for_each(|row| json_line(&mut out, row))?,
            Format::Csv => csv::rows(&mut out, rows)?,
        }
        out.flush()?;
        if !left_out.is_empty() {
            let left_out = left_out.join(", ");
            self.talk.say(format!(
                "no room for: {left_out}; a wider terminal or -o json shows them"
            ));
        }
        Ok(())
    }

    /// Prints one thing: JSON as one object, a table with a line for each column.
    pub(crate) fn one<R: Row>(&self, row: &R) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Table => table::one(&mut out, row, self.look),
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
    writeln!(out, "{}", clean::json(&serde_json::to_string_pretty(value)?))
}

fn json_line<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    writeln!(out, "{}", clean::json(&serde_json::to_string(value)?))
}

/// A number with its thousands apart: `18,260`.
pub(crate) fn thousands(number: u64) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
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
    let number_of = thousands(number);
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("{number_of} {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number_of} {stem}ies"),
        _ => format!("{number_of} {noun}s"),
    }
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

/// An instant as people read it: UTC, to the minute.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Days, both included, without what repeats: `2026-03-01`, `2026-03-01..05`, `2026-03-01..04-30`.
pub(crate) fn days(from: NaiveDate, to: NaiveDate) -> String {
    let last = match (from.year() == to.year(), from.month() == to.month()) {
        _ if from == to => return from.to_string(),
        (true, true) => to.format("%d"),
        (true, false) => to.format("%m-%d"),
        (false, _) => to.format("%Y-%m-%d"),
    };
    format!("{from}..{last}")
}

/// Days that may have no beginning or no end; `whole` where they have neither.
pub(crate) fn range(from: Option<NaiveDate>, to: Option<NaiveDate>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => days(from, to),
        (Some(from), None) => format!("{from}.."),
        (None, Some(to)) => format!("..{to}"),
        (None, None) => "whole".to_owned(),
    }
}

/// An amount of money: `1,738,163.80`. Digits beyond cents are kept.
pub(crate) fn amount(amount: Decimal) -> String {
    let digits = format!("{:.*}", amount.normalize().scale().max(2) as usize, amount.abs());
    let (whole, cents) = digits.split_once('.').unwrap_or((&digits, "00"));
    let sign = if amount.is_sign_negative() && !amount.is_zero() {
        "-"
    } else {
        ""
    };
    format!("{sign}{}.{cents}", grouped(whole))
}

/// An amount as a source writes it; what is no amount is shown as it is.
pub(crate) fn amount_text(digits: &str) -> String {
    let parsed = Decimal::from_str_exact(digits).or_else(|_| Decimal::from_scientific(digits));
    parsed.map_or_else(|_| digits.to_owned(), amount)
}

/// An amount as a number of JSON, with all its digits.
#[expect(clippy::ref_option, reason = "the shape that serde asks for")]
pub(crate) fn number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    let digits = amount
        .map(|amount| RawValue::from_string(amount.to_string()))
        .transpose();
    digits.map_err(S::Error::custom)?.serialize(serializer)
}

/// A number with its thousands apart, nothing for none.
pub(crate) fn some(number: u64) -> String {
    if number == 0 {
        String::new()
    } else {
        thousands(number)
    }
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
        assert_eq!(
            (counted(1, "company"), counted(2, "company")),
            ("1 company".to_owned(), "2 companies".to_owned())
        );
        let money = |text: &str| amount(text.parse().unwrap());
        for (text, shown) in [
            ("1738163.8", "1,738,163.80"),
            ("-1234.5", "-1,234.50"),
            ("0", "0.00"),
            ("-0.00", "0.00"),
            ("12.3456", "12.3456"),
            ("7.000", "7.00"),
            ("999", "999.00"),
        ] {
            assert_eq!(money(text), shown);
        }
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (to, shown) in [
            ("2026-03-01", "2026-03-01"),
            ("2026-03-05", "2026-03-01..05"),
            ("2026-04-05", "2026-03-01..04-05"),
            ("2027-03-05", "2026-03-01..2027-03-05"),
        ] {
            assert_eq!(days(day("2026-03-01"), day(to)), shown);
        }
        assert_eq!(span(0.84), "0.8 s");
        assert_eq!(span(48.2), "48 s");
        assert_eq!(span(725.0), "12 min");
        assert_eq!(span(18_720.0), "5.2 h");
    }
}
