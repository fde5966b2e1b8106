//! Tables for people. No word, id or number is broken: on a terminal that is too narrow, free text is cut with an
//! ellipsis, then columns are left out by their rank, and what is still too wide overflows.

use std::io::{self, Write};

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::paint::{Paint, colour_of};
use super::{Row, clean};

/// Between two columns.
const GAP: usize = 2;

/// A text is not cut below this, or below its title.
const READABLE: usize = 16;

/// How a table is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Columns of the terminal; none where it is no terminal, and nothing has to fit.
    pub(super) width: Option<usize>,
    pub(super) paint: Paint,
}

/// Rows below a line of titles; numbers stand right. Answers the titles of the columns that had no room.
pub(super) fn rows<R: Row>(out: &mut impl Write, rows: &[R], look: Look) -> io::Result<Vec<&'static str>> {
    let texts: Vec<Vec<String>> = rows.iter().map(row_of).collect();
    let mut columns: Vec<Column> = R::COLUMNS
        .iter()
        .enumerate()
        .map(|(index, title)| Column::of::<R>(title, index, &texts))
        .collect();
    if !rows.is_empty() {
        columns.retain(Column::has_value);
    }
    let left_out = look
        .width
        .map(|width| fit::<R>(&mut columns, width))
        .unwrap_or_default();
    let titles = columns
        .iter()
        .map(|column| column.padded(column.title).into_owned());
    write_line(out, titles)?;
    for row in &texts {
        if R::WRAPS {
            write_wrapped(out, &columns, row, look.paint)?;
        } else {
            let cells = columns
                .iter()
                .map(|column| column.shown(&row[column.index], look.paint));
            write_line(out, cells)?;
        }
    }
    Ok(left_out)
}

/// One line for each column that has something to say. Free text goes on in the next line, between words.
pub(super) fn one<R: Row>(out: &mut impl Write, row: &R, look: Look) -> io::Result<()> {
    let texts = row.cells();
    let filled = R::COLUMNS.iter().zip(&texts).filter(|(_, text)| !text.is_empty());
    let widest = filled.clone().map(|(title, _)| measure_text_width(title)).max();
    let indent = widest.unwrap_or(0) + GAP;
    for (title, text) in filled {
        let room = look.width.map(|width| width.saturating_sub(indent).max(READABLE));
        let text = clean::lines(text);
        let lines = match room.filter(|_| R::TEXTS.contains(title)) {
            Some(room) => wrapped(&text, room),
            None => text.lines().map(str::to_owned).collect(),
        };
        let colour = colour_of::<R>(title, &text);
        for (number, line) in lines.iter().enumerate() {
            let title = if number == 0 { title } else { "" };
            let title = pad_str(title, indent, Alignment::Left, None);
            writeln!(out, "{title}{}", look.paint.painted(line, colour))?;
        }
    }
    Ok(())
}

/// The texts of a row, one line each unless they may go on below.
fn row_of<R: Row>(row: &R) -> Vec<String> {
    let clean = if R::WRAPS { clean::lines } else { clean::line };
    row.cells().iter().map(|text| clean(text).into_owned()).collect()
}

/// A row whose texts go on in further lines.
fn write_wrapped(out: &mut impl Write, columns: &[Column], row: &[String], paint: Paint) -> io::Result<()> {
    let cells: Vec<Vec<String>> = columns
        .iter()
        .map(|column| wrapped(&row[column.index], column.width))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let parts = columns.iter().zip(&cells).map(|(column, lines)| {
            let text = lines.get(line).map_or("", String::as_str);
            column.painted(text, text, paint)
        });
        write_line(out, parts)?;
    }
    Ok(())
}

/// One column, with the width that it gets.
struct Column {
    title: &'static str,
    index: usize,
    width: usize,
    is_filled: bool,
    is_text: bool,
    is_coloured: bool,
    alignment: Alignment,
}

impl Column {
    fn of<R: Row>(title: &'static str, index: usize, rows: &[Vec<String>]) -> Self {
        let values = || {
            rows.iter()
                .map(|row| row[index].as_str())
                .filter(|text| !text.is_empty())
        };
        let widest = values()
            .flat_map(str::lines)
            .map(measure_text_width)
            .max()
            .unwrap_or(0);
        let is_filled = widest > 0;
        Self {
            title,
            index,
            width: widest.max(measure_text_width(title)),
            is_filled,
            is_text: R::TEXTS.contains(&title),
            is_coloured: R::COLOURED.contains(&title),
            alignment: if is_filled && values().all(is_number) {
                Alignment::Right
            } else {
                Alignment::Left
            },
        }
    }

    fn has_value(&self) -> bool {
        self.is_filled
    }

    /// The least width: only texts can be cut.
    fn least(&self) -> usize {
        if self.is_text {
            self.width.min(READABLE.max(measure_text_width(self.title)))
        } else {
            self.width
        }
    }

    fn padded<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        pad_str(text, self.width, self.alignment, None)
    }

    fn shown(&self, text: &str, paint: Paint) -> String {
        let cut = truncate_str(text, self.width, "…");
        self.painted(&cut, text, paint)
    }

    /// A text as wide as the column, in the colour of `whole`.
    fn painted(&self, text: &str, whole: &str, paint: Paint) -> String {
        let padded = self.padded(text);
        let colour = self.is_coloured.then(|| super::paint::of_word(whole)).flatten();
        paint.painted(&padded, colour)
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || ",.".contains(c))
}

/// Leaves out columns by rank until the rest fits with its texts cut, then gives the texts what room there is. Answers the
/// titles that were left out.
fn fit<R: Row>(columns: &mut Vec<Column>, width: usize) -> Vec<&'static str> {
    let needed = |columns: &[Column], one: fn(&Column) -> usize| {
        columns.iter().map(one).sum::<usize>() + GAP * columns.len().saturating_sub(1)
    };
    let mut left_out = Vec::new();
    for title in R::LESSER {
        if needed(columns, Column::least) <= width {
            break;
        }
        if columns.iter().any(|column| column.title == *title) {
            columns.retain(|column| column.title != *title);
            left_out.push(*title);
        }
    }
    while needed(columns, |column| column.width) > width {
        let widest = columns
            .iter_mut()
            .filter(|column| column.width > column.least())
            .max_by_key(|column| column.width);
        let Some(widest) = widest else { break };
        widest.width -= 1;
    }
    left_out
}

/// The words of a text in lines of at most `width`, a longer word in a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let joined = measure_text_width(&line) + 1 + measure_text_width(word);
            if !line.is_empty() && joined > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

fn write_line(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
