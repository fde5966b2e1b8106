//! Paging: where the next page begins. Pages have numbers here, so a position is the number of rows before it; pages of
//! another size then begin with rows of the one before.

use ledgerfleet_model::{Failure, FailureKind, Position};

/// The most rows of a page of version 2.
const MOST_OF_V2: u32 = 100;

/// Sizes of the pages of version 2 for readings after the first one: rows are lost at borders, and these have others.
const OTHERS: [u32; 5] = [97, 89, 71, 53, 83];

/// Where a page begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Rows before it.
    pub(super) offset: u64,
    /// Whether the last day of the range is asked for, and not the one after it.
    pub(super) last_included: bool,
    /// Whether everything is asked for, because pages are not heeded.
    pub(super) whole: bool,
    /// The most rows of a page from here on, because one with more was cut; 0 where none was.
    pub(super) most: u32,
    /// What the page before was like; 0 where there was none.
    pub(super) before: u64,
}

impl Place {
    /// Reads a position that is one of ours.
    pub(super) fn of(position: &Position) -> Result<Self, Failure> {
        if position.as_str().is_empty() {
            return Ok(Self::default());
        }
        Self::read(position.as_str()).ok_or_else(|| {
            let message = format!("`{position}` is no position in a list of Contífico");
            Failure::new(FailureKind::BadRequest, message)
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let mut place = Self {
            offset: parts.next()?.parse().ok()?,
            ..Self::default()
        };
        for part in parts {
            match part {
                "last" => place.last_included = true,
                "whole" => place.whole = true,
                most if most.starts_with("most:") => place.most = most.strip_prefix("most:")?.parse().ok()?,
                after => place.before = u64::from_str_radix(after.strip_prefix("after:")?, 16).ok()?,
            }
        }
        Some(place)
    }

    /// As it is stored.
    pub(super) fn position(&self) -> Position {
        let last = if self.last_included { " last" } else { "" };
        let whole = if self.whole { " whole" } else { "" };
        let most = match self.most {
            0 => String::new(),
            most => format!(" most:{most}"),
        };
        let after = match self.before {
            0 => String::new(),
            before => format!(" after:{before:x}"),
        };
        Position::new(format!("{}{last}{whole}{most}{after}", self.offset))
    }

    /// Rows a page to ask for, where so many are wanted.
    pub(super) fn rows(&self, wanted: u32) -> u32 {
        match self.most {
            0 => wanted,
            most => wanted.min(most),
        }
    }

    /// The number of the page that holds it, from 1, if pages have so many rows.
    pub(super) fn number(&self, rows: u32) -> u64 {
        self.offset / u64::from(rows.max(1)) + 1
    }

    /// Where the page after that one begins.
    pub(super) fn after(&self, rows: u32, shown: u64) -> Self {
        Self {
            offset: self.number(rows) * u64::from(rows.max(1)),
            before: shown,
            ..*self
        }
    }

    /// Where the rows begin that a page of so many rows has left out, for it was cut to `came`. The next page of as many
    /// would leave a hole: pages go on with no more rows than `most`.
    pub(super) fn behind_cut(&self, rows: u32, came: u32, most: u32) -> Self {
        Self {
            offset: (self.number(rows) - 1) * u64::from(rows.max(1)) + u64::from(came),
            most: most.max(1),
            ..*self
        }
    }
}

/// Rows a page of version 2 after one of `rows` was cut to `came`: others in each reading, for their sizes differ in what is
/// left when they are divided by five.
pub(super) fn rows_after_cut(rows: u32, came: u32) -> u32 {
    came.saturating_sub(rows % 5).max(1)
}

/// Rows a page of version 2 of a reading of a window, from 1, where so many are wanted.
pub(super) fn rows_of_reading(wanted: u32, reading: u32) -> u32 {
    let wanted = wanted.clamp(1, MOST_OF_V2);
    let Some(number) = reading.checked_sub(2) else {
        return wanted;
    };
    let mut smaller = OTHERS.into_iter().filter(|rows| *rows < wanted);
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    smaller
        .nth(place)
        .unwrap_or_else(|| wanted.saturating_add(reading).min(MOST_OF_V2 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_position() {
        for place in [
            Place::default(),
            Place {
                offset: 300,
                last_included: true,
                whole: true,
                most: 40,
                before: 0xabc,
            },
        ] {
            assert_eq!(Place::of(&place.position()).unwrap(), place);
        }
        for wrong in ["x", "1 y", "-1", "1 after:g", "1 most:", "1 most:-1"] {
            assert!(Place::of(&Position::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_of_another_size_begin_at_or_before_the_place() {
        let place = Place {
            offset: 300,
            ..Place::default()
        };
        for rows in [100, 97, 12, 1, 1_000] {
            let before = (place.number(rows) - 1) * u64::from(rows);
            assert!(before <= 300 && place.after(rows, 0).offset > 300, "{rows}");
        }
    }

    #[test]
    fn what_a_page_that_was_cut_has_left_out_begins_the_next_one() {
        let third = Place {
            offset: 200,
            ..Place::default()
        };
        for (rows, came) in [(100, 50), (100, 1), (100, 99), (7, 3)] {
            let next = third.behind_cut(rows, came, rows_after_cut(rows, came));
            let size = next.rows(rows);
            let begins = (next.number(size) - 1) * u64::from(size);
            let first = (third.number(rows) - 1) * u64::from(rows);
            assert!(begins <= first + u64::from(came), "{rows} {came} {next:?}");
            assert!(
                begins + u64::from(size) > first + u64::from(came),
                "{rows} {came} {next:?}"
            );
        }
    }

    #[test]
    fn readings_have_borders_of_their_own() {
        let sizes =
            |wanted| -> Vec<u32> { (1..=6).map(|reading| rows_of_reading(wanted, reading)).collect() };
        assert_eq!(sizes(1_000), [100, 97, 89, 71, 53, 83]);
        for wanted in [1, 7, 50, 60, 100] {
            let mut sizes = sizes(wanted);
            assert!(sizes.iter().all(|rows| (1..=100).contains(rows)), "{sizes:?}");
            let known = sizes.len();
            sizes.sort_unstable();
            sizes.dedup();
            assert_eq!(sizes.len(), known, "{sizes:?}");
        }
    }
}
