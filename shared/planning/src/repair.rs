//! Repair: a run that reads again what a comparison with the source found to differ.

use chrono::{Days as CalendarDays, NaiveDate};
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::{NewRun, NewSegment};
use ledgerfleet_model::{Axis, Connection, Days, Lane, RunId, SegmentId, Segmenting, Window};

use crate::plan::Plan;

/// What is to be read again of one entity of one company.
#[derive(Debug, Clone)]
pub struct ReadAgain<'a> {
    /// The company.
    pub connection: &'a Connection,
    /// The entity.
    pub entity: &'static EntitySpec,
    /// First and last days, both included; none where it is read whole.
    pub ranges: Option<Vec<(NaiveDate, NaiveDate)>>,
}

/// The run that reads these again, and its segments: one for each day.
pub fn repair(plan: &Plan, again: &[ReadAgain<'_>]) -> (NewRun, Vec<NewSegment>) {
    let segments: Vec<NewSegment> = again.iter().flat_map(segments).collect();
    let names = |name: fn(&ReadAgain<'_>) -> String| {
        let mut names: Vec<String> = again.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let run = NewRun {
        id: RunId::new(),
        lane: Lane::Manual,
        connections: names(|one| one.connection.name.clone()),
        entities: names(|one| one.entity.name.to_owned()),
        from: Some(plan.range().from()),
        to: Some(plan.range().to()),
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day.to_string(),
        page_size: plan.page_size(),
        request_key: request_key(&segments),
        trace_context: None,
    };
    (run, segments)
}

fn segments(again: &ReadAgain<'_>) -> impl Iterator<Item = NewSegment> {
    windows(again.ranges.clone()).map(|window| NewSegment {
        id: SegmentId::new(),
        connection: again.connection.id,
        entity: again.entity.name.to_owned(),
        work: window.into(),
    })
}

/// A window for each day.
fn windows(ranges: Option<Vec<(NaiveDate, NaiveDate)>>) -> impl Iterator<Item = Window> {
    let whole = ranges.is_none().then_some(Window::Whole);
    let days = ranges.into_iter().flatten().flat_map(|(from, to)| {
        from.iter_days()
            .take_while(move |day| *day <= to)
            .map(|day| Window::Dates {
                days: Days {
                    from: day,
                    to: day + CalendarDays::new(1),
                },
            })
    });
    whole.into_iter().chain(days)
}

/// Ranges of days in order, neighbours and overlaps joined; none where there are none.
pub fn joined(ranges: impl Iterator<Item = (NaiveDate, NaiveDate)>) -> Option<Vec<(NaiveDate, NaiveDate)>> {
    let mut days: Vec<(NaiveDate, NaiveDate)> = ranges.collect();
    if days.is_empty() {
        return None;
    }
    days.sort_unstable();
    let mut joined: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for (from, to) in days {
        match joined.last_mut() {
            Some((_, last)) if from <= *last + CalendarDays::new(1) => *last = to.max(*last),
            _ => joined.push((from, to)),
        }
    }
    Some(joined)
}

/// Repairs of equal days have equal keys, and no backfill has one of them.
fn request_key(segments: &[NewSegment]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"verify");
    for segment in segments {
        let days = segment.work.place().days();
        hasher.update(format!("/{}/{}/{days:?}", segment.connection, segment.entity).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_days_are_joined_and_days_apart_stay_apart() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let ranges = [(4, 5), (1, 1), (2, 2), (9, 9), (5, 6)];
        let ranges = ranges.map(|(from, to)| (day(from), day(to)));
        assert_eq!(
            joined(ranges.into_iter()),
            Some(vec![(day(1), day(2)), (day(4), day(6)), (day(9), day(9))])
        );
        assert_eq!(joined(std::iter::empty()), None);
    }
}
