//! Which days are told as gaps, and why.

use chrono::DateTime;
use ledgerfleet_connectors::{connector_entry, find_entity};
use ledgerfleet_model::{FailureKind, SegmentId};

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn question(entity: &str) -> Question<'static> {
    let entity = find_entity(connector_entry("quickbooks").unwrap(), entity).unwrap();
    Question {
        connection: "acme",
        entity,
        from: None,
        to: None,
    }
}

fn row(axis: Axis, days: Option<(&str, &str)>, state: CoverageState) -> CoverageRow {
    CoverageRow {
        connection: "acme".to_owned(),
        entity: "invoice".to_owned(),
        axis,
        from: days.map(|(from, _)| day(from)),
        to: days.map(|(_, to)| day(to)),
        state,
        rows: 1,
        source_count: None,
        read_at: DateTime::UNIX_EPOCH,
        last_result: "done".to_owned(),
        last_segment: SegmentId::new(),
        note: None,
    }
}

fn missing(axis: Axis, days: Option<(&str, &str)>, state: SegmentState) -> Missing {
    Missing {
        connection: "acme".to_owned(),
        entity: "invoice".to_owned(),
        axis,
        from: days.map(|(from, _)| day(from)),
        to: days.map(|(_, to)| day(to)),
        state,
        reason: (state == SegmentState::Dead).then_some(FailureKind::Timeout),
    }
}

fn known<'a>(covered: &'a [CoverageRow], missing: &'a [Missing]) -> Known<'a> {
    Known {
        covered: covered.iter().collect(),
        missing: missing.iter().collect(),
    }
}

fn spans(gaps: &[Gap]) -> Vec<String> {
    let text = |day: Option<NaiveDate>| day.map_or("-".to_owned(), |day| day.format("%m-%d").to_string());
    gaps.iter()
        .map(|gap| format!("{} {} {}", text(gap.from), text(gap.to), gap.why))
        .collect()
}

#[test]
fn days_between_windows_are_missing_and_those_that_are_not_complete_say_why() {
    use CoverageState::{Complete, Open, Unproven};
    let rows = [
        row(Axis::TxnDate, Some(("2026-03-01", "2026-03-03")), Complete),
        row(Axis::TxnDate, Some(("2026-03-06", "2026-03-06")), Complete),
        row(Axis::TxnDate, Some(("2026-03-07", "2026-03-07")), Open),
        row(Axis::TxnDate, Some(("2026-03-08", "2026-03-08")), Unproven),
    ];
    assert_eq!(
        spans(&gaps(&question("invoice"), &known(&rows, &[]))),
        ["03-04 03-05 missing", "03-07 03-07 open", "03-08 03-08 unproven"]
    );
}

#[test]
fn a_range_that_is_asked_for_reaches_beyond_what_was_read() {
    let rows = [row(
        Axis::TxnDate,
        Some(("2026-03-02", "2026-03-02")),
        CoverageState::Complete,
    )];
    let question = Question {
        from: Some(day("2026-03-01")),
        to: Some(day("2026-03-03")),
        ..question("invoice")
    };
    assert_eq!(
        spans(&gaps(&question, &known(&rows, &[]))),
        ["03-01 03-01 missing", "03-03 03-03 missing"]
    );
}

#[test]
fn a_complete_window_wins_over_an_open_one_of_the_same_day() {
    let rows = [
        row(
            Axis::TxnDate,
            Some(("2026-03-01", "2026-03-31")),
            CoverageState::Complete,
        ),
        row(
            Axis::TxnDate,
            Some(("2026-03-31", "2026-03-31")),
            CoverageState::Open,
        ),
    ];
    assert_eq!(gaps(&question("invoice"), &known(&rows, &[])), []);
}

#[test]
fn a_list_is_complete_when_it_was_read_whole() {
    let whole = row(Axis::Whole, None, CoverageState::Complete);
    assert_eq!(gaps(&question("customer"), &known(&[whole], &[])), []);
    assert_eq!(
        spans(&gaps(&question("customer"), &Known::default())),
        ["- - missing"]
    );
}

#[test]
fn what_was_never_read_is_missing() {
    assert_eq!(
        spans(&gaps(&question("invoice"), &Known::default())),
        ["- - missing"]
    );
}

#[test]
fn what_was_asked_for_reaches_beyond_what_was_read() {
    use SegmentState::{Cancelled, Dead, Pending, Running};
    let rows = [row(
        Axis::TxnDate,
        Some(("2026-03-03", "2026-03-04")),
        CoverageState::Complete,
    )];
    let asked = [
        missing(Axis::TxnDate, Some(("2026-03-01", "2026-03-02")), Dead),
        missing(Axis::TxnDate, Some(("2026-03-05", "2026-03-05")), Running),
        missing(Axis::TxnDate, Some(("2026-03-05", "2026-03-07")), Pending),
        missing(Axis::TxnDate, Some(("2026-03-07", "2026-03-08")), Cancelled),
    ];
    assert_eq!(
        spans(&gaps(&question("invoice"), &known(&rows, &asked))),
        [
            "03-01 03-02 dead: timeout",
            "03-05 03-05 running",
            "03-06 03-07 pending",
            "03-08 03-08 cancelled",
        ]
    );
}

#[test]
fn a_list_that_died_is_a_gap_without_days_until_it_is_read_whole() {
    let dead = [missing(Axis::Whole, None, SegmentState::Dead)];
    assert_eq!(
        spans(&gaps(&question("customer"), &known(&[], &dead))),
        ["- - dead: timeout"]
    );
    let whole = [row(Axis::Whole, None, CoverageState::Complete)];
    assert_eq!(gaps(&question("customer"), &known(&whole, &dead)), []);
}

#[test]
fn documents_asked_for_by_an_instant_are_told_by_it() {
    let pending = [missing(
        Axis::Created,
        Some(("2026-03-01", "2026-03-02")),
        SegmentState::Pending,
    )];
    let found = gaps(&question("invoice"), &known(&[], &pending));
    assert_eq!(spans(&found), ["03-01 03-02 pending"]);
    assert_eq!(found[0].axis, Axis::Created);
}
