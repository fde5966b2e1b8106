//! `run`: shows and steers runs.

use ledgerfleet_ledger::{RunReport, Steer};
use ledgerfleet_model::{RunId, RunState};
use ledgerfleet_planning::ring;
use ledgerfleet_wiring::Parts;

use crate::cli::{IdArg, RunCommand};
use crate::exit::{Exit, Problem};
use crate::meant::{run_meant, shortened};
use crate::running::follow::follow;
use crate::running::patience::Patience;
use crate::running::report::{no_such_run, print};
use crate::running::role::tell_if_nobody_runs;
use crate::session::Session;
use crate::views::runs::RunLine;

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

async fn steer(session: &Session, parts: &Parts, id: &IdArg, steer: Steer) -> anyhow::Result<Exit> {
    let id = run_meant(&*parts.ledger, id).await?;
    let state = parts
        .ledger
        .steer_run(id, steer)
        .await?
        .ok_or_else(|| no_such_run(id))?;
    ring(&*parts.bell).await;
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
