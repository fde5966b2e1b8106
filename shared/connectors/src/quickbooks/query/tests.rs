//! What statements look like.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use ledgerfleet_emulator::{ReadCondition, ReadStatement, read_statement};
use ledgerfleet_model::{Axis, DateRange, Position, Segmenting, window::windows};
use proptest::prelude::*;

use super::*;
use crate::quickbooks::entities::entity;
use crate::{Condition, Dialect};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn window(axis: Axis, zone: Tz) -> Window {
    let range = DateRange::new(day("2026-03-08"), day("2026-03-08"), axis, day("2026-11-01")).unwrap();
    windows(range, Segmenting::Day, axis, zone).next().unwrap()
}

fn page(entity: &'static EntitySpec, window: &Window, place: Place) -> String {
    Query::page(&PageRequest::first(entity, window, 1_000), place).to_string()
}

const FIRST: Place = Place {
    part: Part::All,
    since: None,
    skip: 0,
    by_offset: false,
};

#[test]
fn a_day_of_invoices_is_a_half_open_pair_of_dates() {
    assert_eq!(
        page(entity("invoice"), &window(Axis::TxnDate, Tz::UTC), FIRST),
        "SELECT * FROM Invoice WHERE TxnDate >= '2026-03-08' AND TxnDate < '2026-03-09' \
         ORDERBY MetaData.CreateTime STARTPOSITION 1 MAXRESULTS 1000"
    );
}

#[test]
fn a_day_of_changes_is_a_pair_of_instants_with_their_offset() {
    // Clocks were set forward in New York on this day: it has 23 hours.
    assert_eq!(
        page(
            entity("journal_entry"),
            &window(Axis::Updated, Tz::America__New_York),
            Place { skip: 1_998, ..FIRST }
        ),
        "SELECT * FROM JournalEntry WHERE MetaData.LastUpdatedTime >= '2026-03-08T05:00:00Z' \
         AND MetaData.LastUpdatedTime < '2026-03-09T04:00:00Z' ORDERBY MetaData.CreateTime STARTPOSITION 1999 MAXRESULTS 1000"
    );
    assert!(
        page(entity("invoice"), &window(Axis::Created, Tz::UTC), FIRST)
            .contains("MetaData.CreateTime >= '2026")
    );
}

#[test]
fn inactive_names_and_hidden_columns_are_asked_for() {
    assert_eq!(
        page(entity("item"), &Window::Whole, FIRST),
        "SELECT *, Sku FROM Item WHERE Active IN (true, false) ORDERBY MetaData.CreateTime STARTPOSITION 1 MAXRESULTS 1000"
    );
    assert!(
        page(entity("customer"), &window(Axis::Created, Tz::UTC), FIRST)
            .contains("' AND Active IN (true, false) ")
    );
}

#[test]
fn a_count_has_the_filters_of_the_pages_and_nothing_else() {
    let window = window(Axis::TxnDate, Tz::UTC);
    let request = CountRequest {
        window: &window,
        ..CountRequest::of_all(entity("invoice"))
    };
    assert_eq!(
        Query::count(&request).to_string(),
        "SELECT count(*) FROM Invoice WHERE TxnDate >= '2026-03-08' AND TxnDate < '2026-03-09'"
    );
    let changed = CountRequest {
        changed_since: Some("2026-03-09T12:00:05Z".parse().unwrap()),
        ..request
    };
    assert_eq!(
        Query::count(&changed).to_string(),
        "SELECT count(*) FROM Invoice WHERE TxnDate >= '2026-03-08' AND TxnDate < '2026-03-09' \
         AND MetaData.LastUpdatedTime >= '2026-03-09T12:00:05Z'"
    );
}

