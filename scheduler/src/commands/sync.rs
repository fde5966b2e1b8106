//! `sync`: companies stay in sync, and how far they are.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_ledger::{Submitted, SyncSchedule};
use ledgerfleet_model::{Connection, ConnectionId, Lane, SyncPace};
use ledgerfleet_planning::sync::{Scope, Subject, next_due, plan_sync, submit_sync};
use ledgerfleet_planning::{connections_named, entities_named};
use ledgerfleet_wiring::Parts;

use super::backfill::tell_submitted;
use crate::cli::{SyncArgs, SyncCommand};
use crate::exit::{Exit, Problem};
use crate::running::carry::run_here;
use crate::running::follow::follow;
use crate::running::report::{conclude, tell_conclusion};
use crate::running::role::{Holding, Role, role};
use crate::running::watch::ended;
use crate::session::Session;
use crate::views::plans::SubmittedRow;
use crate::views::syncs::{Standing, StateRow};

pub(crate) async fn run(session: &Session, args: &SyncArgs) -> anyhow::Result<Exit> {
    match &args.command {
        Some(SyncCommand::Status { connection }) => status(session, connection).await,
        None => sync(session, args).await,
    }
}

async fn sync(session: &Session, args: &SyncArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let connections = connections_named(&*parts.ledger, &args.connection).await?;
    let entities = entities_named(&connections, &args.entity)?;
    let scope = scope(&parts, args.since, args.full)?;
    let holding = match role(session, &parts)? {
        Role::Runner(holding) => Some(holding),
        Role::Client(holder) => {
            if let Some(held) = holder {
                session.talk.say(format!("{held}; this request is handed to it"));
            }
            None
        }
    };
    let mut submitted = Vec::new();
    for connection in &connections {
        submitted.extend(submit(&parts, &session.settings.sync, connection, (scope, &entities)).await?);
    }
    let stop = session.heed_signals();
    for one in &submitted {
        tell_submitted(session, one);
    }
    match holding {
        Some(holding) => carry(session, &parts, &submitted, holding).await,
        None if args.wait => {
            let mut exits = Vec::new();
            for one in &submitted {
                exits.push(follow(session, &parts, one.run, stop).await?);
            }
            Ok(Exit::most_telling(exits))
        }
        None => {
            for one in submitted {
                session.output.one(&SubmittedRow(one))?;
            }
            Ok(Exit::Done)
        }
    }
}

/// What is asked of companies: what has changed, or everything, or what has changed since an instant that is over.
pub(crate) fn scope(parts: &Parts, since: Option<DateTime<Utc>>, is_full: bool) -> Result<Scope, Problem> {
    let now = parts.clock.now();
    match since {
        Some(since) if since > now + TimeDelta::minutes(5) => Err(Problem::usage(
            format!("--since {} lies ahead", since.to_rfc3339()),
            "an instant that is over",
        )),
        Some(since) => Ok(Scope::Since(since)),
        None if is_full => Ok(Scope::Full),
        None => Ok(Scope::Changed),
    }
}

/// Plans and submits the sync of one company; nothing where there is nothing to ask.
pub(crate) async fn submit(
    parts: &Parts,
    pace: &SyncPace,
    connection: &Connection,
    (scope, entities): (Scope, &[String]),
) -> anyhow::Result<Option<Submitted>> {
    let company = parts.company(std::sync::Arc::new(connection.clone()))?;
    let subject = Subject {
        connection,
        entry: company.entry,
        changes: company.connector.changes(),
        entities,
        scope,
        lane: Lane::Manual,
    };
    let ledger = &*parts.ledger;
    let now = ledger.clock().await?.now;
    let plan = plan_sync(ledger, &subject, pace, now).await?;
    let schedule = ledger.sync_schedules(&[connection.id]).await?.pop();
    let every = schedule.and_then(|schedule| schedule.every).unwrap_or(pace.every);
    let due_at = next_due(connection.id, every, now);
    Ok(submit_sync(ledger, &*parts.bell, connection.id, plan, due_at).await?)
}

/// Runs them here: the first to its end, and the others as what was handed over meanwhile.
async fn carry(
    session: &Session,
    parts: &Parts,
    submitted: &[Submitted],
    holding: Holding,
) -> anyhow::Result<Exit> {
    let Some((first, others)) = submitted.split_first() else {
        return Ok(Exit::Done);
    };
    let (report, how) = run_here(session, parts, first.run, holding, session.heed_signals()).await?;
    let mut exits = vec![conclude(session, parts, &report, how).await?];
    for one in others {
        if let Some(report) = parts.ledger.run(one.run).await?
            && let Some(how) = ended(&report)
        {
            session.output.one(&SubmittedRow(one.clone()))?;
            exits.push(tell_conclusion(session, parts, &report, how).await?);
        }
    }
    Ok(Exit::most_telling(exits))
}

async fn status(session: &Session, names: &[String]) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let connections = connections_named(&*parts.ledger, names).await?;
    let rows = states(&parts, &connections, session.settings.sync.every).await?;
    for connection in &connections {
        let name = &connection.name;
        if !rows.iter().any(|row| row.connection == *name) {
            session.talk.say(format!(
                "{name} was never synced: scheduler sync --connection {name}"
            ));
        }
    }
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

/// How far each entity of these companies is in sync; `usual` is the configured interval.
pub(crate) async fn states(
    parts: &Parts,
    connections: &[Connection],
    usual: Duration,
) -> anyhow::Result<Vec<StateRow>> {
    let ids: Vec<ConnectionId> = connections.iter().map(|connection| connection.id).collect();
    let (states, schedules) = (
        parts.ledger.sync_states(&ids).await?,
        parts.ledger.sync_schedules(&ids).await?,
    );
    let schedules: HashMap<ConnectionId, SyncSchedule> =
        schedules.into_iter().map(|one| (one.connection, one)).collect();
    let now = parts.clock.now();
    let mut rows = Vec::new();
    for connection in connections {
        let standing = Standing {
            connection,
            schedule: schedules.get(&connection.id),
            usual,
            now,
        };
        let of_it = states.iter().filter(|state| state.connection == connection.id);
        rows.extend(of_it.map(|state| StateRow::of(&standing, state)));
    }
    Ok(rows)
}
