//! What a request becomes.

use ledgerfleet_connectors::connector_entry;
use ledgerfleet_model::{ConnectionId, ConnectionState, Environment, Window};

use super::*;

fn connection(name: &str) -> Connection {
    Connection {
        id: ConnectionId::new(),
        name: name.to_owned(),
        connector: "quickbooks".to_owned(),
        account: "1".to_owned(),
        environment: Environment::Sandbox,
        time_zone: chrono_tz::Tz::UTC,
        state: ConnectionState::Active,
        state_reason: None,
        state_cause: None,
        requests_per_second: None,
        slots: None,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn request(entities: &[&str]) -> Request {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    Request {
        connections: vec![connection("acme")],
        entities: entities.iter().map(|name| (*name).to_owned()).collect(),
        from: day("2026-03-01"),
        to: day("2026-03-31"),
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day,
        page_size: 1_000,
        now: "2026-04-02T12:00:00Z".parse().unwrap(),
        upper_margin: Duration::from_mins(5),
    }
}

fn windows_of(request: &Request) -> Vec<(String, Window)> {
    let plan = plan(request).unwrap();
    plan.segments()
        .filter_map(|segment| Some((segment.entity, segment.work.window()?)))
        .collect()
}

#[test]
fn documents_are_cut_by_day_and_lists_are_read_whole() {
    let windows = windows_of(&request(&["invoice", "customer"]));
    assert_eq!(
        windows.iter().filter(|(entity, _)| entity == "invoice").count(),
        31
    );
    let customers: Vec<_> = windows
        .iter()
        .filter(|(entity, _)| entity == "customer")
        .collect();
    assert_eq!(customers, [&("customer".to_owned(), Window::Whole)]);
}

#[test]
fn lists_are_cut_too_when_asked_by_the_instant_of_change() {
    let request = Request {
        axis: Axis::Updated,
        ..request(&["customer"])
    };
    assert_eq!(windows_of(&request).len(), 31);
}

#[test]
fn weeks_and_months_and_the_whole_range_can_be_asked_for() {
    for (segmenting, count) in [
        (Segmenting::Week, 6),
        (Segmenting::Month, 1),
        (Segmenting::Whole, 1),
    ] {
        let request = Request {
            segmenting,
            ..request(&["invoice"])
        };
        assert_eq!(windows_of(&request).len(), count, "{segmenting}");
    }
}

#[test]
fn an_entity_may_be_written_in_any_case_with_dashes_or_as_the_upstream_spells_it() {
    for name in ["journal_entry", "journal-entry", "JournalEntry", "JOURNAL_ENTRY"] {
        assert_eq!(
            plan(&request(&[name])).unwrap().run().entities,
            ["journal_entry"],
            "{name}"
        );
    }
}

#[test]
fn an_entity_asked_for_twice_is_planned_once() {
    let plan = plan(&request(&["invoice", "Invoice", "invoice"])).unwrap();
    assert_eq!(plan.parts().len(), 1);
}

#[test]
fn all_holds_every_entity_that_belongs_to_it() {
    let plan = plan(&request(&["all"])).unwrap();
    let entry = connector_entry("quickbooks").unwrap();
    assert_eq!(
        plan.parts().len(),
        entry.entities.iter().filter(|entity| entity.in_all).count()
    );
}

#[test]
fn an_entity_that_nobody_knows_is_refused_with_the_one_that_was_meant() {
    let error = plan(&request(&["invoice", "invioce"])).unwrap_err();
    assert!(
        matches!(
            error,
            PlanError::Selection(SelectionError::UnknownEntity {
                suggestion: Some("invoice"),
                ..
            })
        ),
        "{error:?}"
    );
    let error = plan(&request(&["zzz"])).unwrap_err();
    assert!(
        matches!(
            error,
            PlanError::Selection(SelectionError::UnknownEntity { suggestion: None, .. })
        ),
        "{error:?}"
    );
}

#[test]
fn reversed_and_absurd_ranges_are_refused() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    for (from, to) in [
        ("2026-03-31", "2026-03-01"),
        ("1066-10-14", "2026-01-01"),
        ("2026-01-01", "9999-12-31"),
    ] {
        let request = Request {
            from: day(from),
            to: day(to),
            ..request(&["invoice"])
        };
        assert!(matches!(plan(&request), Err(PlanError::Range(_))), "{from} {to}");
    }
}

#[test]
fn the_future_can_be_asked_for_by_document_date_and_not_by_change() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let request = Request {
        to: day("2026-05-01"),
        ..request(&["invoice"])
    };
    assert!(plan(&request).is_ok());
    let request = Request {
        axis: Axis::Updated,
        ..request
    };
    assert!(matches!(plan(&request), Err(PlanError::Range(_))));
}

