//! Sync: what has to be asked so that a company is in sync, by the cheapest way that misses nothing.
//!
//! ```text
//! never read to its end              everything, once; then it has a checkpoint
//! changes are told, and remembered   one question for all such entities, since the oldest of their checkpoints
//! not remembered any more            a window of changes, and a count of what is left, for what was deleted
//! changes are not told               a window of changes, or the whole list, at a slower pace
//! ```
//!
//! Every question begins somewhat before the checkpoint: what the upstream has stamped may be seen only a while later.
//! It is pure but for [`plan_sync`], which asks the ledger where the company stands.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days as CalendarDays, NaiveDate, TimeDelta, Utc};
use ledgerfleet_connectors::{Changes, ConnectorEntry, EntityKind, EntitySpec};
use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::syncing::{Planned, SYNC_KEY, UPKEEP_KEY, UnderWay};
use ledgerfleet_ledger::{Ledger, LedgerError, NewRun, NewSegment, Submitted, SyncSchedule, SyncState};
use ledgerfleet_model::work::{CHANGES, WorkKind};
use ledgerfleet_model::{
    Axis, Connection, ConnectionId, DateRange, Days, Lane, RunId, SegmentId, Segmenting, SyncPace, Window,
    Work,
};
use rand::RngExt;

use crate::selection::{chosen, is_all};
use crate::submit::submit;

/// How long before its checkpoint an entity is asked for: rows were seen half a minute after their stamps.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// Entities whose checkpoints are not farther apart are asked for together.
const TOGETHER: TimeDelta = TimeDelta::hours(1);

/// The longest that a company that fails waits, beyond its interval.
const LONGEST_BACKOFF: Duration = Duration::from_hours(1);

/// Failures in a row by which an attempt's segment is dead.
const FAILURES_A_RUN: u32 = 6;

/// How long a refusal to tell changes is believed.
const UNTOLD: TimeDelta = TimeDelta::days(30);

/// Rows a page.
const PAGE_SIZE: u32 = 1_000;

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is due by its pace: for the schedule.
    Due,
    /// What has changed since the last sync, of every entity, now.
    Changed,
    /// Everything, whatever is in sync.
    Full,
    /// What has changed since an instant, whatever the checkpoints say.
    Since(DateTime<Utc>),
}

/// A company that is to be in sync.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Which.
    pub connection: &'a Connection,
    /// Its connector.
    pub entry: &'static ConnectorEntry,
    /// How it tells changes, if it does.
    pub changes: Option<&'a dyn Changes>,
    /// Names of entities as they were written; all where there are none.
    pub entities: &'a [String],
    /// How much is asked for.
    pub scope: Scope,
    /// The lane to wait in.
    pub lane: Lane,
}

