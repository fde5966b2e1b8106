//! `backfill`: copies a range of days.

use ledgerfleet_ledger::Submitted;
use ledgerfleet_model::{RunId, Segmenting};
use ledgerfleet_planning::{Cost, Part, Plan, Request, connections_named, plan, submit};
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::Parts;

use crate::cli::BackfillArgs;
use crate::exit::Exit;
use crate::output::{counted, span};
use crate::running::carry::run_here;
use crate::running::follow::follow;
use crate::running::patience::Patience;
use crate::running::report::conclude;
use crate::running::role::{Holding, Role, role};
use crate::session::Session;
use crate::views::plans::{Planned, SubmittedRow};

pub(crate) async fn run(session: &Session, args: &BackfillArgs) -> anyhow::Result<Exit> {
    let parts = if args.wait {
        session.parts_patiently().await?
    } else {
        session.parts().await?
    };
    let plan = planned(session, &parts, args).await?;
    tell_left_out(session, &plan, &args.entity);
    if args.dry_run {
        return show(session, &parts, &plan);
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
        segmenting: args.segment.into(),
        page_size: args.page_size.unwrap_or(session.settings.page_size),
        now: parts.clock.now(),
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

fn show(session: &Session, parts: &Parts, plan: &Plan) -> anyhow::Result<Exit> {
    let row = |part: &Part| {
        let segments = plan.count(part, plan.segmenting());
        Planned {
            connection: part.connection.name.clone(),
            entity: part.entity.name,
            axis: part.axis.to_string(),
            segments,
            requests: segments,
        }
    };
    let rows: Vec<Planned> = plan.parts().iter().map(row).collect();
    session.output.list(&rows)?;
    let cost_of = |segmenting| {
        Cost::of(plan, segmenting, |connection, entry| {
            parts.gate_limits(connection, entry).requests_per_second
        })
    };
    let cost = cost_of(plan.segmenting());
    session
        .talk
        .say(format!("{}; nothing was submitted", told(&cost)));
    if plan.segmenting() != Segmenting::Month {
        let by_month = cost_of(Segmenting::Month);
        if by_month.requests < cost.requests {
            session
                .talk
                .say(format!("with --segment month: {}", told(&by_month)));
        }
    }
    Ok(Exit::Done)
}

/// What a plan costs when it is cut so, in a line.
fn told(cost: &Cost) -> String {
    let share = cost.share.map_or_else(String::new, |share| {
        format!(
            ", {:.1} % of the calls that a free plan grants in a month",
            share * 100.0
        )
    });
    format!(
        "at least {}, {} at the companies' own limits{share}",
        counted(cost.requests, "metered request"),
        span(cost.seconds)
    )
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
