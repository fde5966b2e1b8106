//! `backfill`: copies a range of days.

use std::sync::Arc;

use ledgerfleet_ledger::Submitted;
use ledgerfleet_model::RunId;
use ledgerfleet_planning::{Estimate, Part, Plan, Request, connections_named, plan, submit};
use ledgerfleet_process::Stop;
use ledgerfleet_upstream::Asking;
use ledgerfleet_wiring::Parts;

use super::estimate::{estimate, estimate_by_asking, estimate_soon};
use crate::cli::BackfillArgs;
use crate::exit::Exit;
use crate::output::counted;
use crate::running::carry::run_here;
use crate::running::follow::follow;
use crate::running::patience::Patience;
use crate::running::report::conclude;
use crate::running::role::{Holding, Role, role};
use crate::session::Session;
use crate::views::plans::{Document, Planned, SubmittedRow, told};
use crate::waits::Waits;

pub(crate) async fn run(session: &Session, args: &BackfillArgs) -> anyhow::Result<Exit> {
    let parts = if args.wait {
        session.parts_patiently().await?
    } else {
        session.parts().await?
    };
    let plan = planned(session, &parts, args).await?;
    tell_left_out(session, &plan, &args.entity);
    if args.dry_run {
        return show(session, &parts, &plan, args.ask).await;
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
    let named = async || connections_named(&*parts.ledger, &args.connection).await;
    let connections = patience(args.wait).with(&session.talk, named);
    let request = Request {
        connections: connections.await?,
        entities: args.entity.clone(),
        from: args.from,
        to: args.to,
        axis: args.by.into(),
        segmenting: args.segment.map_or(session.settings.segment, Into::into),
        page_size: args.page_size.unwrap_or(session.settings.page_size),
        now: parts.clock.now(),
        upper_margin: parts.timings.upper_margin,
    };
    Ok(plan(&request)?)
}

/// Who waits for the run waits for a database that stands still, too.
fn patience(wait: bool) -> Patience {
    if wait {
        Patience::SUBMITTING
    } else {
        Patience::NONE
    }
}

/// Submits; somebody else runs it.
async fn hand_over(session: &Session, parts: &Parts, plan: &Plan, wait: bool) -> anyhow::Result<Exit> {
    let submitting = async || submit(&*parts.ledger, &*parts.bell, plan.run(), &mut plan.segments()).await;
    // What was stored although its answer was lost is joined by the next try.
    let submitted = patience(wait).with(&session.talk, submitting).await?;
    let stop = session.heed_signals();
    tell_submitted(session, &submitted);
    tell_cost(session, parts, plan).await;
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
    let submitted = submit(&*parts.ledger, &*parts.bell, plan.run(), &mut plan.segments()).await?;
    // Until here a signal ends the process as usual, and nothing or everything is submitted. Whoever is told of a run can
    // stop it.
    let stop = session.heed_signals();
    tell_submitted(session, &submitted);
    tell_cost(session, parts, plan).await;
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

async fn show(session: &Session, parts: &Parts, plan: &Plan, ask: bool) -> anyhow::Result<Exit> {
    let estimate = if ask {
        asked(session, parts, plan).await?
    } else {
        estimate(parts, plan).await?
    };
    tell_prices(session, plan, &estimate);
    for warning in &estimate.warnings {
        session.talk.warn(warning);
    }
    session.talk.say("nothing was submitted");
    if session.output.is_one_document() {
        session.output.one(&Document(estimate))?;
    } else {
        let rows: Vec<Planned> = estimate.parts.into_iter().map(Planned).collect();
        session.output.list(&rows)?;
    }
    Ok(Exit::Done)
}

/// What a plan costs by what its sources count now.
async fn asked<'a>(session: &'a Session, parts: &Parts, plan: &'a Plan) -> anyhow::Result<Estimate> {
    let stop = session.heed_signals();
    let asking = |part: &'a Part| {
        let company = parts.company(Arc::new(part.connection.clone()))?;
        let waits = Waits {
            talk: &session.talk,
            company: &part.connection.name,
            entity: part.entity.name,
        };
        anyhow::Ok(Asking::once(parts.means(), company, stop.token().clone(), waits))
    };
    estimate_by_asking(parts, plan, asking).await
}

/// Says what a plan costs, and what it would cost if it were cut otherwise.
fn tell_prices(session: &Session, plan: &Plan, estimate: &Estimate) {
    let talk = &session.talk;
    talk.say(format!(
        "with --segment {}: {}",
        plan.segmenting(),
        told(&estimate.total)
    ));
    for price in &estimate.otherwise {
        talk.say(format!("with --segment {}: {}", price.segmenting, told(price)));
    }
}

/// The same of what was submitted. What cannot be told keeps nothing from being done.
async fn tell_cost(session: &Session, parts: &Parts, plan: &Plan) {
    match estimate_soon(parts, plan).await {
        Ok(estimate) => tell_prices(session, plan, &estimate),
        Err(error) => tracing::debug!(%error, "what it costs is not told"),
    }
}

/// Says which entities `all` does not mean, and that they can be named.
pub(super) fn tell_left_out(session: &Session, plan: &Plan, names: &[String]) {
    let left_out = plan.left_out(names);
    if !left_out.is_empty() {
        session.talk.say(format!(
            "`all` leaves out {}; whoever wants {} names {1}",
            left_out.join(", "),
            if left_out.len() == 1 { "it" } else { "them" },
        ));
    }
}
