//! Gaps: the days that are not complete. Pure.

use chrono::NaiveDate;
use ledgerfleet_connectors::{EntityKind, EntitySpec};
use ledgerfleet_ledger::{CoverageRow, CoverageState};
use ledgerfleet_model::Axis;
use serde::Serialize;

/// What should be complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) connection: &'a str,
    pub(crate) entity: &'static EntitySpec,
    /// First day; the first that was ever asked for when left out.
    pub(crate) from: Option<NaiveDate>,
    /// Last day, included; the last that was ever asked for when left out.
    pub(crate) to: Option<NaiveDate>,
}

/// Days of one entity that are not complete, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Gap {
    pub(crate) connection: String,
    pub(crate) entity: String,
    pub(crate) axis: Axis,
    /// First day; none for an entity that is read whole.
    pub(crate) from: Option<NaiveDate>,
    /// Last day, included.
    pub(crate) to: Option<NaiveDate>,
    pub(crate) days: Option<u64>,
    /// `missing` was never read to its end, `open` may have grown since it was read.
    pub(crate) why: &'static str,
}

/// The gaps of one entity, given its coverage.
///
/// A document is complete on a day when a window on its date that holds this day is. A list is complete when it was
/// read whole, or on days of whichever instant it was asked for by.
pub(crate) fn gaps(question: &Question<'_>, covered: &[&CoverageRow]) -> Vec<Gap> {
    let by_day = |axis: Axis| days_not_complete(question, axis, &on(covered, axis));
    let own = question.entity.default_axis();
    match question.entity.kind {
        EntityKind::Document => by_day(Axis::TxnDate),
        EntityKind::List | EntityKind::Single => {
            let whole = on(covered, own);
            if whole.iter().any(|row| row.state == CoverageState::Complete) {
                return Vec::new();
            }
            let instants = [Axis::Created, Axis::Updated]
                .into_iter()
                .find(|axis| !on(covered, *axis).is_empty());
            match instants {
                Some(axis) => by_day(axis),
                None => vec![gap(question, own, None, why(&whole))],
            }
        }
    }
}

fn on<'a>(covered: &[&'a CoverageRow], axis: Axis) -> Vec<&'a CoverageRow> {
    covered.iter().copied().filter(|row| row.axis == axis).collect()
}

fn days_not_complete(question: &Question<'_>, axis: Axis, covered: &[&CoverageRow]) -> Vec<Gap> {
    let from = question
        .from
        .or_else(|| covered.iter().filter_map(|row| row.from).min());
    let to = question
        .to
        .or_else(|| covered.iter().filter_map(|row| row.to).max());
    let (Some(from), Some(to)) = (from, to) else {
        return vec![gap(question, axis, None, "missing")];
    };
    let mut found: Vec<Gap> = Vec::new();
    for day in from.iter_days().take_while(|day| *day <= to) {
        let windows: Vec<&CoverageRow> = covered.iter().copied().filter(|row| holds(row, day)).collect();
        if windows.iter().any(|row| row.state == CoverageState::Complete) {
            continue;
        }
        let why = why(&windows);
        match found.last_mut() {
            Some(last) if last.why == why && last.to.and_then(|to| to.succ_opt()) == Some(day) => {
                last.to = Some(day);
                last.days = last.days.map(|days| days + 1);
            }
            _ => found.push(gap(question, axis, Some(day), why)),
        }
    }
    found
}

fn holds(row: &CoverageRow, day: NaiveDate) -> bool {
    row.from.is_some_and(|from| from <= day) && row.to.is_some_and(|to| day <= to)
}

fn why(windows: &[&CoverageRow]) -> &'static str {
    if windows.iter().any(|row| row.state == CoverageState::Open) {
        "open"
    } else {
        "missing"
    }
}

fn gap(question: &Question<'_>, axis: Axis, day: Option<NaiveDate>, why: &'static str) -> Gap {
    Gap {
        connection: question.connection.to_owned(),
        entity: question.entity.name.to_owned(),
        axis,
        from: day,
        to: day,
        days: day.map(|_| 1),
        why,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ledgerfleet_connectors::{connector_entry, find_entity};
    use ledgerfleet_model::SegmentId;

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

    fn spans(gaps: &[Gap]) -> Vec<String> {
        let text = |day: Option<NaiveDate>| day.map_or("-".to_owned(), |day| day.format("%m-%d").to_string());
        gaps.iter()
            .map(|gap| format!("{} {} {}", text(gap.from), text(gap.to), gap.why))
            .collect()
    }

    #[test]
    fn days_between_windows_are_missing_and_open_ones_are_open() {
        use CoverageState::{Complete, Open};
        let rows = [
            row(Axis::TxnDate, Some(("2026-03-01", "2026-03-03")), Complete),
            row(Axis::TxnDate, Some(("2026-03-06", "2026-03-06")), Complete),
            row(Axis::TxnDate, Some(("2026-03-07", "2026-03-07")), Open),
        ];
        let rows: Vec<&CoverageRow> = rows.iter().collect();
        assert_eq!(
            spans(&gaps(&question("invoice"), &rows)),
            ["03-04 03-05 missing", "03-07 03-07 open"]
        );
    }

    #[test]
    fn a_range_that_is_asked_for_reaches_beyond_what_was_read() {
        let rows = [row(
            Axis::TxnDate,
            Some(("2026-03-02", "2026-03-02")),
            CoverageState::Complete,
        )];
        let rows: Vec<&CoverageRow> = rows.iter().collect();
        let question = Question {
            from: Some(day("2026-03-01")),
            to: Some(day("2026-03-03")),
            ..question("invoice")
        };
        assert_eq!(
            spans(&gaps(&question, &rows)),
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
        let rows: Vec<&CoverageRow> = rows.iter().collect();
        assert_eq!(gaps(&question("invoice"), &rows), []);
    }

    #[test]
    fn a_list_is_complete_when_it_was_read_whole() {
        let whole = row(Axis::Whole, None, CoverageState::Complete);
        assert_eq!(gaps(&question("customer"), &[&whole]), []);
        assert_eq!(spans(&gaps(&question("customer"), &[])), ["- - missing"]);
    }

    #[test]
    fn what_was_never_read_is_missing() {
        assert_eq!(spans(&gaps(&question("invoice"), &[])), ["- - missing"]);
    }
}
