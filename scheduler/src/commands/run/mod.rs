//! `run`: shows and steers runs.

use std::time::Duration;

use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_ledger::{Ledger, ReplayState, RunReport, Steer, WhichReplays};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_wiring::Parts;

use crate::advice::{of_quarantined, to_authorise};
use crate::braked::{closed, line};
use crate::cli::{IdArg, RunCommand};
use crate::exit::{Exit, Problem};
use crate::meant::{run_meant, shortened};
use crate::output::{counted, thousands};
use crate::running::carry::{abandoned, run_here, tell_if_nobody_runs};
use crate::running::patience::Patience;
use crate::running::watch::{Ended, Watched, Watching, exit_of, needing_authorisation, watch};
use crate::session::Session;
use crate::submit::ring;
use crate::views::runs::{RunDetails, RunLine};
use ledgerfleet_process::Stop;

/// How often a run that another process carries is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So many replays of a run are shown, the newest.
const REPLAYS: u32 = 20;

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

pub(crate) async fn run(session: &Session, command: RunCommand) -> anyhow::Result<Exit> {
    let parts = match command {
        RunCommand::Watch { .. } => session.parts_patiently().await?,
        _ => session.parts().await?,
    };
    match command {
        RunCommand::List { limit } => list(session, &parts, limit).await,
        RunCommand::Show { id } => show(session, &parts, run_meant(&*parts.ledger, &id).await?).await,
        RunCommand::Watch { id } => {
            let meant = async || run_meant(&*parts.ledger, &id).await;
            let id = Patience::FOLLOWING.with(&session.talk, meant).await?;
            follow(session, &parts, id, session.heed_signals()).await
        }
        RunCommand::Pause { id } => steer(session, &parts, &id, Steer::Pause).await,
        RunCommand::Resume { id } => steer(session, &parts, &id, Steer::Resume).await,
        RunCommand::Cancel { id } => steer(session, &parts, &id, Steer::Cancel).await,
    }
}

