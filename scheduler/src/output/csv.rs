//! CSV that a spreadsheet can open without running anything.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Row;

pub(super) fn rows<R: Row>(out: &mut impl Write, rows: &[R]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(R::COLUMNS).map_err(io::Error::from)?;
    for row in rows {
        let cells = row.cells();
        writer
            .write_record(cells.iter().map(|cell| harmless(cell).into_owned()))
            .map_err(io::Error::from)?;
    }
    writer.flush()
}

/// A cell that no spreadsheet takes for a formula: a customer may be named `=HYPERLINK(…)`. Numbers stay numbers.
fn harmless(cell: &str) -> Cow<'_, str> {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if risky {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_defused_and_numbers_are_not() {
        for cell in ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["", "plain", "-5.20", "+3", "a=b"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