#[test]
fn active_and_inactive_names_are_two_parts_where_they_cannot_be_asked_for_together() {
    let dialect = Dialect {
        active_in: false,
        ..Dialect::default()
    };
    let request = PageRequest {
        dialect,
        ..PageRequest::of_all(entity("customer"), 10)
    };
    let at = |part| Place { part, ..FIRST };
    for (part, filter) in [
        (Part::All, "WHERE Active = true ORDERBY"),
        (Part::Active, "WHERE Active = true ORDERBY"),
        (Part::Inactive, "WHERE Active = false ORDERBY"),
    ] {
        let text = Query::page(&request, at(part)).to_string();
        assert!(text.contains(filter), "{text}");
    }
    let count = |part| {
        Query::count(&CountRequest {
            dialect,
            part,
            ..CountRequest::of_all(entity("customer"))
        })
        .to_string()
    };
    assert_eq!(count(0), "SELECT count(*) FROM Customer WHERE Active = true");
    assert_eq!(count(1), "SELECT count(*) FROM Customer WHERE Active = false");
    // A pass that was begun in two parts goes on so, whatever is known by then.
    let text = page(entity("customer"), &Window::Whole, at(Part::Inactive));
    assert!(text.contains("WHERE Active = false ORDERBY"), "{text}");
    let invoices = PageRequest {
        dialect,
        ..PageRequest::of_all(entity("invoice"), 10)
    };
    assert!(!Query::page(&invoices, FIRST).to_string().contains("Active"));
}

#[test]
fn what_can_not_be_filtered_ordered_or_paged_is_not() {
    assert_eq!(
        page(entity("company_info"), &Window::Whole, FIRST),
        "SELECT * FROM CompanyInfo"
    );
    assert_eq!(
        page(entity("tax_agency"), &Window::Whole, Place { skip: 999, ..FIRST }),
        "SELECT * FROM TaxAgency STARTPOSITION 1000 MAXRESULTS 1000"
    );
}

#[test]
fn a_page_is_never_larger_than_the_api_allows_nor_empty() {
    for (size, max) in [(0, 1), (1, 1), (1_000, 1_000), (5_000, 1_000)] {
        let request = PageRequest::of_all(entity("invoice"), size);
        let text = Query::page(&request, Place { skip: 7, ..FIRST }).to_string();
        assert!(
            text.ends_with(&format!(" STARTPOSITION 8 MAXRESULTS {max}")),
            "{text}"
        );
    }
}

#[test]
fn a_page_that_begins_at_an_instant_asks_for_what_was_created_since() {
    let place = Place {
        since: Some("2026-03-08T12:00:05Z".parse().unwrap()),
        skip: 2,
        by_offset: true,
        ..FIRST
    };
    let rest = "ORDERBY MetaData.CreateTime STARTPOSITION 3 MAXRESULTS 1000";
    assert_eq!(
        page(entity("invoice"), &window(Axis::TxnDate, Tz::UTC), place),
        format!(
            "SELECT * FROM Invoice WHERE TxnDate >= '2026-03-08' AND TxnDate < '2026-03-09' \
             AND MetaData.CreateTime >= '2026-03-08T12:00:05Z' {rest}"
        )
    );
    assert_eq!(
        page(entity("invoice"), &window(Axis::Created, Tz::UTC), place),
        format!(
            "SELECT * FROM Invoice WHERE MetaData.CreateTime < '2026-03-09T00:00:00Z' \
             AND MetaData.CreateTime >= '2026-03-08T12:00:05Z' {rest}"
        ),
        "a filter for the beginning of the window would say the same twice"
    );
}

#[test]
fn no_statement_orders_by_id_and_none_orders_at_all_where_that_is_refused() {
    for entity in crate::quickbooks::ENTITIES {
        let request = PageRequest::of_all(entity, 1_000);
        let ordered = Query::page(&request, FIRST);
        assert!(!ordered.order.contains(&"Id"), "{ordered}");
        let dialect = crate::Dialect {
            order: false,
            ..request.dialect
        };
        let unordered = Query::page(&PageRequest { dialect, ..request }, FIRST);
        assert!(unordered.order.is_empty(), "{unordered}");
    }
}

