//! `backfill`: copies a range of days.

use ledgerfleet_ledger::Submitted;
use ledgerfleet_model::RunId;
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::Parts;
use serde::Serialize;

use super::run::{conclude, follow};
use crate::carry::{Holding, Role, role, run_here};
use crate::cli::BackfillArgs;
use crate::exit::Exit;
use crate::output::{Row, counted};
use crate::plan::{Plan, Request, plan};
use crate::session::{Session, connections_named};
use crate::submit::submit;

pub(crate) async fn run(session: &Session, args: &BackfillArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let plan = planned(session, &parts, args).await?;
    if args.dry_run {
        return show(session, &plan);
    }
    match role(session, &parts)? {
        Role::Runner(role) => carry(session, &parts, &plan, role).await,
        Role::Client(holder) => {
            if let Some(held) = holder {
                session.talk.say(format!("{held}; this request is handed to it"));
            }
            hand_over(session, &parts, &plan, args.wait).await
        }
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

/// Submits; somebody else runs it.
async fn hand_over(session: &Session, parts: &Parts, plan: &Plan, wait: bool) -> anyhow::Result<Exit> {
    let submitted = submit(parts, plan.run(), &mut plan.segments()).await?;
    let stop = session.heed_signals();
    tell_submitted(session, &submitted);
    if wait {
        return follow(session, parts, submitted.run, stop).await;
    }
    // Who had the role may have given it up without having seen this request.
    if let Role::Runner(role) = role(session, parts)? {
        return carry_on(session, parts, submitted.run, role, stop).await;
    }
    session.output.one(&SubmittedRow(submitted))?;
    Ok(Exit::Done)
}

/// Submits and runs it here, to its end.
async fn carry(session: &Session, parts: &Parts, plan: &Plan, role: Holding) -> anyhow::Result<Exit> {
    let submitted = submit(parts, plan.run(), &mut plan.segments()).await?;
    // Until here a signal ends the process as usual, and nothing or everything is submitted. Whoever is told of a run can
    // stop it.
    let stop = session.heed_signals();
    tell_submitted(session, &submitted);
    carry_on(session, parts, submitted.run, role, stop).await
}

async fn carry_on(
    session: &Session,
    parts: &Parts,
    run: RunId,
    role: Holding,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let (report, ended) = run_here(session, parts, run, role, stop).await?;
    conclude(session, parts, &report, ended).await
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
