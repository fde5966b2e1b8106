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

mod pace;
mod upkeep;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::{Changes, ConnectorEntry, EntityKind, EntitySpec};
use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::syncing::{Planned, SYNC_KEY, UPKEEP_KEY, UnderWay};
use ledgerfleet_ledger::{Ledger, LedgerError, NewRun, NewSegment, Submitted, SyncSchedule, SyncState};
use ledgerfleet_model::work::{CHANGES, WorkKind};
use ledgerfleet_model::{Axis, Connection, ConnectionId, Lane, RunId, SegmentId, SyncPace, Window, Work};

use crate::selection::{chosen, is_all};
use crate::submit::submit;

pub use pace::{backoff, next_due};

/// How long before its checkpoint an entity is asked for: rows were seen half a minute after their stamps.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// Entities whose checkpoints are not farther apart are asked for together.
const TOGETHER: TimeDelta = TimeDelta::hours(1);

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
    /// Whether the company is due when it was: a sync of some entities leaves the others to their time.
    pub keeps_due: bool,
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

/// Submits a plan, and notes when the company is due next, unless only some of its entities were asked for. None where there was nothing to submit.
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
    let mut planned = plan.planned;
    if let Some((run, segments)) = plan.upkeep {
        let upkeep = submit(ledger, bell, run, &mut segments.into_iter()).await?;
        if upkeep.attached {
            // The upkeep that is still under way is another one: this one is due until it is submitted.
            planned = Planned::default();
        }
    }
    if !plan.keeps_due {
        ledger.sync_planned(connection, planned, due_at).await?;
    }
    Ok(submitted)
}

/// Has a company that is kept in sync be due now: whatever has happened while nobody could ask, no webhook tells any more.
///
/// # Errors
/// The ledger does not answer.
pub async fn sync_at_once(ledger: &dyn Ledger, connection: ConnectionId) -> Result<(), LedgerError> {
    let Some(schedule) = ledger.sync_schedules(&[connection]).await?.pop() else {
        return Ok(());
    };
    let now = ledger.clock().await?.now;
    ledger.schedule_sync(connection, schedule.every, now).await
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
        keeps_due: subject.scope != Scope::Due && !asked.is_of_all() && stand.schedule.is_some(),
    }
}

fn names_of(segment: &NewSegment) -> Vec<String> {
    match &segment.work {
        Work::Changes { entities, .. } => entities.clone(),
        _ => vec![segment.entity.clone()],
    }
}

struct Planner<'a> {
    subject: &'a Subject<'a>,
    stand: &'a Stand,
    pace: &'a SyncPace,
}

impl Planner<'_> {
    /// What distinguishes this request from the usual one of the same company.
    fn key(&self) -> String {
        let names = if self.is_of_all() {
            String::new()
        } else {
            format!("/{}", self.subject.entities.join(","))
        };
        match self.subject.scope {
            Scope::Due => format!("/due{}{names}", beside(self.waiting())),
            Scope::Changed => format!("{names}{}", beside(self.begun())),
            // What a full sync has read already is not paid for twice: a second one goes on with it.
            Scope::Full => format!("/full{names}"),
            Scope::Since(since) => {
                format!(
                    "/since {}{names}{}",
                    since.timestamp_micros(),
                    beside(self.begun())
                )
            }
        }
    }

    fn is_of_all(&self) -> bool {
        self.subject.entities.iter().all(|name| is_all(name))
    }

    /// The runs that have begun to read: what has changed since then, they may have missed. A first reading is none of
    /// them: it goes on where it stopped, however often it is asked for.
    fn begun(&self) -> BTreeSet<RunId> {
        let under_way = &self.stand.under_way;
        let first = under_way.iter().filter(|one| self.is_first_reading(one));
        let first: BTreeSet<RunId> = first.map(|one| one.run).collect();
        let begun = under_way.iter().filter(|one| one.has_begun).map(|one| one.run);
        begun.filter(|run| !first.contains(run)).collect()
    }

    fn is_first_reading(&self, one: &UnderWay) -> bool {
        let mut states = self.stand.states.iter();
        let was_read = states.any(|state| state.entity == one.entity && state.succeeded_at.is_some());
        one.kind == WorkKind::Sync && !was_read
    }

    /// The runs whose changes are told, and in which windows of single entities wait, perhaps for a day.
    fn waiting(&self) -> BTreeSet<RunId> {
        let under_way = &self.stand.under_way;
        let asks = |run| {
            let mut of_run = under_way.iter().filter(|one| one.run == run);
            of_run.any(|one| one.kind == WorkKind::Changes)
        };
        let waiting = under_way.iter().map(|one| one.run).filter(|run| !asks(*run));
        waiting.collect()
    }

    /// Whether a window of an entity is still to be read to its end: then nothing else is asked of it by the schedule. One
    /// of another lane may wait for the calls of the next month: what was read once is followed beside it.
    fn is_under_way(&self, entity: &EntitySpec) -> bool {
        let of_entity = |one: &&UnderWay| one.kind == WorkKind::Sync && one.entity == entity.name;
        let mut under_way = self.stand.under_way.iter().filter(of_entity);
        under_way.any(|one| one.lane == Lane::Live || self.is_first_reading(one))
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
                Some(Way::Recent(read_at)) => {
                    let recent = self.recent_documents(entity, read_at).into_iter();
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
                None => match state.and_then(|state| state.succeeded_at) {
                    Some(read_at) if is_told_by_date(entity) => Way::Recent(read_at),
                    _ => Way::Everything,
                },
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
        // A clock that was a little ahead noted the attempt.
        let rested = (self.stand.now - state.attempted_at).max(TimeDelta::zero());
        rested >= rest
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
}

/// What distinguishes a request from those that answer another one: it must not join these runs.
fn beside(runs: BTreeSet<RunId>) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let mut hash = blake3::Hasher::new();
    for run in runs {
        hash.update(run.0.as_bytes());
    }
    format!("/beside {}", hash.finalize().to_hex())
}

/// How an entity is brought in sync.
enum Way {
    Everything,
    /// The documents of the time since it was last read, and of shortly before: nothing tells which have changed.
    Recent(DateTime<Utc>),
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

#[cfg(test)]
mod tests;
