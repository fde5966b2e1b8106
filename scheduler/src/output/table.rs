//! Tables for people.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::Row;

/// Rows below a line of titles; numbers stand right.
pub(super) fn rows<R: Row>(out: &mut impl Write, rows: &[R]) -> io::Result<()> {
    let mut table = plain();
    table.set_header(R::COLUMNS);
    for row in rows {
        table.add_row(row.cells().iter().map(|text| cell(text)));
    }
    write(out, &table)
}

/// One line for each column that has something to say.
pub(super) fn one<R: Row>(out: &mut impl Write, row: &R) -> io::Result<()> {
    let mut table = plain();
    for (title, text) in R::COLUMNS.iter().zip(row.cells()) {
        if !text.is_empty() {
            table.add_row([*title, &printable(&text)]);
        }
    }
    write(out, &table)
}

/// Cells are wrapped to fit a terminal, but not to a width in which nothing can be read.
fn plain() -> Table {
    const READABLE: u16 = 60;
    let mut table = Table::new();
    let fits = table.width().is_some_and(|width| width >= READABLE);
    let arrangement = if fits {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    };
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(arrangement);
    table
}

fn cell(text: &str) -> Cell {
    let is_number = text.chars().all(|c| c.is_ascii_digit() || ".,-".contains(c)) && text.len() < 10;
    let alignment = if is_number {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    };
    Cell::new(printable(text)).set_alignment(alignment)
}

/// A text that cannot steer a terminal: upstream texts are other people's.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

fn write(out: &mut impl Write, table: &Table) -> io::Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
