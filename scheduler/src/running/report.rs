//! Report: how a run stands, and what a person has to do about it.

use ledgerfleet_config::Shape;
use ledgerfleet_ledger::{Ledger, ReplayState, RunReport, WhichReplays};
use ledgerfleet_model::{Connection, RunId};
use ledgerfleet_wiring::Parts;

use super::patience::Patience;
use super::watch::{Ended, exit_of, needing_authorisation};
use crate::advice::{of_quarantined, to_authorise};
use crate::braked::{closed, line};
use crate::exit::{APP_KEYS, Exit, Problem};
use crate::output::{counted, thousands};
use crate::session::Session;
use crate::views::runs::RunDetails;

/// So many replays of a run are shown, the newest.
const REPLAYS: u32 = 20;

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
            "gone at the source, and marked as deleted: {} of its windows",
            counted(run.report.deleted, "record")
        ));
    }
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
    if ended == Ended::Budget {
        tell_budget(session, parts, report, &connections).await?;
    }
    Ok(exit_of(report, ended, &connections))
}

/// Until when what is left of a run waits for calls.
async fn tell_budget(
    session: &Session,
    parts: &Parts,
    report: &RunReport,
    connections: &[Connection],
) -> anyhow::Result<()> {
    let mut companies = connections.to_vec();
    companies.retain(|company| report.connections.contains(&company.name));
    for (_, exhausted) in parts.budget.exhausted(&companies).await?.into_iter().take(1) {
        session.talk.warn(format!(
            "{exhausted}, where `serve` or a worker runs\n  try: scheduler quota; more calls: quickbooks.monthly_calls, \
             quickbooks.reserve"
        ));
    }
    Ok(())
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
pub(crate) fn tell_end(session: &Session, report: &RunReport, ended: Ended, connections: &[Connection]) {
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
    if ended == Ended::KeysRefused {
        let name = report.connections.first().map_or("NAME", String::as_str);
        talk.warn(format!(
            "the upstream refuses the keys of this app, and no company is to blame\n  try: {APP_KEYS} {name}; then the \
             same command goes on"
        ));
    }
    if ended == Ended::Blocked && needing_authorisation(report, connections).next().is_none() {
        talk.warn("what is left waits for a connection that is paused: scheduler connection list");
    }
    if report.dead > 0 {
        talk.warn(format!(
            "{} {} dead; why: scheduler dlq list --group; again: scheduler dlq replay --run {}",
            counted(report.dead, "segment"),
            if report.dead == 1 { "is" } else { "are" },
            report.run_id
        ));
    }
}

/// The refusal of an id that no run has.
pub(crate) fn no_such_run(id: RunId) -> Problem {
    Problem::usage(format!("there is no run {id}"), "scheduler run list")
}
