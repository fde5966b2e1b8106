use chrono::{DateTime, Utc};
use ledgerfleet_model::FailureKind as Kind;

use super::*;
use crate::quickbooks::entities::entity;
use crate::quickbooks::samples::{fault, json};

fn since() -> DateTime<Utc> {
    "2026-03-01T18:00:00Z".parse().unwrap()
}

/// What is read of these blocks by somebody who asked for accounts, bills and customers: `bill 1 -2 ?` is a bill 1, the
/// tombstone of a bill 2, and that some may be missing; `bill !`, that nothing is told of bills.
fn read_blocks(blocks: &str) -> Result<Vec<String>, Kind> {
    let entities = ["account", "bill", "customer"].map(entity);
    let request = ChangesRequest {
        entities: &entities,
        since: since(),
    };
    let body = format!(
        r#"{{"CDCResponse":[{{"QueryResponse":[{blocks}]}}],"time":"2026-03-01T12:00:00.000-08:00"}}"#
    );
    let changed = read(&json(200, body), &request).map_err(|failure| failure.kind)?;
    assert_eq!(changed.time.unwrap().to_rfc3339(), "2026-03-01T20:00:00+00:00");
    Ok(changed.entities.iter().filter_map(told).collect())
}

fn told(changed: &ChangedEntity) -> Option<String> {
    let mut told = changed.entity.name.to_owned();
    for record in &changed.records {
        told += if record.deleted { " -" } else { " " };
        told += &record.id;
    }
    for quarantined in &changed.quarantined {
        told = format!("{told} ({})", quarantined.id);
    }
    if changed.may_lack_some {
        told += " ?";
    }
    if changed.untold {
        told += " !";
    }
    (told != changed.entity.name).then_some(told)
}

const ONE: &str = r#"{"Id":"1","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-03-01T10:00:00-08:00"}}"#;
const GONE: &str = r#"{"domain":"QBO","status":"Deleted","Id":"2","MetaData":{"LastUpdatedTime":"2026-03-01T10:00:00-08:00"}}"#;

#[test]
fn blocks_belong_to_the_entity_that_they_name_wherever_they_stand() {
    let block = |name: &str, rows: &str| format!(r#"{{"{name}":[{rows}],"startPosition":1,"maxResults":1}}"#);
    for (blocks, expected) in [
        ("{},{},{}".to_owned(), vec![]),
        (
            format!("{},{{}},{}", block("Customer", ONE), block("Bill", ONE)),
            vec!["bill 1", "customer 1"],
        ),
        // Nothing but what is gone, without a position.
        (format!(r#"{{}},{{"Bill":[{GONE}]}},{{}}"#), vec!["bill -2"]),
        (format!(r#"{{}},{{"Bill":{ONE}}},{{}}"#), vec!["bill 1"]),
        (
            format!("{},{},{{}},{{}}", block("Bill", ONE), block("Bill", GONE)),
            vec!["bill 1 -2"],
        ),
        (format!("{},{{}},{{}}", block("BILL", ONE)), vec!["bill 1"]),
        // Of what was not asked for, nothing is stored.
        (
            format!("{},{},{{}},{{}}", block("Invoice", ONE), block("Bill", ONE)),
            vec!["bill 1"],
        ),
        (
            format!(
                "{},{{}},{{}}",
                block("Bill", r#"{"Id":"3","TxnDate":"tomorrow"}"#)
            ),
            vec!["bill (3)"],
        ),
    ] {
        assert_eq!(read_blocks(&blocks).unwrap(), expected, "{blocks}");
    }
}

#[test]
fn fewer_blocks_than_were_asked_for_tell_nothing_of_the_entities_that_none_of_them_names() {
    let named = |name: &str| format!(r#"{{"{name}":[{ONE}]}}"#);
    for (blocks, expected) in [
        (String::new(), vec!["account !", "bill !", "customer !"]),
        ("{},{}".to_owned(), vec!["account !", "bill !", "customer !"]),
        (
            format!("{},{}", named("Bill"), named("Customer")),
            vec!["account !", "bill 1", "customer 1"],
        ),
        // Two blocks of one entity are one word; one of another entity is none.
        (
            format!("{},{},{{}}", named("Bill"), named("Bill")),
            vec!["account !", "bill 1 1", "customer !"],
        ),
        (
            format!("{},{},{{}}", named("Bill"), named("Invoice")),
            vec!["account !", "bill 1", "customer !"],
        ),
        (
            r#"{"Account":[],"maxResults":0},{},{"startPosition":1}"#.to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(read_blocks(&blocks).unwrap(), expected, "{blocks}");
    }
}

#[test]
fn what_is_no_answer_about_changes_is_a_failure_and_never_none() {
    for (blocks, kind) in [
        (r#"{"Bill":[7]}"#.to_owned(), Kind::Malformed),
        (r#"{"Bill":[{"SyncToken":"0"}]}"#.to_owned(), Kind::Malformed),
        ("7".to_owned(), Kind::Malformed),
        (fault("ValidationFault", "4000", "Error", "no"), Kind::BadRequest),
    ] {
        assert_eq!(read_blocks(&blocks), Err(kind), "{blocks}");
    }
    let entities = [entity("bill")];
    let request = ChangesRequest {
        entities: &entities,
        since: since(),
    };
    for body in [
        r#"{"QueryResponse":{},"time":"2026-03-01T12:00:00.000-08:00"}"#,
        "{}",
        r#"{"CDCResponse":[],"time":"2026-03-01T12:00:00.000-08:00"}"#,
        r#"{"CDCResponse":[{}],"time":"2026-03-01T12:00:00.000-08:00"}"#,
    ] {
        let failure = read(&json(200, body), &request).unwrap_err();
        assert_eq!(failure.kind, Kind::UnexpectedContent, "{body}");
    }
}

#[test]
fn an_answer_of_exactly_the_cap_may_lack_some_of_any_entity_and_a_larger_one_of_those_at_the_cap() {
    let rows = |from: usize, many: usize| {
        let rows: Vec<String> = (from..from + many)
            .map(|id| format!(r#"{{"Id":"{id}"}}"#))
            .collect();
        rows.join(",")
    };
    let lacking = |bills: usize, customers: usize| -> Vec<&str> {
        let blocks = format!(
            r#"{{"Bill":[{}]}},{{"Customer":[{}]}}"#,
            rows(1, bills),
            rows(1, customers)
        );
        let told = read_blocks(&blocks).unwrap();
        let lacks = |name: &&str| {
            told.iter()
                .any(|told| told.starts_with(*name) && told.ends_with('?'))
        };
        ["account", "bill", "customer"]
            .into_iter()
            .filter(lacks)
            .collect()
    };
    assert!(lacking(600, 399).is_empty());
    assert_eq!(lacking(600, 400), ["account", "bill", "customer"]);
    assert_eq!(lacking(1_000, 400), ["bill"]);
    assert!(
        lacking(600, 600).is_empty(),
        "the cap is of each, as this answer shows"
    );
}

#[test]
fn the_instant_is_sent_with_a_numeric_offset_and_the_entities_by_their_upstream_names() {
    let entities = [entity("bill_payment"), entity("customer")];
    let request = ChangesRequest {
        entities: &entities,
        since: since(),
    };
    assert_eq!(
        describe(&request),
        "GET cdc entities=BillPayment,Customer changedSince=2026-03-01T18:00:00+00:00"
    );
    assert!(
        !are_told(entity("time_activity")) && !are_told(entity("tax_code")) && are_told(entity("invoice"))
    );
}
