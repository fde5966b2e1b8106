//! Page: what one has shown, whatever its rows are worth.

use ledgerfleet_connectors::Page;

/// How many rows a page has shown.
pub(crate) fn rows_of(page: &Page) -> u64 {
    (page.records.len() + page.quarantined.len()) as u64
}

/// The ids of a page's rows; the upstream may serve one twice.
pub fn ids_of(page: &Page) -> impl Iterator<Item = &str> {
    let quarantined = page.quarantined.iter().map(|quarantined| &quarantined.id);
    let records = page.records.iter().map(|record| &record.id);
    records.chain(quarantined).map(String::as_str)
}
