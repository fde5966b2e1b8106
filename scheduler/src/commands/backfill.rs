//! `backfill`: copies a range of days.

use std::time::Duration;

use ledgerfleet_config::Shape;
use ledgerfleet_ledger::{RunReport, Submitted};
use ledgerfleet_model::RunId;
use ledgerfleet_wiring::{Parts, RunnerLock, RunnerLockError};
use serde::Serialize;

use super::run::{follow, no_such_run, print, tell_end};
use crate::cli::BackfillArgs;
use crate::disk;
use crate::exit::{Exit, Problem};
use crate::output::{Row, counted, thousands};
use crate::plan::{Plan, Request, plan};
use crate::runner::{Runner, take_lock};
use crate::session::{Session, connections_named};
use crate::submit::submit;
use crate::watch::{Ended, Watching, exit_of, watch};
use ledgerfleet_process::Stop;

/// How often a run that this process carries is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) async fn run(session: &Session, args: &BackfillArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let plan = planned(session, &parts, args).await?;
    if args.dry_run {
        return show(session, &plan);
    }
    match role(session)? {
        Role::Runner(lock) => carry(session, &parts, &plan, lock).await,
        Role::Client => hand_over(session, &parts, &plan, args.wait).await,
    }
}

async fn planned(session: &Session, parts: &Parts, args: &BackfillArgs) -> anyhow::Result<Plan> {
    let request = Request {
        connections: connections_named(&*parts.ledger, &args.connection).await?,
        entities: args.entity.clone(),
        from: args.from,
        to: args.to,
        axis: args.by.into(),
        segmenting: args.segment.into(),
        page_size: args.page_size.unwrap_or(session.settings.page_size),
        now: parts.clock.now(),
    };
    Ok(plan(&request)?)
}

/// What this process is to the ledger.
enum Role {
    /// It runs the segments itself.
    Runner(RunnerLock),
    /// Somebody else does.
    Client,
}

fn role(session: &Session) -> anyhow::Result<Role> {
    if !cfg!(feature = "embedded") || matches!(session.settings.shape, Shape::Fleet { .. }) {
        return Ok(Role::Client);
    }
    match take_lock(&session.settings) {
        Ok(Some(lock)) => Ok(Role::Runner(lock)),
        Ok(None) => Ok(Role::Client),
        Err(held @ RunnerLockError::Held { .. }) => {
            session.talk.say(format!("{held}; this request is handed to it"));
            Ok(Role::Client)
        }
        Err(error) => Err(error.into()),
    }
}

/// Submits; somebody else runs it.
async fn hand_over(session: &Session, parts: &Parts, plan: &Plan, wait: bool) -> anyhow::Result<Exit> {
    let submitted = submit(&*parts.ledger, &*parts.bell, plan).await?;
    tell_submitted(session, &submitted);
    if wait {
        return follow(session, parts, submitted.run).await;
    }
    session.output.one(&SubmittedRow(submitted))?;
    Ok(Exit::Done)
}

/// Submits and runs it here, to its end.
async fn carry(session: &Session, parts: &Parts, plan: &Plan, lock: RunnerLock) -> anyhow::Result<Exit> {
    let stop = Stop::on_signals()?;
    let submitted = submit(&*parts.ledger, &*parts.bell, plan).await?;
    tell_submitted(session, &submitted);
    let (report, ended) = run_here(session, parts, submitted.run, lock, &stop).await?;
    if let Ended::Signal(exit) = ended {
        tell_resume(session, &report);
        return Ok(exit);
    }
    print(session, &*parts.ledger, report.run_id).await?;
    let connections = parts.ledger.connections().await?;
    tell_end(session, &report, ended, &connections);
    Ok(exit_of(&report, ended, &connections))
}

/// Runs segments in this process until `run` is over, nothing of it can progress, or a signal comes. What was in
/// progress then is finished or handed back.
pub(crate) async fn run_here(
    session: &Session,
    parts: &Parts,
    run: RunId,
    lock: RunnerLock,
    stop: &Stop,
) -> anyhow::Result<(RunReport, Ended)> {
    let runner = Runner::start(Some(lock), parts, &session.settings).await?;
    let ledger = &*parts.ledger;
    let watching = Watching {
        parts,
        run,
        every: LOOK_EVERY,
        if_nobody_works: None,
    };
    let mut full = None;
    let watched = tokio::select! {
        watched = watch(&watching, &session.talk, stop) => watched,
        // Only a worker that failed ends by itself, and stopping the runner says how.
        () = runner.ended() => Ok(None),
        error = no_room(session) => {
            full = Some(error);
            Ok(None)
        }
    };
    if full.is_some() || matches!(watched, Ok(Some((_, Ended::Signal(_))))) {
        session
            .talk
            .say("stopping: pages in progress are finished, the rest is handed back (again: stop at once)");
    }
    runner.stop().await?;
    if let Some(error) = full {
        return Err(disk_is_full(&error).into());
    }
    let (_, ended) = watched?.ok_or_else(|| no_such_run(run))?;
    let report = ledger.run(run).await?.ok_or_else(|| no_such_run(run))?;
    Ok((report, ended))
}

/// Returns when the disk of an embedded ledger takes no more bytes.
async fn no_room(session: &Session) -> std::io::Error {
    match session.settings.shape.embedded_path() {
        Some(path) => disk::full(path).await,
        None => std::future::pending().await,
    }
}

fn disk_is_full(error: &std::io::Error) -> Problem {
    let next = "make room on the disk, then the same command: what was stored is safe and the rest goes on";
    Problem::new(
        Exit::DependencyDown,
        "the disk of the database takes no more data",
        next,
    )
    .because(error.to_string())
}

/// How to go on after a signal.
pub(crate) fn tell_resume(session: &Session, report: &RunReport) {
    let (done, all) = (thousands(report.done), thousands(report.segments));
    session.talk.say(format!(
        "stopped; {done} of {all} segments are done and stay done. The same command goes on."
    ));
}

/// Says what became of a request.
pub(crate) fn tell_submitted(session: &Session, submitted: &Submitted) {
    let (run, segments) = (submitted.run, counted(submitted.segments, "segment"));
    session.talk.say(if submitted.attached {
        format!("run {run} asks for the same and is not over: joined it ({segments})")
    } else {
        format!("run {run}: {segments}")
    });
}

#[derive(Serialize)]
struct SubmittedRow(Submitted);

impl Row for SubmittedRow {
    const COLUMNS: &'static [&'static str] = &["run", "attached", "segments"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.0.run.to_string(),
            self.0.attached.to_string(),
            self.0.segments.to_string(),
        ]
    }
}

/// One line of a plan that is only shown.
#[derive(Serialize)]
struct Planned {
    connection: String,
    entity: &'static str,
    axis: String,
    segments: u64,
}

impl Row for Planned {
    const COLUMNS: &'static [&'static str] = &["connection", "entity", "by", "segments"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.entity.to_owned(),
            self.axis.clone(),
            self.segments.to_string(),
        ]
    }
}

fn show(session: &Session, plan: &Plan) -> anyhow::Result<Exit> {
    let rows: Vec<Planned> = plan
        .parts()
        .iter()
        .map(|part| Planned {
            connection: part.connection.name.clone(),
            entity: part.entity.name,
            axis: part.axis.to_string(),
            segments: plan.count(part),
        })
        .collect();
    session.output.list(&rows)?;
    let segments: u64 = rows.iter().map(|row| row.segments).sum();
    session.talk.say(format!(
        "{}, each at least one metered request; nothing was submitted",
        counted(segments, "segment")
    ));
    Ok(Exit::Done)
}