#[test]
fn today_is_the_companys_own_day() {
    let mut request = Request {
        axis: Axis::Updated,
        ..request(&["invoice"])
    };
    request.now = "2026-03-30T13:00:00Z".parse().unwrap();
    assert!(plan(&request).is_err());
    request.connections[0].time_zone = chrono_tz::Pacific::Auckland;
    assert!(plan(&request).is_ok());
}

#[test]
fn documents_may_be_asked_for_up_to_the_day_that_max_means() {
    let mut request = request(&["invoice"]);
    request.now = "2026-03-31T05:00:00Z".parse().unwrap();
    request.connections[0].time_zone = chrono_tz::Pacific::Honolulu;
    request.from = "1970-01-01".parse().unwrap();
    request.to = "2027-03-31".parse().unwrap();
    assert!(plan(&request).is_ok());
    request.to = "2027-04-01".parse().unwrap();
    assert!(plan(&request).is_err());
}

#[test]
fn today_in_utc_is_no_future_for_a_company_that_is_behind() {
    let mut request = Request {
        axis: Axis::Updated,
        ..request(&["invoice"])
    };
    request.now = "2026-03-31T05:00:00Z".parse().unwrap();
    request.connections[0].time_zone = chrono_tz::Pacific::Honolulu;
    assert!(plan(&request).is_ok());
}

#[test]
fn a_page_larger_than_the_upstream_serves_is_refused() {
    let request = Request {
        page_size: 1_001,
        ..request(&["invoice"])
    };
    assert!(matches!(plan(&request), Err(PlanError::PageSize { .. })));
}

#[test]
fn the_same_request_has_the_same_key_however_it_is_written() {
    let first = request(&["invoice", "journal_entry"]);
    let again = Request {
        entities: vec!["JournalEntry".into(), "INVOICE".into()],
        ..first.clone()
    };
    let key = |request: &Request| plan(request).unwrap().run().request_key;
    assert_eq!(key(&first), key(&again));
    let other_page = Request {
        page_size: 10,
        ..first.clone()
    };
    let other_cut = Request {
        segmenting: Segmenting::Week,
        ..first.clone()
    };
    let other_company = Request {
        connections: vec![connection("acme")],
        ..first.clone()
    };
    for other in [other_page, other_cut, other_company] {
        assert_ne!(key(&first), key(&other));
    }
}

#[test]
fn segments_of_two_companies_each_carry_their_own() {
    let mut request = request(&["invoice"]);
    request.connections.push(connection("beta"));
    let plan = plan(&request).unwrap();
    let ids: std::collections::HashSet<_> = plan.segments().map(|segment| segment.connection).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(plan.segments().count(), 62);
    assert_eq!(plan.run().connections, ["acme", "beta"]);
}

#[test]
fn days_that_may_still_grow_are_no_part_of_a_window_that_is_cut_while_it_is_read() {
    let spans = |now: &str, zone, to: &str| -> Vec<String> {
        let mut request = Request {
            segmenting: Segmenting::Auto,
            now: now.parse().unwrap(),
            to: to.parse().unwrap(),
            ..request(&["invoice"])
        };
        request.connections[0].time_zone = zone;
        let windows = windows_of(&request);
        let days = windows.iter().map(|(_, window)| window.days().unwrap());
        days.map(|days| format!("{}..{}", &days.from.to_string()[5..], &days.to.to_string()[5..]))
            .collect()
    };
    let utc = chrono_tz::UTC;
    for (now, zone, to, expected) in [
        ("2026-04-02T12:00:00Z", utc, "2026-03-31", &["03-01..04-01"][..]),
        (
            "2026-03-31T12:00:00Z",
            utc,
            "2026-03-31",
            &["03-01..03-31", "03-31..04-01"],
        ),
        // Yesterday ended less than the margin ago.
        (
            "2026-03-31T00:04:00Z",
            utc,
            "2026-03-31",
            &["03-01..03-30", "03-30..03-31", "03-31..04-01"],
        ),
        // There it is the day before still.
        (
            "2026-03-31T03:00:00Z",
            chrono_tz::America::Los_Angeles,
            "2026-03-30",
            &["03-01..03-30", "03-30..03-31"],
        ),
        // What lies ahead is one window.
        (
            "2026-03-15T12:00:00Z",
            utc,
            "2026-03-31",
            &["03-01..03-15", "03-15..03-16", "03-16..04-01"],
        ),
        ("2026-03-01T12:00:00Z", utc, "2026-03-01", &["03-01..03-02"]),
    ] {
        assert_eq!(spans(now, zone, to), expected, "{now} {zone} {to}");
    }
}