#[test]
fn a_fraction_of_a_second_is_kept() {
    let instant = DateTime::parse_from_rfc3339("2026-03-01T00:00:00.250-05:00")
        .unwrap()
        .to_utc();
    assert_eq!(
        Literal(&Value::Instant(instant)).to_string(),
        "'2026-03-01T05:00:00.250Z'"
    );
}

/// What the emulator's own parser reads in a statement.
fn read(query: &Query) -> ReadStatement {
    read_statement(&query.to_string()).unwrap_or_else(|error| panic!("{error} in {query}"))
}

fn found(entity: &'static EntitySpec, conditions: &[Condition]) -> Result<ReadStatement, String> {
    let request = FindRequest {
        entity,
        conditions,
        from: &Position::start(),
        size: 10,
        dialect: Dialect::default(),
    };
    Query::find(&request, Place { skip: 18, ..FIRST }).map(|query| read(&query))
}

fn condition(property: &str, operator: &str, values: &[&str]) -> ReadCondition {
    ReadCondition {
        property: property.to_owned(),
        operator: operator.to_owned(),
        values: values.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_is_found_is_ordered_paged_and_holds_inactive_names_unless_told_otherwise() {
    let named = Condition::new("DisplayName", Test::Like("A%".to_owned()));
    let statement = found(entity("customer"), std::slice::from_ref(&named)).unwrap();
    assert_eq!(
        statement.conditions,
        [
            condition("DisplayName", "LIKE", &["A%"]),
            condition("Active", "IN", &["true", "false"])
        ]
    );
    assert_eq!(
        (statement.order.as_slice(), statement.start, statement.max),
        (&["MetaData.CreateTime".to_owned()][..], Some(19), Some(10))
    );
    let inactive = Condition::new("Active", Test::Equal(Value::Flag(false)));
    let statement = found(entity("customer"), &[inactive]).unwrap();
    assert_eq!(statement.conditions, [condition("Active", "=", &["false"])]);
}

#[test]
fn what_is_not_documented_is_refused_unsent() {
    let id = |test| Condition::new("Id", test);
    let text = |text: &str| Value::Text(text.to_owned());
    for (name, condition) in [
        ("invoice", id(Test::Less(text("7")))),
        ("invoice", id(Test::Like("7%".to_owned()))),
        ("invoice", id(Test::OneOf(Vec::new()))),
        ("invoice", id(Test::Equal(text(" ")))),
        ("invoice", id(Test::Equal(Value::Flag(true)))),
        (
            "invoice",
            Condition::new("Active", Test::Equal(Value::Flag(true))),
        ),
        ("invoice", Condition::new("PrivateNote", Test::Equal(text("x")))),
        (
            "invoice",
            Condition::new("Id = '1' AND Id", Test::Equal(text("x"))),
        ),
        (
            "invoice",
            Condition::new("TotalAmt", Test::Less(Value::Number("1e3".to_owned()))),
        ),
        (
            "invoice",
            Condition::new("TotalAmt", Test::Less(Value::Number("1' OR '1".to_owned()))),
        ),
        ("invoice", Condition::new("DocNumber", Test::Greater(text("x")))),
        (
            "customer",
            Condition::new("TxnDate", Test::Equal(Value::Date(day("2026-01-01")))),
        ),
        ("company_info", id(Test::Equal(text("1")))),
        ("exchange_rate", id(Test::Equal(text("1")))),
    ] {
        assert!(
            found(entity(name), std::slice::from_ref(&condition)).is_err(),
            "{name} {condition:?}"
        );
    }
}

/// Any text that is not blank.
fn any_text() -> impl Strategy<Value = String> {
    let texts = prop_oneof![
        any::<String>(),
        r"[a-zA-Z'\\\\;=<>%(), \n\t\u{0}é😀-]{0,60}".boxed()
    ];
    texts.prop_filter("blank means nothing", |text| !text.trim().is_empty())
}

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0i64..4_102_444_800, 0u32..1_000)
        .prop_map(|(seconds, millis)| DateTime::from_timestamp(seconds, millis * 1_000_000).unwrap())
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let date =
        (0i32..30_000).prop_map(|days| NaiveDate::default() + chrono::Days::new(days.unsigned_abs().into()));
    let number = "-?[0-9]{1,12}(\\.[0-9]{1,6})?".prop_map(Value::Number);
    let measured = prop_oneof![
        ("TxnDate|DueDate", date.prop_map(Value::Date)),
        (
            "MetaData\\.(CreateTime|LastUpdatedTime)",
            any_instant().prop_map(Value::Instant)
        ),
        ("TotalAmt|Balance", number),
    ];
    let compared = (measured, 0..5).prop_map(|((property, value), operator)| {
        let test = match operator {
            0 => Test::Equal(value),
            1 => Test::Less(value),
            2 => Test::Greater(value),
            3 => Test::AtMost(value),
            _ => Test::AtLeast(value),
        };
        Condition::new(property, test)
    });
    let texts = prop::collection::vec(any_text(), 1..5);
    prop_oneof![
        compared,
        ("Id|CustomerRef|DocNumber|Name", texts)
            .prop_map(|(property, texts)| Condition::one_of(&property, texts)),
        ("Id|DisplayName", any_text())
            .prop_map(|(property, text)| Condition::new(property, Test::Equal(Value::Text(text)))),
        ("DocNumber|Name", any_text())
            .prop_map(|(property, text)| Condition::new(property, Test::Like(text))),
    ]
}

