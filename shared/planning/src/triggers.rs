//! Triggers: commands that are submitted at an instant, once or again and again.
//!
//! What a command means is found out when it fires: which companies `all` are, and which days `-30d` to `yesterday` by the
//! clock of the trigger's zone.

mod recurrence;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ledgerfleet_connectors::Connectors;
use ledgerfleet_coordination::Bell;
use ledgerfleet_ledger::clocks::PLAUSIBLE;
use ledgerfleet_ledger::triggers::{NewFiring, Submission};
use ledgerfleet_ledger::{Firing, Ledger, LedgerError, NewRun, NewSegment, Trigger};
use ledgerfleet_model::{Connection, ConnectionId, Lane, SyncPace};

use crate::plan::{Plan, PlanError, Request, plan};
use crate::selection::{SelectionError, connections_named, entities_named};
use crate::sync::{Scope, Subject, SyncPlan, next_due, plan_sync};
use crate::{dates, ring};

/// How long after its end a window is taken to grow: more than is usual, for it costs a window at most.
const UPPER_MARGIN: Duration = Duration::from_hours(1);

pub use recurrence::{CronError, Recurrence, local_instant};
pub use wanted::{Unreadable, Wanted};

/// What firing needs.
#[derive(Debug, Clone, Copy)]
pub struct Firer<'a> {
    /// Where it is submitted.
    pub ledger: &'a dyn Ledger,
    /// Asked for dispatch afterwards.
    pub bell: &'a dyn Bell,
    /// How companies are asked.
    pub connectors: &'a Connectors,
    /// How often companies are kept in sync.
    pub pace: &'a SyncPace,
}

/// Why a command cannot be submitted.
#[derive(Debug, thiserror::Error)]
pub enum NotPlanned {
    /// The ledger does not say what there is. It may, later.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It was stored by a newer program.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A company or an entity of it is not there.
    #[error(transparent)]
    Selection(SelectionError),
    /// Its days cannot be asked for.
    #[error(transparent)]
    Plan(PlanError),
    /// Its days are none.
    #[error("{0}")]
    Dates(String),
    /// A company belongs to a connector that this program does not have.
    #[error("the connection `{0}` belongs to a connector that this program does not have")]
    Connector(String),
}

impl From<SelectionError> for NotPlanned {
    fn from(error: SelectionError) -> Self {
        match error {
            SelectionError::Ledger(error) => Self::Ledger(error),
            error => Self::Selection(error),
        }
    }
}

impl From<PlanError> for NotPlanned {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Selection(error) => error.into(),
            error => Self::Plan(error),
        }
    }
}

/// What a command asks for, understood.
enum Planned {
    Backfill(Plan),
    Syncs(Vec<(Arc<Connection>, SyncPlan)>),
}

