//! `trigger`: commands that are submitted later.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{CommandFactory, Parser};
use ledgerfleet_ledger::NewTrigger;
use ledgerfleet_model::{Axis, Segmenting, SyncPace, TriggerId};
use ledgerfleet_planning::triggers::{CronError, Firer, NotPlanned, Recurrence, Wanted, local_instant};
use ledgerfleet_wiring::Parts;

use crate::cli::{AddTriggerArgs, BackfillArgs, Cli, Command, SyncArgs, TriggerCommand};
use crate::exit::{Exit, Problem};
use crate::output::instant;
use crate::session::Session;
use crate::views::triggers::{TriggerRow, local};

/// What can be submitted later.
const EXAMPLE: &str = "scheduler trigger add --at 2026-12-01T03:00:00Z -- backfill --connection all --entity all --from 2026-11 \
                       --to 2026-11";

pub(super) async fn run(session: &Session, command: TriggerCommand) -> anyhow::Result<Exit> {
    match command {
        TriggerCommand::Add(args) => add(session, &args).await,
        TriggerCommand::List => list(session).await,
        TriggerCommand::Cancel { id } => cancel(session, id).await,
    }
}

async fn add(session: &Session, args: &AddTriggerArgs) -> anyhow::Result<Exit> {
    let wanted = wanted(session, &args.command)?;
    let parts = session.parts().await?;
    let now = parts.ledger.clock().await?.now;
    let cron = || When::Again(args.cron.as_deref().unwrap_or_default());
    let when = args.at.as_deref().map_or_else(cron, When::Once);
    let due_at = first(&when, args.zone, now)?;
    let zone = check(&parts, &session.settings.sync, &wanted, due_at, args.zone).await?;
    let trigger = NewTrigger {
        id: TriggerId::new(),
        cron: args.cron.clone(),
        zone,
        wanted: wanted.to_text(),
        due_at,
    };
    parts.ledger.add_trigger(&trigger, &session.user).await?;
    session.talk.say(format!(
        "{} fires {}at {}, which is {} in {}, while `scheduler serve` runs{}",
        trigger.id,
        if trigger.cron.is_some() { "first " } else { "" },
        instant(due_at),
        local(due_at, trigger.zone),
        trigger.zone,
        if trigger.cron.is_some() {
            ""
        } else {
            ", or as soon as it does"
        },
    ));
    show(session, &parts, Some(trigger.id)).await
}

