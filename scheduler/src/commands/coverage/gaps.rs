//! Gaps: the days that are not complete. Pure.

use chrono::NaiveDate;
use ledgerfleet_connectors::{EntityKind, EntitySpec};
use ledgerfleet_ledger::{CoverageRow, CoverageState, Missing};
use ledgerfleet_model::Axis;
use ledgerfleet_model::segment::SegmentState;
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

/// What the ledger knows of one entity of one connection, on all axes or on one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known<'a> {
    /// What was read.
    pub(crate) covered: Vec<&'a CoverageRow>,
    /// What was asked for and is not complete.
    pub(crate) missing: Vec<&'a Missing>,
}

impl Known<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.covered.is_empty() && self.missing.is_empty()
    }

    fn on(&self, axis: Axis) -> Self {
        Self {
            covered: self
                .covered
                .iter()
                .copied()
                .filter(|row| row.axis == axis)
                .collect(),
            missing: self
                .missing
                .iter()
                .copied()
                .filter(|gap| gap.axis == axis)
                .collect(),
        }
    }

    /// What of it concerns a day; what has no days concerns none.
    fn of_day(&self, day: NaiveDate) -> Self {
        let holds = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
            from.is_some_and(|from| from <= day) && to.is_some_and(|to| day <= to)
        };
        let covered = self.covered.iter().copied();
        let missing = self.missing.iter().copied();
        Self {
            covered: covered.filter(|row| holds(row.from, row.to)).collect(),
            missing: missing.filter(|gap| holds(gap.from, gap.to)).collect(),
        }
    }

    /// The first and the last day that was ever asked for.
    fn ends(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let starts = self.covered.iter().map(|row| row.from);
        let tos = self.covered.iter().map(|row| row.to);
        let first = starts
            .chain(self.missing.iter().map(|gap| gap.from))
            .flatten()
            .min();
        let last = tos.chain(self.missing.iter().map(|gap| gap.to)).flatten().max();
        (first, last)
    }

    fn is_complete(&self) -> bool {
        self.covered
            .iter()
            .any(|row| row.state == CoverageState::Complete)
    }

    /// Why it is not complete: what is being done about it comes first, then what was read, then how it ended.
    fn why(&self) -> String {
        let asked = |state: SegmentState| self.missing.iter().find(|gap| gap.state == state);
        let under_way = asked(SegmentState::Running).or_else(|| asked(SegmentState::Pending));
        if let Some(gap) = under_way {
            return gap.state.to_string();
        }
        for state in [CoverageState::Open, CoverageState::Unproven] {
            if self.covered.iter().any(|row| row.state == state) {
                return state.to_string();
            }
        }
        match asked(SegmentState::Dead) {
            Some(Missing {
                reason: Some(reason), ..
            }) => format!("dead: {reason}"),
            Some(_) => "dead".to_owned(),
            None if asked(SegmentState::Cancelled).is_some() => "cancelled".to_owned(),
            None => "missing".to_owned(),
        }
    }
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
    /// `running`, `pending`, `cancelled` or `dead: …` as its segments stand; `open` may have grown since it was read;
    /// `unproven` was read as far as the source shows it, and the source counts more; `missing` was never asked for.
    pub(crate) why: String,
}

impl Gap {
    /// Of a company of which nothing was ever asked for: its books may be full, and nobody knows.
    pub(crate) fn never_asked(connection: &str, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Self {
        Self {
            connection: connection.to_owned(),
            entity: "all".to_owned(),
            axis: Axis::Whole,
            from,
            to,
            days: None,
            why: "never asked for".to_owned(),
        }
    }
}

/// The gaps of one entity.
///
/// A document is complete on a day when a window on its date that holds this day is. A list is complete when it was
/// read whole, or on days of whichever instant it was asked for by.
pub(crate) fn gaps(question: &Question<'_>, known: &Known<'_>) -> Vec<Gap> {
    let own_axis = question.entity.default_axis();
    let own = known.on(own_axis);
    let is_list = question.entity.kind != EntityKind::Document;
    if is_list && own.is_complete() {
        return Vec::new();
    }
    let instants: Vec<Axis> = [Axis::Created, Axis::Updated]
        .into_iter()
        .filter(|axis| !known.on(*axis).is_empty())
        .collect();
    let has_range = question.from.is_some() || question.to.is_some();
    let mut found = Vec::new();
    if !own.is_empty() || instants.is_empty() || (has_range && !is_list) {
        if is_list {
            found.push(gap(question, own_axis, None, own.why()));
        } else {
            found.extend(days_not_complete(question, own_axis, &own));
        }
    }
    let by_instant = |axis: Axis| days_not_complete(question, axis, &known.on(axis));
    found.extend(instants.into_iter().flat_map(by_instant));
    found
}

fn days_not_complete(question: &Question<'_>, axis: Axis, known: &Known<'_>) -> Vec<Gap> {
    let (first, last) = known.ends();
    let (Some(from), Some(to)) = (question.from.or(first), question.to.or(last)) else {
        return vec![gap(question, axis, None, known.why())];
    };
    let mut found: Vec<Gap> = Vec::new();
    for day in from.iter_days().take_while(|day| *day <= to) {
        let known = known.of_day(day);
        if known.is_complete() {
            continue;
        }
        let why = known.why();
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

fn gap(question: &Question<'_>, axis: Axis, day: Option<NaiveDate>, why: String) -> Gap {
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
}