impl Firer<'_> {
    /// Fires a trigger that is due. None where another has fired it, or it was cancelled.
    ///
    /// # Errors
    /// The ledger did not store it: it is due still.
    pub async fn fire(&self, trigger: &Trigger, now: DateTime<Utc>) -> Result<Option<Firing>, LedgerError> {
        let planned = match self.plan(&trigger.wanted, now, trigger.zone).await {
            Err(NotPlanned::Ledger(error)) => return Err(error),
            planned => planned.map_err(|error| error.to_string()),
        };
        let fired = match self.store(trigger, &planned, now).await {
            // A company was removed since it was planned.
            Err(error @ LedgerError::NoSuchConnection(_)) => {
                self.store(trigger, &Err(error.to_string()), now).await?
            }
            fired => fired?,
        };
        if fired.is_some() {
            ring(self.bell).await;
            self.note_syncs(planned.ok(), now).await?;
        }
        Ok(fired)
    }

    /// Whether a command could be submitted at that instant. Answers the zone whose days it means: this one, or else the one
    /// of the company that it concerns, where that is one.
    ///
    /// # Errors
    /// It could not, or the ledger does not answer.
    pub async fn check(
        &self,
        wanted: &Wanted,
        at: DateTime<Utc>,
        zone: Option<Tz>,
    ) -> Result<Tz, NotPlanned> {
        let connections = connections_named(self.ledger, wanted.connections()).await?;
        let zone = zone.unwrap_or_else(|| zone_of(&connections));
        self.plan(&wanted.to_text(), at, zone).await?;
        Ok(zone)
    }

    async fn plan(&self, wanted: &str, now: DateTime<Utc>, zone: Tz) -> Result<Planned, NotPlanned> {
        let wanted = Wanted::read(wanted)?;
        let connections = connections_named(self.ledger, wanted.connections()).await?;
        match wanted {
            Wanted::Backfill { .. } => Ok(Planned::Backfill(backfill(wanted, connections, now, zone)?)),
            Wanted::Sync {
                entities,
                full,
                since,
                ..
            } => {
                let entities = entities_named(&connections, &entities)?;
                let since = since.map(|since| dates::since(&since, now)).transpose();
                let scope = match since.map_err(NotPlanned::Dates)? {
                    Some(since) => Scope::Since(since),
                    None if full => Scope::Full,
                    None => Scope::Changed,
                };
                let mut plans = Vec::new();
                for connection in connections {
                    let connection = Arc::new(connection);
                    let plan = self.plan_sync(&connection, &entities, scope, now).await?;
                    plans.push((connection, plan));
                }
                Ok(Planned::Syncs(plans))
            }
        }
    }

    async fn plan_sync(
        &self,
        connection: &Connection,
        entities: &[String],
        scope: Scope,
        now: DateTime<Utc>,
    ) -> Result<SyncPlan, NotPlanned> {
        let entry = ledgerfleet_connectors::connector_entry(&connection.connector);
        let company = entry.zip(self.connectors.get(&connection.connector));
        let (entry, connector) = company.ok_or_else(|| NotPlanned::Connector(connection.name.clone()))?;
        let subject = Subject {
            connection,
            entry,
            changes: connector.changes(),
            entities,
            scope,
            lane: Lane::Manual,
        };
        Ok(plan_sync(self.ledger, &subject, self.pace, now).await?)
    }

    async fn store(
        &self,
        trigger: &Trigger,
        planned: &Result<Planned, String>,
        now: DateTime<Utc>,
    ) -> Result<Option<Firing>, LedgerError> {
        let Some(planned_at) = trigger.due_at else {
            return Ok(None);
        };
        let recurrence = trigger
            .cron
            .as_deref()
            .map(|cron| Recurrence::of(cron, trigger.zone));
        // What was stored could be read when it was added. If not any more, it ends with this firing.
        let next = recurrence
            .and_then(Result::ok)
            .map(|recurrence| recurrence.after_missed(planned_at, now));
        let (next, missed) = next.unwrap_or((None, 0));
        let submissions = match planned {
            Ok(planned) => Ok(planned.submissions()),
            Err(why) => Err(why.clone()),
        };
        let firing = NewFiring {
            trigger: trigger.id,
            planned_at,
            next,
            missed,
            submissions,
        };
        self.ledger.fire_trigger(firing).await
    }

    /// A company that was just synced is due an interval later.
    async fn note_syncs(&self, planned: Option<Planned>, now: DateTime<Utc>) -> Result<(), LedgerError> {
        let Some(Planned::Syncs(plans)) = planned else {
            return Ok(());
        };
        for (connection, plan) in plans.into_iter().filter(|(_, plan)| !plan.keeps_due) {
            let due_at = self.next_sync(connection.id, now).await?;
            self.ledger
                .sync_planned(connection.id, plan.planned, due_at)
                .await?;
        }
        Ok(())
    }

    /// Moves triggers that wait for too long to the next instant of their cron expression: a clock that was ahead has
    /// fired them, or seen them added. Answers how many. One that fires once has its instant from a person.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn bring_back(&self, now: DateTime<Utc>) -> Result<u64, LedgerError> {
        let mut brought = 0;
        for trigger in self.ledger.triggers().await? {
            if let Some((due_at, next)) = put_off(&trigger, now) {
                brought += u64::from(self.ledger.move_trigger(trigger.id, due_at, next).await?);
            }
        }
        Ok(brought)
    }

    async fn next_sync(
        &self,
        connection: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, LedgerError> {
        let schedule = self.ledger.sync_schedules(&[connection]).await?.pop();
        let every = schedule
            .and_then(|schedule| schedule.every)
            .unwrap_or(self.pace.every);
        Ok(next_due(connection, every, now))
    }
}

/// When a trigger is due, and when it is to be, where a clock that was ahead has put it off. With room for clocks that
/// differ a little: an instant that has just fired does not come again.
fn put_off(trigger: &Trigger, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (due_at, cron) = (trigger.due_at?, trigger.cron.as_deref()?);
    let next = Recurrence::of(cron, trigger.zone).ok()?.after(now + PLAUSIBLE)?;
    (next < due_at).then_some((due_at, next))
}

fn zone_of(connections: &[Connection]) -> Tz {
    match connections {
        [one] => one.time_zone,
        _ => Tz::UTC,
    }
}

fn backfill(
    wanted: Wanted,
    connections: Vec<Connection>,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Plan, NotPlanned> {
    let Wanted::Backfill {
        entities,
        from,
        to,
        by,
        segment,
        page_size,
        ..
    } = wanted
    else {
        return Err(NotPlanned::Unreadable(Unreadable));
    };
    // What fires by a zone's clock means that zone's days: in the evening of Guayaquil it is tomorrow in UTC.
    let today = now.with_timezone(&zone).date_naive();
    let request = Request {
        connections,
        entities,
        from: dates::first_day(&from, today).map_err(NotPlanned::Dates)?,
        to: dates::last_day(&to, today).map_err(NotPlanned::Dates)?,
        axis: by.parse().map_err(|_| Unreadable)?,
        segmenting: segment.parse().map_err(|_| Unreadable)?,
        page_size,
        now,
        upper_margin: UPPER_MARGIN,
    };
    Ok(plan(&request)?)
}

impl Planned {
    fn submissions(&self) -> Vec<Submission<'_>> {
        match self {
            Self::Backfill(plan) => vec![(plan.run(), Box::new(plan.segments()))],
            Self::Syncs(plans) => {
                let of_company = plans.iter().flat_map(|(_, plan)| [&plan.sync, &plan.upkeep]);
                of_company.flatten().map(submission).collect()
            }
        }
    }
}

fn submission((run, segments): &(NewRun, Vec<NewSegment>)) -> Submission<'_> {
    (run.clone(), Box::new(segments.iter().cloned()))
}

#[cfg(test)]
mod tests;