/// Where a company stands.
#[derive(Debug, Clone)]
pub struct Stand {
    /// Its entities.
    pub states: Vec<SyncState>,
    /// When it is due.
    pub schedule: Option<SyncSchedule>,
    /// What of its syncs is not over.
    pub under_way: Vec<UnderWay>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What is to be submitted for a company.
#[derive(Debug, Clone, Default)]
pub struct SyncPlan {
    /// The run that brings it in sync, and its segments; none where nothing is due.
    pub sync: Option<(NewRun, Vec<NewSegment>)>,
    /// The run that looks after what nothing announces; likewise.
    pub upkeep: Option<(NewRun, Vec<NewSegment>)>,
    /// What of that is in it.
    pub planned: Planned,
}

/// Plans the sync of a company from where it stands.
///
/// # Errors
/// The ledger does not say where it stands.
pub async fn plan_sync(
    ledger: &dyn Ledger,
    subject: &Subject<'_>,
    pace: &SyncPace,
    now: DateTime<Utc>,
) -> Result<SyncPlan, LedgerError> {
    let of = [subject.connection.id];
    let stand = Stand {
        states: ledger.sync_states(&of).await?,
        schedule: ledger.sync_schedules(&of).await?.pop(),
        under_way: ledger.syncs_under_way(subject.connection.id).await?,
        now,
    };
    Ok(plan(subject, &stand, pace))
}

/// Submits a plan, and notes when the company is due next. None where there was nothing to submit.
///
/// # Errors
/// The ledger did not store it: then a part of it may be stored, and the next sync plans the rest anew.
pub async fn submit_sync(
    ledger: &dyn Ledger,
    bell: &dyn Bell,
    connection: ConnectionId,
    plan: SyncPlan,
    due_at: DateTime<Utc>,
) -> Result<Option<Submitted>, LedgerError> {
    let mut submitted = None;
    if let Some((run, segments)) = plan.sync {
        submitted = Some(submit(ledger, bell, run, &mut segments.into_iter()).await?);
    }
    if let Some((run, segments)) = plan.upkeep {
        submit(ledger, bell, run, &mut segments.into_iter()).await?;
    }
    ledger.sync_planned(connection, plan.planned, due_at).await?;
    Ok(submitted)
}

/// Plans the sync of a company that stands there.
pub fn plan(subject: &Subject<'_>, stand: &Stand, pace: &SyncPace) -> SyncPlan {
    let asked = Planner { subject, stand, pace };
    let segments = asked.segments();
    let (planned, upkeep) = asked.upkeep();
    let entities = |segments: &[NewSegment]| {
        let mut names: Vec<String> = segments.iter().flat_map(names_of).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let run = |lane, key: String, segments: Vec<NewSegment>| {
        let run = NewRun {
            id: RunId::new(),
            lane,
            connections: vec![subject.connection.name.clone()],
            entities: entities(&segments),
            from: None,
            to: None,
            axis: Axis::Updated,
            segmenting: "sync".to_owned(),
            page_size: PAGE_SIZE.min(subject.entry.page_size_max),
            request_key: key,
            trace_context: None,
        };
        (!segments.is_empty()).then_some((run, segments))
    };
    let id = subject.connection.id;
    SyncPlan {
        sync: run(subject.lane, format!("{SYNC_KEY}{id}{}", asked.key()), segments),
        upkeep: run(Lane::Backfill, format!("{UPKEEP_KEY}{id}"), upkeep),
        planned,
    }
}

fn names_of(segment: &NewSegment) -> Vec<String> {
    match &segment.work {
        Work::Changes { entities, .. } => entities.clone(),
        _ => vec![segment.entity.clone()],
    }
}

/// The next instant at which a company is due, after `now`: companies lie evenly over their interval, each in a place of
/// its own, and a little beside it by chance. Whoever was late is due in its place again, and not at once.
pub fn next_due(connection: ConnectionId, every: Duration, now: DateTime<Utc>) -> DateTime<Utc> {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    let hash = blake3::hash(connection.0.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    let place = i64::from(u32::from_be_bytes([a, b, c, d])) % every;
    let since = (now.timestamp_millis() - place).rem_euclid(every);
    let beside = rand::rng().random_range(0..=every / 20);
    now + TimeDelta::milliseconds(every - since + beside)
}

/// How long after a failed attempt an entity is left alone: twice its company's interval, four times …, and not longer than
/// an hour.
pub fn backoff(failures: u32, every: Duration) -> Duration {
    let runs = failures / FAILURES_A_RUN;
    if runs == 0 {
        return Duration::ZERO;
    }
    let longest = LONGEST_BACKOFF.max(every);
    every.saturating_mul(1 << runs.min(16)).min(longest)
}

struct Planner<'a> {
    subject: &'a Subject<'a>,
    stand: &'a Stand,
    pace: &'a SyncPace,
}

impl Planner<'_> {
    /// What distinguishes this request from the usual one of the same company.
    fn key(&self) -> String {
        let names = if self.subject.entities.iter().all(|name| is_all(name)) {
            String::new()
        } else {
            format!("/{}", self.subject.entities.join(","))
        };
        match self.subject.scope {
            Scope::Due => format!("{}{names}", self.beside()),
            Scope::Changed => names,
            Scope::Full => format!("/full{names}"),
            Scope::Since(since) => format!("/since {}{names}", since.timestamp_micros()),
        }
    }

    /// What distinguishes it from the runs beside which it is planned: those whose changes are told, and in which windows
    /// of single entities wait, perhaps for a day. It must not join one of them.
    fn beside(&self) -> String {
        let under_way = &self.stand.under_way;
        let asks = |run| {
            let mut of_run = under_way.iter().filter(|one| one.run == run);
            of_run.any(|one| one.kind == WorkKind::Changes)
        };
        let waiting = under_way.iter().map(|one| one.run).filter(|run| !asks(*run));
        let waiting: BTreeSet<RunId> = waiting.collect();
        if waiting.is_empty() {
            return String::new();
        }
        let mut hash = blake3::Hasher::new();
        for run in waiting {
            hash.update(run.0.as_bytes());
        }
        format!("/beside {}", hash.finalize().to_hex())
    }

    /// Whether a window of an entity is still to be read to its end: then nothing else is asked of it by the schedule.
    fn is_under_way(&self, entity: &EntitySpec) -> bool {
        let mut under_way = self.stand.under_way.iter();
        under_way.any(|one| one.kind == WorkKind::Sync && one.entity == entity.name)
    }

    fn entities(&self) -> Vec<&'static EntitySpec> {
        let all = ["all".to_owned()];
        let names = if self.subject.entities.is_empty() {
            &all
        } else {
            self.subject.entities
        };
        let mut entities = chosen(self.subject.entry, names);
        if self.subject.entities.is_empty() {
            // What was asked for by name once, is kept in sync from then on.
            let asked = self.stand.states.iter().map(|state| state.entity.as_str());
            let others =
                asked.filter_map(|name| ledgerfleet_connectors::find_entity(self.subject.entry, name));
            entities.extend(others);
        }
        entities.sort_by_key(|entity| entity.name);
        entities.dedup_by_key(|entity| entity.name);
        entities
    }

