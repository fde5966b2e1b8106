//! Row: something that is printed, column by column.

use serde::Serialize;

/// Something that is printed as a row: as text cells for tables, as an object for JSON and CSV.
pub(crate) trait Row: Serialize {
    /// Titles of the cells.
    const COLUMNS: &'static [&'static str];

    /// Those of free text, which may be cut where a terminal is too narrow.
    const TEXTS: &'static [&'static str] = &[];

    /// Those that are left out where there is still no room, the first first.
    const LESSER: &'static [&'static str] = &[];

    /// Whether texts go on in further lines, between words, instead of being cut.
    const WRAPS: bool = false;

    /// Those of states and verdicts, which are coloured by their word.
    const COLOURED: &'static [&'static str] = &["state", "verdict", "result", "outcome"];

    /// One text for each column.
    fn cells(&self) -> Vec<String>;
}

/// Implements [`Row`]: what is special about some columns, then each title with its cell.
///
/// ```text
/// row! {
///     Group as row,
///     TEXTS = ["message"],
///     "count" => thousands(row.count),
///     "message" => row.message,
/// }
/// ```
macro_rules! row {
    (
        $type:ty as $row:ident,
        $($constant:ident = [$($which:literal),* $(,)?],)*
        $($title:literal => $cell:expr),+ $(,)?
    ) => {
        impl $crate::output::Row for $type {
            const COLUMNS: &'static [&'static str] = &[$($title),+];
            $(const $constant: &'static [&'static str] = &[$($which),*];)*

            fn cells(&self) -> Vec<String> {
                let $row = self;
                vec![$($crate::output::cell(&$cell)),+]
            }
        }
    };
}
pub(crate) use row;

/// A value as the text of a cell.
pub(crate) fn cell<T: ToString + ?Sized>(value: &T) -> String {
    value.to_string()
}
