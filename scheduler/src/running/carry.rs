//! Carry: running segments in this process until a run is over, and whatever else was handed to it meanwhile.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ledgerfleet_config::Shape;
use ledgerfleet_ledger::{Ledger, LedgerError, RunReport};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::{Parts, RunnerLock, RunnerLockError};

use super::disk;
use super::patience::Patience;
use super::runner::{Runner, take_lock};
use super::watch::{Ended, Watched, Watching, ended, pause_after, watch};
use crate::commands::no_such_run;
use crate::exit::{Exit, Problem};
use crate::session::Session;

/// How often a run that this process carries is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often a process that waits for another asks whether that one is still there.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Work of others is looked for among this many newest runs.
const NEWEST: u32 = 100;

/// What this process is to the ledger.
pub(crate) enum Role {
    /// It runs the segments itself.
    Runner(Holding),
    /// Somebody else does: the holder of the file, or the workers of a fleet.
    Client(Option<RunnerLockError>),
}

/// The running role, and since when this process has it: what is submitted from then on is submitted to it.
#[derive(Debug)]
pub(crate) struct Holding {
    lock: RunnerLock,
    since: DateTime<Utc>,
}

impl Holding {
    pub(crate) fn new(lock: RunnerLock, parts: &Parts) -> Self {
        let since = parts.clock.now();
        Self { lock, since }
    }
}

/// Takes the running role if it is there to be taken.
pub(crate) fn role(session: &Session, parts: &Parts) -> Result<Role, RunnerLockError> {
    if !can_run(session) {
        return Ok(Role::Client(None));
    }
    match take_lock(&session.settings) {
        Ok(Some(lock)) => Ok(Role::Runner(Holding::new(lock, parts))),
        Ok(None) => Ok(Role::Client(None)),
        Err(held @ RunnerLockError::Held { .. }) => Ok(Role::Client(Some(held))),
        Err(error) => Err(error),
    }
}

fn can_run(session: &Session) -> bool {
    cfg!(feature = "embedded") && !matches!(session.settings.shape, Shape::Fleet { .. })
}

/// Says how to get segments running, if this is a file and no process runs it.
pub(crate) fn tell_if_nobody_runs(session: &Session, parts: &Parts) -> Result<(), RunnerLockError> {
    if let Role::Runner(_) = role(session, parts)? {
        session
            .talk
            .say("no process runs this database now: scheduler serve, or the same backfill again");
    }
    Ok(())
}

/// Returns with the running role when nobody has it any more and the run can still progress.
pub(crate) async fn abandoned(session: &Session, parts: &Parts, run: RunId) -> anyhow::Result<Holding> {
    while can_run(session) {
        if let Role::Runner(role) = role(session, parts)? {
            // Whoever had the role may have given it up because nothing is left.
            let report = Patience::FOLLOWING.with(&session.talk, async || parts.ledger.run(run).await);
            if report.await?.is_some_and(|report| ended(&report).is_none()) {
                return Ok(role);
            }
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    std::future::pending().await
}

/// Runs segments in this process until `run` is over, nothing of it can progress, or a signal comes. What was in
/// progress then is finished or handed back. Before the role is given up without a signal, what others have handed
/// to this process is run to its end, too.
pub(crate) async fn run_here(
    session: &Session,
    parts: &Parts,
    run: RunId,
    role: Holding,
    stop: &Stop,
) -> anyhow::Result<(RunReport, Ended)> {
    let ledger = &*parts.ledger;
    let carrying = Carrying {
        session,
        parts,
        run,
        stop,
        left_behind: left_behind(ledger, role.since).await?,
    };
    let runner = Runner::start(Some(role.lock), parts, &session.settings, session.name.clone()).await?;
    let mut full = None;
    let watched = tokio::select! {
        watched = carrying.to_the_end() => watched,
        // Only a worker that failed ends by itself, and stopping the runner says how.
        () = runner.ended() => Ok(None),
        error = no_room(session) => {
            full = Some(error);
            Ok(None)
        }
    };
    if full.is_some() || matches!(watched, Ok(Some(Ended::Signal(_)))) {
        session
            .talk
            .say("stopping: pages in progress are finished, the rest is handed back (again: stop at once)");
    }
    runner.stop().await?;
    if let Some(error) = full {
        return Err(disk_is_full(&error).into());
    }
    let ended = watched?.ok_or_else(|| no_such_run(run))?;
    let report = Patience::CARRYING.with(&session.talk, async || ledger.run(run).await);
    Ok((report.await?.ok_or_else(|| no_such_run(run))?, ended))
}

/// Runs that were left behind before this process took the role: it works on them, and does not stay for them.
async fn left_behind(ledger: &dyn Ledger, since: DateTime<Utc>) -> Result<HashSet<RunId>, LedgerError> {
    let runs = ledger.runs(NEWEST).await?;
    let earlier = runs
        .into_iter()
        .filter(|run| run.state == RunState::Active && run.created_at < since);
    Ok(earlier.map(|run| run.run_id).collect())
}

/// A run that this process carries.
struct Carrying<'a> {
    session: &'a Session,
    parts: &'a Parts,
    run: RunId,
    stop: &'a Stop,
    left_behind: HashSet<RunId>,
}

impl Carrying<'_> {
    /// Watches the run to its end, then what others have handed over. None if there is no such run.
    async fn to_the_end(&self) -> Result<Option<Ended>, LedgerError> {
        let watching = Watching {
            parts: self.parts,
            run: self.run,
            every: LOOK_EVERY,
            if_nobody_works: None,
        };
        match watch(&watching, &self.session.talk, self.stop).await? {
            Watched::Unknown => Ok(None),
            Watched::Told(exit) => Ok(Some(Ended::Signal(exit))),
            Watched::Ended(_, ended) => Ok(Some(self.finish_what_was_handed_over().await?.unwrap_or(ended))),
        }
    }

    /// Returns when nothing is left that others have handed over, or with the signal that came first.
    async fn finish_what_was_handed_over(&self) -> Result<Option<Ended>, LedgerError> {
        let mut told = false;
        loop {
            let asked = Instant::now();
            if !self.has_work_of_others().await? {
                return Ok(None);
            }
            if !told {
                self.session
                    .talk
                    .say("another request was handed to this process; finishing it too");
                told = true;
            }
            let pause = pause_after(LOOK_EVERY, asked.elapsed());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.token().cancelled() => {
                    let exit = self.stop.signal().map_or(Exit::Interrupted, Exit::of);
                    return Ok(Some(Ended::Signal(exit)));
                }
            }
        }
    }

    async fn has_work_of_others(&self) -> Result<bool, LedgerError> {
        let runs = async || self.parts.ledger.runs(NEWEST).await;
        let runs = Patience::CARRYING.with(&self.session.talk, runs).await?;
        Ok(runs.iter().any(|run| {
            run.run_id != self.run && !self.left_behind.contains(&run.run_id) && ended(run).is_none()
        }))
    }
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