    fn segments(&self) -> Vec<NewSegment> {
        let (mut segments, mut changed) = (Vec::new(), Vec::new());
        for entity in self.entities() {
            match self.way(entity) {
                None => {}
                Some(Way::Everything) => segments.push(self.segment(entity, Work::Sync(Window::Whole))),
                Some(Way::Recent) => {
                    let recent = self.recent_documents(entity).into_iter();
                    segments.extend(recent.map(|window| self.segment(entity, Work::Sync(window))));
                }
                Some(Way::Window(since)) => {
                    let window = Window::changed(since, None);
                    segments.push(self.segment(entity, Work::Sync(window)));
                }
                Some(Way::Changes(since)) => changed.push((since, entity)),
            }
        }
        segments.extend(self.changes(changed));
        segments
    }

    /// One question for all, and one more for those that have fallen behind.
    fn changes(&self, mut changed: Vec<(DateTime<Utc>, &'static EntitySpec)>) -> Vec<NewSegment> {
        let Some(newest) = changed.iter().map(|(since, _)| *since).max() else {
            return Vec::new();
        };
        changed.sort_by_key(|(_, entity)| entity.name);
        let (together, behind): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|(since, _)| newest - *since <= TOGETHER);
        let question = |group: Vec<(DateTime<Utc>, &'static EntitySpec)>| {
            let since = group.iter().map(|(since, _)| *since).min()?;
            Some(NewSegment {
                id: SegmentId::new(),
                connection: self.subject.connection.id,
                entity: CHANGES.to_owned(),
                work: Work::Changes {
                    entities: group.iter().map(|(_, entity)| entity.name.to_owned()).collect(),
                    since,
                },
            })
        };
        [together, behind].into_iter().filter_map(question).collect()
    }

    /// How an entity is brought in sync; none where it is not its turn.
    fn way(&self, entity: &'static EntitySpec) -> Option<Way> {
        let state = self.stand.states.iter().find(|state| state.entity == entity.name);
        match self.subject.scope {
            Scope::Full => Some(Way::Everything),
            Scope::Since(since) => Some(self.since(entity, state, since)),
            Scope::Due if self.is_under_way(entity) || !self.is_due(entity, state) => None,
            Scope::Due | Scope::Changed => Some(match state.and_then(|state| state.checkpoint) {
                None if is_told_by_date(entity)
                    && state.is_some_and(|state| state.succeeded_at.is_some()) =>
                {
                    Way::Recent
                }
                None => Way::Everything,
                Some(checkpoint) => self.since(entity, state, checkpoint - OVERLAP),
            }),
        }
    }