/// What a parser must read of a condition.
fn meaning(condition: &Condition) -> ReadCondition {
    let text = |value: &Value| match value {
        Value::Text(text) | Value::Number(text) => text.clone(),
        Value::Date(date) => date.to_string(),
        Value::Instant(instant) => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        Value::Flag(flag) => flag.to_string(),
    };
    let (operator, values) = match &condition.test {
        Test::Equal(value) => ("=", vec![text(value)]),
        Test::Less(value) => ("<", vec![text(value)]),
        Test::Greater(value) => (">", vec![text(value)]),
        Test::AtMost(value) => ("<=", vec![text(value)]),
        Test::AtLeast(value) => (">=", vec![text(value)]),
        Test::OneOf(values) => ("IN", values.iter().map(text).collect()),
        Test::Like(pattern) => ("LIKE", vec![pattern.clone()]),
    };
    ReadCondition {
        property: condition.property.clone(),
        operator: operator.to_owned(),
        values,
    }
}

proptest! {
    #[test]
    fn fuzz_the_emulators_parser_reads_exactly_what_was_built(conditions in prop::collection::vec(any_condition(), 0..6)) {
        let read = found(entity("invoice"), &conditions).unwrap();
        prop_assert_eq!(read.conditions, conditions.iter().map(meaning).collect::<Vec<_>>());
        prop_assert_eq!((read.entity.as_str(), read.start, read.max), ("Invoice", Some(19), Some(10)));
        prop_assert_eq!(read.order, ["MetaData.CreateTime"]);
    }
}

#[test]
fn the_first_days_of_a_window_are_asked_for_in_their_order() {
    for (axis, property) in [(Axis::TxnDate, "TxnDate"), (Axis::Created, "MetaData.CreateTime")] {
        let window = window(axis, Tz::UTC);
        let request = PageRequest::first(entity("invoice"), &window, 100);
        let (first, last) = (Query::first_days(&request), Query::last_day(&request));
        let order = format!("ORDERBY {property} STARTPOSITION 1 MAXRESULTS 100");
        assert!(first.to_string().ends_with(&order), "{first}");
        let order = format!("ORDERBY {property} DESC STARTPOSITION 1 MAXRESULTS 1");
        assert!(last.to_string().ends_with(&order), "{last}");
    }
}
