//! Role: what this process is to the ledger: who runs the segments of a file, or somebody who asks for that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_model::RunId;
use ledgerfleet_wiring::{Parts, RunnerLock, RunnerLockError};

use super::patience::Patience;
use super::watch::ended;
use crate::session::Session;

/// How often a process that waits for another asks whether that one is still there.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The role of this process on its file, taken before anything is run.
pub(crate) fn take_lock(settings: &Settings) -> Result<Option<RunnerLock>, RunnerLockError> {
    settings.shape.embedded_path().map(RunnerLock::take).transpose()
}

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
    pub(super) lock: RunnerLock,
    pub(super) since: DateTime<Utc>,
}

impl Holding {
    pub(crate) fn new(lock: RunnerLock, parts: &Parts) -> Self {
        let since = parts.clock.now();
        Self { lock, since }
    }
}

/// Takes the running role if it is there to be taken.
pub(crate) fn role(session: &Session, parts: &Parts) -> Result<Role, RunnerLockError> {
    match take_lock(&session.settings) {
        Ok(Some(lock)) => Ok(Role::Runner(Holding::new(lock, parts))),
        Ok(None) => Ok(Role::Client(None)),
        Err(held @ RunnerLockError::Held { .. }) => Ok(Role::Client(Some(held))),
        Err(error) => Err(error),
    }
}

fn can_run(session: &Session) -> bool {
    !matches!(session.settings.shape, Shape::Fleet { .. })
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
