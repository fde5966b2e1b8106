//! Follow: a run that another process carries, to its end.

use std::time::Duration;

use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_ledger::RunReport;
use ledgerfleet_model::RunId;
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::Parts;

use super::carry::run_here;
use super::report::{conclude, no_such_run};
use super::role::abandoned;
use super::watch::{Ended, Watched, Watching, watch};
use crate::exit::Exit;
use crate::session::Session;

/// How often a run that another process carries is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to say when nobody claims what is due.
fn nobody_works(settings: &Settings) -> &'static str {
    match settings.shape {
        Shape::Embedded { .. } => {
            "nothing has been claimed for 30 s: no process runs this file. Start one: scheduler serve"
        }
        Shape::Fleet { .. } => {
            "nothing has been claimed for 30 s: no worker runs. Start one with these settings: worker"
        }
    }
}

/// Follows a run that another process carries, and prints how it stands at the end.
pub(crate) async fn follow(session: &Session, parts: &Parts, id: RunId, stop: &Stop) -> anyhow::Result<Exit> {
    match followed(session, parts, id, stop).await? {
        Followed::Left(exit) => Ok(exit),
        Followed::Ended(report, ended) => conclude(session, parts, &report, ended).await,
    }
}

/// What came of following a run.
pub(crate) enum Followed {
    /// A signal came, and the run goes on without us.
    Left(Exit),
    /// It has ended so.
    Ended(Box<RunReport>, Ended),
}

/// Follows a run that another process carries to its end. If that process goes away and this one can run segments, this
/// one goes on with them.
pub(crate) async fn followed(
    session: &Session,
    parts: &Parts,
    id: RunId,
    stop: &Stop,
) -> anyhow::Result<Followed> {
    let watching = Watching {
        parts,
        run: id,
        every: LOOK_EVERY,
        if_nobody_works: Some(nobody_works(&session.settings)),
    };
    let role = tokio::select! {
        watched = watch(&watching, &session.talk, stop) => {
            return match watched? {
                Watched::Unknown => Err(no_such_run(id).into()),
                Watched::Told(exit) => {
                    session.talk.say(format!(
                        "the run goes on; to see it again: scheduler run watch {id}"
                    ));
                    Ok(Followed::Left(exit))
                }
                Watched::Ended(report, ended) => Ok(Followed::Ended(report, ended)),
            };
        }
        role = abandoned(session, parts, id) => role?,
    };
    session
        .talk
        .say("no process runs the segments of this database: this one goes on with them");
    let (report, ended) = run_here(session, parts, id, role, stop).await?;
    Ok(Followed::Ended(Box::new(report), ended))
}