/// When a trigger fires.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When<'a> {
    /// At this instant.
    Once(&'a str),
    /// As this expression of cron has it.
    Again(&'a str),
}

/// Its first instant.
pub(crate) fn first(when: &When<'_>, zone: Option<Tz>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    let zone = zone.unwrap_or(Tz::UTC);
    match when {
        When::Once(at) => {
            let due_at = local_instant(at, zone).map_err(|why| Problem::usage(why, EXAMPLE))?;
            if due_at <= now {
                let what = format!("{} is over: it is {} now", instant(due_at), instant(now));
                return Err(Problem::usage(
                    what,
                    "an instant ahead, or the command itself to have it at once",
                ));
            }
            Ok(due_at)
        }
        When::Again(cron) => {
            let refused = |error: CronError| {
                Problem::usage(error.to_string(), "--cron '30 2 * * *' --zone America/Guayaquil")
            };
            let recurrence = Recurrence::of(cron, zone).map_err(refused)?;
            recurrence
                .after(now)
                .ok_or_else(|| refused(CronError::Never((*cron).to_owned())))
        }
    }
}

/// Refuses what could not be submitted then; answers the zone whose days it means.
pub(crate) async fn check(
    parts: &Parts,
    pace: &SyncPace,
    wanted: &Wanted,
    at: DateTime<Utc>,
    zone: Option<Tz>,
) -> anyhow::Result<Tz> {
    let firer = Firer {
        ledger: &*parts.ledger,
        bell: &*parts.bell,
        connectors: &parts.connectors,
        pace,
    };
    Ok(match firer.check(wanted, at, zone).await {
        Ok(zone) => zone,
        Err(NotPlanned::Ledger(error)) => return Err(error.into()),
        Err(NotPlanned::Selection(error)) => return Err(error.into()),
        Err(NotPlanned::Plan(error)) => return Err(error.into()),
        Err(error) => return Err(Problem::usage(error.to_string(), EXAMPLE).into()),
    })
}

/// The command behind `--`, read as if it stood alone.
fn wanted(session: &Session, command: &[String]) -> anyhow::Result<Wanted> {
    let line = || std::iter::once("scheduler").chain(command.iter().map(String::as_str));
    let refused = |what: String| Problem::usage(what, EXAMPLE);
    let parsed = Cli::try_parse_from(line()).map_err(|error| {
        let told = error.to_string();
        let first = told.lines().next().unwrap_or_default();
        refused(first.trim_start_matches("error: ").to_owned())
    })?;
    let written = Cli::command()
        .try_get_matches_from(line())
        .map_err(|error| refused(error.to_string()))?;
    let text = |name: &str| -> Option<String> {
        let (_, of_command) = written.subcommand()?;
        Some(of_command.get_raw(name)?.next()?.to_string_lossy().into_owned())
    };
    match parsed.command {
        Command::Backfill(args) => backfill(session, args, &text).map_err(|what| refused(what).into()),
        Command::Sync(args) if args.command.is_none() => {
            sync(args, &text).map_err(|what| refused(what).into())
        }
        _ => Err(refused("a trigger submits a `backfill` or a `sync`, and nothing else".to_owned()).into()),
    }
}

const NO_WAITING: &str = "nobody waits for what a trigger submits: leave --wait and --dry-run out";

fn backfill(
    session: &Session,
    args: BackfillArgs,
    text: &dyn Fn(&str) -> Option<String>,
) -> Result<Wanted, String> {
    if args.wait || args.dry_run {
        return Err(NO_WAITING.to_owned());
    }
    Ok(Wanted::Backfill {
        connections: args.connection,
        entities: args.entity,
        from: text("from").unwrap_or_default(),
        to: text("to").unwrap_or_default(),
        by: Axis::from(args.by).to_string(),
        segment: args
            .segment
            .map_or(session.settings.segment, Segmenting::from)
            .to_string(),
        page_size: args.page_size.unwrap_or(session.settings.page_size),
    })
}

fn sync(args: SyncArgs, text: &dyn Fn(&str) -> Option<String>) -> Result<Wanted, String> {
    if args.wait {
        return Err(NO_WAITING.to_owned());
    }
    Ok(Wanted::Sync {
        connections: args.connection,
        entities: args.entity,
        full: args.full,
        since: text("since"),
    })
}

async fn list(session: &Session) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    show(session, &parts, None).await
}

/// All triggers, or one.
async fn show(session: &Session, parts: &Parts, only: Option<TriggerId>) -> anyhow::Result<Exit> {
    let mut triggers = parts.ledger.triggers().await?;
    triggers.retain(|trigger| only.is_none_or(|id| id == trigger.id));
    let rows: Vec<TriggerRow> = triggers.into_iter().map(TriggerRow::from).collect();
    match (only, rows.as_slice()) {
        (Some(_), [row]) => session.output.one(row)?,
        _ => session.output.list(&rows)?,
    }
    Ok(Exit::Done)
}

async fn cancel(session: &Session, id: TriggerId) -> anyhow::Result<Exit> {
    let cancelled = session
        .parts()
        .await?
        .ledger
        .cancel_trigger(id, &session.user)
        .await?;
    if !cancelled {
        let what = format!("there is no active trigger {id}");
        return Err(Problem::usage(what, "scheduler trigger list").into());
    }
    session.talk.say(format!(
        "{id} is cancelled; what it has submitted goes on: scheduler run list"
    ));
    Ok(Exit::Done)
}