    fn since(&self, entity: &EntitySpec, state: Option<&SyncState>, since: DateTime<Utc>) -> Way {
        let can_be_cut = entity.axes.contains(&Axis::Updated);
        match self.subject.changes {
            Some(changes) if is_told(changes, entity, state, self.stand.now) => {
                let memory = TimeDelta::from_std(changes.memory()).unwrap_or(TimeDelta::MAX);
                if self.stand.now - since <= memory {
                    Way::Changes(since)
                } else if can_be_cut {
                    Way::Window(since)
                } else {
                    Way::Everything
                }
            }
            // A list is one page as a rule, and says what is gone.
            _ if entity.kind == EntityKind::Document && can_be_cut => Way::Window(since),
            _ => Way::Everything,
        }
    }

    fn is_due(&self, entity: &EntitySpec, state: Option<&SyncState>) -> bool {
        let Some(state) = state else { return true };
        let is_told = self
            .subject
            .changes
            .is_some_and(|changes| is_told(changes, entity, Some(state), self.stand.now));
        // Without a checkpoint although it was read: there is none of it yet, or the upstream tells no time.
        let pace = match state.succeeded_at {
            // Companies are due a little earlier or later each time; what is missed by a moment would wait a whole interval.
            Some(_) if !is_told || state.checkpoint.is_none() => {
                self.pace.lists_every.saturating_sub(self.every() / 10)
            }
            _ => Duration::ZERO,
        };
        let rest = pace.max(backoff(state.failures, self.every()));
        let rest = TimeDelta::from_std(rest).unwrap_or(TimeDelta::MAX);
        self.stand.now - state.attempted_at >= rest
    }

    fn every(&self) -> Duration {
        let own = self.stand.schedule.as_ref().and_then(|schedule| schedule.every);
        own.unwrap_or(self.pace.every)
    }

    fn segment(&self, entity: &EntitySpec, work: Work) -> NewSegment {
        NewSegment {
            id: SegmentId::new(),
            connection: self.subject.connection.id,
            entity: entity.name.to_owned(),
            work,
        }
    }

    /// What nothing announces: records that went unnoticed, and links that changed without a new time.
    fn upkeep(&self) -> (Planned, Vec<NewSegment>) {
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

    /// This calendar month and the one before, in which documents still change that tell it nowhere; and what is dated
    /// after them, of what is dated ahead as a rule.
    fn recent_documents(&self, entity: &EntitySpec) -> Vec<Window> {
        let zone = self.subject.connection.time_zone;
        let today = self.stand.now.with_timezone(&zone).date_naive();
        let this = today.with_day(1).unwrap_or(today);
        let before = this.pred_opt().and_then(|last| last.with_day(1)).unwrap_or(this);
        let next = last_of_month(today).succ_opt().unwrap_or(today);
        let end = ledgerfleet_model::window::latest(today)
            .succ_opt()
            .unwrap_or(next);
        let ahead = entity.ahead.then_some((next, end));
        let months = [(before, this), (this, next)].into_iter().chain(ahead);
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

/// How an entity is brought in sync.
enum Way {
    Everything,
    /// The recent documents: nothing tells which have changed.
    Recent,
    Window(DateTime<Utc>),
    Changes(DateTime<Utc>),
}

/// Whether an upstream filters an entity by the documents' date and in no other way.
fn is_told_by_date(entity: &EntitySpec) -> bool {
    entity.axes.contains(&Axis::TxnDate) && !entity.axes.contains(&Axis::Updated)
}

fn is_told(
    changes: &dyn Changes,
    entity: &EntitySpec,
    state: Option<&SyncState>,
    now: DateTime<Utc>,
) -> bool {
    let refused = state.and_then(|state| state.untold_at);
    changes.tells(entity) && refused.is_none_or(|at| now - at > UNTOLD)
}

fn last_of_month(day: NaiveDate) -> NaiveDate {
    let next = day
        .with_day(1)
        .and_then(|first| first.checked_add_months(chrono::Months::new(1)));
    next.and_then(|next| next.pred_opt()).unwrap_or(day)
}

#[cfg(test)]
mod tests;
