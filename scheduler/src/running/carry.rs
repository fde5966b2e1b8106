//! Carry: running segments in this process until a run is over, and whatever else was handed to it meanwhile.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{Ledger, LedgerError, RunReport};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::Parts;

use super::disk;
use super::patience::Patience;
use super::report::no_such_run;
use super::role::Holding;
use super::runner::Runner;
use super::watch::{Ended, Watched, Watching, ended, pause_after, watch};
use crate::exit::{Exit, Problem};
use crate::session::Session;

/// How often a run that this process carries is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Work of others is looked for among this many newest runs.
const NEWEST: u32 = 100;

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
    let runner = Runner::of_file(role.lock, parts, &session.settings, session.name.clone()).await?;
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
