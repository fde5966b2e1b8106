//! Upkeep: what nothing announces is looked for, and what is recent is read again.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days as CalendarDays, NaiveDate, TimeDelta, Utc};
use ledgerfleet_connectors::{EntityKind, EntitySpec};
use ledgerfleet_ledger::syncing::Planned;
use ledgerfleet_ledger::{NewSegment, SyncSchedule};
use ledgerfleet_model::{Axis, DateRange, Days, Segmenting, Window, Work};

use super::{Planner, Scope};

impl Planner<'_> {
    /// What nothing announces: records that went unnoticed, and links that changed without a new time.
    pub(super) fn upkeep(&self) -> (Planned, Vec<NewSegment>) {
        let (now, schedule) = (self.stand.now, self.stand.schedule.as_ref());
        // Everything was read just now, or is about to be.
        if self.subject.scope != Scope::Due || schedule.is_none() {
            let is_first = schedule.is_none_or(|one| one.recounted_at.is_none() || one.reread_at.is_none());
            let planned = Planned {
                recount: is_first,
                reread: is_first,
            };
            return (planned, Vec::new());
        }
        let is_over = |last: Option<DateTime<Utc>>, every: Duration| {
            let every = TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX);
            !every.is_zero() && last.is_none_or(|last| now - last >= every)
        };
        let last = |at: fn(&SyncSchedule) -> Option<DateTime<Utc>>| schedule.and_then(at);
        let planned = Planned {
            recount: is_over(last(|one| one.recounted_at), self.pace.recount_every),
            reread: is_over(last(|one| one.reread_at), self.pace.reread_every),
        };
        let mut segments = Vec::new();
        let synced: Vec<_> = self
            .entities()
            .into_iter()
            .filter(|one| self.is_synced(one))
            .collect();
        for entity in synced {
            if planned.recount && entity.kind != EntityKind::Single {
                segments.push(self.segment(entity, Work::Recount));
            }
            if planned.reread && entity.default_axis() == Axis::TxnDate {
                let months = self
                    .recent_months()
                    .into_iter()
                    .map(|window| self.segment(entity, window.into()));
                segments.extend(months);
            }
        }
        (planned, segments)
    }

    fn is_synced(&self, entity: &EntitySpec) -> bool {
        let state = self.stand.states.iter().find(|state| state.entity == entity.name);
        state.is_some_and(|state| state.succeeded_at.is_some())
    }

    /// The calendar months from the one before it was last read up to this one, in which documents still change that tell
    /// it nowhere; and what is dated after them, of what is dated ahead as a rule.
    pub(super) fn recent_documents(&self, entity: &EntitySpec, read_at: DateTime<Utc>) -> Vec<Window> {
        let zone = self.subject.connection.time_zone;
        let today = self.stand.now.with_timezone(&zone).date_naive();
        let read_on = read_at.with_timezone(&zone).date_naive().min(today);
        let next = last_of_month(today).succ_opt().unwrap_or(today);
        let first = |day: NaiveDate| day.with_day(1).unwrap_or(day);
        let before = first(first(read_on).pred_opt().unwrap_or(read_on));
        let starts = std::iter::successors(Some(before), |start| last_of_month(*start).succ_opt());
        let starts: Vec<NaiveDate> = starts.take_while(|start| *start <= next).collect();
        let end = ledgerfleet_model::window::latest(today)
            .succ_opt()
            .unwrap_or(next);
        let ahead = entity.ahead.then_some((next, end));
        let months = starts.windows(2).map(|pair| (pair[0], pair[1])).chain(ahead);
        months
            .map(|(from, to)| Window::Dates {
                days: Days { from, to },
            })
            .collect()
    }

    /// The calendar months of the recent past: whole months, so that their coverage is the same every week.
    fn recent_months(&self) -> Vec<Window> {
        let today = self
            .stand
            .now
            .with_timezone(&self.subject.connection.time_zone)
            .date_naive();
        let first = today - CalendarDays::new(self.pace.reread_days.into());
        let from = first.with_day(1).unwrap_or(first);
        let to = last_of_month(today);
        let range = DateRange::new(from, to, Axis::TxnDate, to);
        range.map_or_else(
            |_| Vec::new(),
            |range| {
                let zone = self.subject.connection.time_zone;
                ledgerfleet_model::window::windows(range, Segmenting::Month, Axis::TxnDate, zone).collect()
            },
        )
    }
}

fn last_of_month(day: NaiveDate) -> NaiveDate {
    let next = day
        .with_day(1)
        .and_then(|first| first.checked_add_months(chrono::Months::new(1)));
    next.and_then(|next| next.pred_opt()).unwrap_or(day)
}