async fn list(session: &Session, parts: &Parts, limit: u32) -> anyhow::Result<Exit> {
    // One more, so that none that is shown is called like the first that is not.
    let runs = parts.ledger.runs(limit.saturating_add(1)).await?;
    let ids: Vec<String> = runs.iter().map(|run| run.run_id.to_string()).collect();
    let line = |(report, id): (RunReport, &str)| RunLine {
        report,
        short_id: id.to_owned(),
    };
    let lines = runs.into_iter().zip(shortened(&ids)).map(line);
    let rows: Vec<RunLine> = lines.take(usize::try_from(limit)?).collect();
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

async fn show(session: &Session, parts: &Parts, id: RunId) -> anyhow::Result<Exit> {
    print(session, &*parts.ledger, id).await?;
    Ok(Exit::Done)
}

/// Prints a run with its volumes and the replays of its dead letters.
pub(crate) async fn print(session: &Session, ledger: &dyn Ledger, id: RunId) -> anyhow::Result<()> {
    let report = ledger.run(id).await?.ok_or_else(|| no_such_run(id))?;
    let volumes = ledger.volumes(id).await?;
    let replays = ledger.replays(WhichReplays::OfRun(id), REPLAYS).await?;
    let run = RunDetails {
        report,
        volumes,
        replays,
    };
    session.output.one(&run)?;
    if session.output.is_for_people() {
        session.output.list(&run.volumes)?;
        if !run.replays.is_empty() {
            session.output.list(&run.replays)?;
        }
    }
    tell_details(session, &run);
    if !run.report.state.is_over() {
        let mut connections = ledger.connections().await?;
        connections.retain(|connection| run.report.connections.contains(&connection.name));
        for brake in closed(ledger, &connections).await? {
            session.talk.warn(line(&brake, &connections));
        }
    }
    Ok(())
}

/// Says what a person might overlook among the figures.
fn tell_details(session: &Session, run: &RunDetails) {
    for volume in run.volumes.iter().filter(|volume| volume.quarantined > 0) {
        session.talk.warn(of_quarantined(
            &volume.connection,
            &volume.entity,
            volume.quarantined,
        ));
    }
    let stopping = [ReplayState::Stopping, ReplayState::Stopped];
    let newest = run.replays.first();
    if let Some(replay) = newest.filter(|replay| stopping.contains(&replay.state)) {
        session.talk.warn(format!(
            "replay {} of its dead letters has stopped itself: {}\n  why: scheduler dlq list --run {} --group",
            replay.replay_id,
            replay.stopped_reason.as_deref().unwrap_or("its cause returned"),
            run.report.run_id
        ));
    }
    if run.report.deleted > 0 {
        session.talk.say(format!(
            "{} stored of its windows was gone at the source and is marked as deleted",
            counted(run.report.deleted, "record")
        ));
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

/// Prints how a run stands that was carried or followed, says what to do about it, and answers the code.
pub(crate) async fn conclude(
    session: &Session,
    parts: &Parts,
    report: &RunReport,
    ended: Ended,
) -> anyhow::Result<Exit> {
    if !matches!(ended, Ended::Signal(_)) || report.state.is_over() {
        let printing = async || print(session, &*parts.ledger, report.run_id).await;
        patience(session).with(&session.talk, printing).await?;
    }
    tell_conclusion(session, parts, report, ended).await
}

/// Whoever has waited for hours for a run is not told at its end that the ledger was away then.
fn patience(session: &Session) -> Patience {
    match session.settings.shape {
        Shape::Fleet { .. } => Patience::FOLLOWING,
        Shape::Embedded { .. } => Patience::CARRYING,
    }
}

/// Says what to do about a run that was carried or followed, and answers the code.
pub(crate) async fn tell_conclusion(
    session: &Session,
    parts: &Parts,
    report: &RunReport,
    ended: Ended,
) -> anyhow::Result<Exit> {
    if let Ended::Signal(exit) = ended {
        tell_resume(session, report);
        return Ok(exit);
    }
    let connections = async || parts.ledger.connections().await;
    let connections = patience(session).with(&session.talk, connections).await?;
    tell_end(session, report, ended, &connections);
    Ok(exit_of(report, ended, &connections))
}

/// How to go on after a signal.
pub(crate) fn tell_resume(session: &Session, report: &RunReport) {
    let (done, all) = (thousands(report.done), thousands(report.segments));
    session.talk.say(if report.state.is_over() {
        "stopped; this run is over. What others have handed to this process goes on with: scheduler serve"
            .to_owned()
    } else {
        format!("stopped; {done} of {all} segments are done and stay done. The same command goes on.")
    });
}

/// Says what a person has to do about a run that has not ended well.
pub(crate) fn tell_end(
    session: &Session,
    report: &RunReport,
    ended: Ended,
    connections: &[ledgerfleet_model::Connection],
) {
    let talk = &session.talk;
    if ended == Ended::Paused {
        talk.warn(format!(
            "the run is paused; to go on: scheduler run resume {}",
            report.run_id
        ));
    }
    for connection in needing_authorisation(report, connections) {
        let (name, reason) = (
            &connection.name,
            connection.state_reason.as_deref().unwrap_or("it was refused"),
        );
        talk.warn(format!(
            "{name} needs authorisation again: {reason}\n  \
             try: {}; then the same command goes on",
            to_authorise(connection)
        ));
    }
    if ended == Ended::Blocked && needing_authorisation(report, connections).next().is_none() {
        talk.warn("what is left waits for a connection that is paused: scheduler connection list");
    }
    if report.dead > 0 {
        talk.warn(format!(
            "{} segments are dead; why: scheduler dlq list --group; again: scheduler dlq replay --run {}",
            report.dead, report.run_id
        ));
    }
}

async fn steer(session: &Session, parts: &Parts, id: &IdArg, steer: Steer) -> anyhow::Result<Exit> {
    let id = run_meant(&*parts.ledger, id).await?;
    let state = parts
        .ledger
        .steer_run(id, steer)
        .await?
        .ok_or_else(|| no_such_run(id))?;
    ring(parts).await;
    let wanted = match steer {
        Steer::Pause => RunState::Paused,
        Steer::Resume => RunState::Active,
        Steer::Cancel => RunState::Cancelled,
    };
    session.talk.say(format!("run {id} is {state}"));
    if state == RunState::Active {
        tell_if_nobody_runs(session, parts)?;
    }
    if state == wanted {
        return Ok(Exit::Done);
    }
    let what = format!("the run is over ({state}) and stays so");
    Err(Problem::new(Exit::Failed, what, format!("scheduler run show {id}")).into())
}

pub(crate) fn no_such_run(id: RunId) -> Problem {
    Problem::usage(format!("there is no run {id}"), "scheduler run list")
}
