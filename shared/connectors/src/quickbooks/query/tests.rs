//! What statements look like.

use chrono_tz::Tz;
use ledgerfleet_model::{Axis, DateRange, Segmenting, window::windows};
use proptest::prelude::*;

use super::*;
use crate::quickbooks::entities::entity;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn window(axis: Axis, zone: Tz) -> Window {
    let range = DateRange::new(day("2026-03-08"), day("2026-03-08"), axis, day("2026-11-01")).unwrap();
    windows(range, Segmenting::Day, axis, zone).next().unwrap()
}

fn page(entity: &'static EntitySpec, window: &Window, page: u32) -> String {
    Query::page(&PageRequest {
        entity,
        window,
        page,
        size: 1_000,
    })
    .to_string()
}

#[test]
fn a_day_of_invoices_is_a_half_open_pair_of_dates() {
    assert_eq!(
        page(entity("invoice"), &window(Axis::TxnDate, Tz::UTC), 1),
        "SELECT * FROM Invoice WHERE TxnDate >= '2026-03-08' AND TxnDate < '2026-03-09' \
         ORDERBY TxnDate, Id STARTPOSITION 1 MAXRESULTS 1000"
    );
}

#[test]
fn a_day_of_changes_is_a_pair_of_instants_with_their_offset() {
    // Clocks were set forward in New York on this day: it has 23 hours.
    assert_eq!(
        page(
            entity("journal_entry"),
            &window(Axis::Updated, Tz::America__New_York),
            3
        ),
        "SELECT * FROM JournalEntry WHERE MetaData.LastUpdatedTime >= '2026-03-08T05:00:00Z' \
         AND MetaData.LastUpdatedTime < '2026-03-09T04:00:00Z' ORDERBY Id STARTPOSITION 2001 MAXRESULTS 1000"
    );
    assert!(
        page(entity("invoice"), &window(Axis::Created, Tz::UTC), 1).contains("MetaData.CreateTime >= '2026")
    );
}

#[test]
fn inactive_names_and_hidden_columns_are_asked_for() {
    assert_eq!(
        page(entity("item"), &Window::Whole, 1),
        "SELECT *, Sku FROM Item WHERE Active IN (true, false) ORDERBY Id STARTPOSITION 1 MAXRESULTS 1000"
    );
    assert!(
        page(entity("customer"), &window(Axis::Created, Tz::UTC), 1)
            .contains("' AND Active IN (true, false) ")
    );
}

#[test]
fn a_count_has_the_filters_of_the_pages_and_nothing_else() {
    let window = window(Axis::TxnDate, Tz::UTC);
    let count = Query::count(&CountRequest {
        entity: entity("invoice"),
        window: &window,
    })
    .to_string();
    assert_eq!(
        count,
        "SELECT count(*) FROM Invoice WHERE TxnDate >= '2026-03-08' AND TxnDate < '2026-03-09'"
    );
}

#[test]
fn what_can_not_be_filtered_ordered_or_paged_is_not() {
    assert_eq!(
        page(entity("company_info"), &Window::Whole, 1),
        "SELECT * FROM CompanyInfo"
    );
    assert_eq!(
        page(entity("tax_agency"), &Window::Whole, 2),
        "SELECT * FROM TaxAgency STARTPOSITION 1001 MAXRESULTS 1000"
    );
}

#[test]
fn a_page_is_never_larger_than_the_api_allows_nor_empty() {
    for (size, max) in [(0, 1), (1, 1), (1_000, 1_000), (5_000, 1_000)] {
        let request = PageRequest {
            entity: entity("invoice"),
            window: &Window::Whole,
            page: 2,
            size,
        };
        let text = Query::page(&request).to_string();
        assert!(
            text.ends_with(&format!(" STARTPOSITION {} MAXRESULTS {max}", max + 1)),
            "{text}"
        );
    }
}

#[test]
fn a_fraction_of_a_second_is_kept() {
    let instant = DateTime::parse_from_rfc3339("2026-03-01T00:00:00.250-05:00")
        .unwrap()
        .to_utc();
    assert_eq!(Value::Instant(instant).to_string(), "'2026-03-01T05:00:00.250Z'");
}

/// Reads the literal at the start of `text` as the API does; answers it and what follows.
fn read_literal(text: &str) -> Option<(String, &str)> {
    let mut literal = String::new();
    let mut rest = text.strip_prefix('\'')?.char_indices();
    while let Some((at, character)) = rest.next() {
        match character {
            '\'' => return Some((literal, &text[at + 2..])),
            '\\' => literal.push(rest.next()?.1),
            other => literal.push(other),
        }
    }
    None
}

proptest! {
    #[test]
    fn no_text_leaves_its_quotes(text in r"[a-z'\\; \n\u{0}é😀]{0,40}", after in "[ -~]{0,20}") {
        let statement = format!("{}{after}", Value::Text(text.clone()));
        let (read, rest) = read_literal(&statement).unwrap();
        prop_assert_eq!(read, text);
        prop_assert_eq!(rest, after);
    }

    #[test]
    fn any_text_at_all_is_read_back(text in any::<String>()) {
        let literal = Value::Text(text.clone()).to_string();
        prop_assert_eq!(read_literal(&literal), Some((text, "")));
    }

    #[test]
    fn pages_follow_each_other_without_gap(number in 1u32..1_000_000, size in 1u32..=1_000) {
        let rows = |page| Rows::of(&PageRequest { entity: entity("invoice"), window: &Window::Whole, page, size });
        prop_assert_eq!(rows(1).start, 1);
        prop_assert_eq!(rows(number + 1).start, rows(number).start + u64::from(size));
    }
}
