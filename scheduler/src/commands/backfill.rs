//! `backfill`: copies a range of days.

use ledgerfleet_connectors::connector_entry;
use ledgerfleet_ledger::Submitted;
use ledgerfleet_model::{RunId, Segmenting};
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::Parts;
use serde::Serialize;

use super::run::{conclude, follow};
use crate::cli::BackfillArgs;
use crate::exit::Exit;
use crate::output::{Row, counted, span, thousands};
use crate::plan::{Part, Plan, Request, plan};
use crate::running::carry::{Holding, Role, role, run_here};
use crate::running::patience::Patience;
use crate::session::{Session, connections_named};
use crate::submit::submit;

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
    let submitting = async || submit(parts, plan.run(), &mut plan.segments()).await;
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
    /// At least.
    requests: u64,
}

impl Row for Planned {
    const COLUMNS: &'static [&'static str] = &["connection", "entity", "by", "segments"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.entity.to_owned(),
            self.axis.clone(),
            thousands(self.segments),
        ]
    }
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
    let cost = Cost::of(parts, plan, plan.segmenting());
    session
        .talk
        .say(format!("{}; nothing was submitted", cost.told()));
    if plan.segmenting() != Segmenting::Month {
        let by_month = Cost::of(parts, plan, Segmenting::Month);
        if by_month.requests < cost.requests {
            session
                .talk
                .say(format!("with --segment month: {}", by_month.told()));
        }
    }
    Ok(Exit::Done)
}

/// What a plan costs at least: a request a segment. Days with more rows than a page take more.
struct Cost {
    requests: u64,
    /// At the companies' own limits, side by side: the busiest decides.
    seconds: f64,
    /// Of the calls that the upstream's free plan grants in a month.
    share: Option<f64>,
}

impl Cost {
    fn of(parts: &Parts, plan: &Plan, segmenting: Segmenting) -> Self {
        let mut cost = Self {
            requests: 0,
            seconds: 0.0,
            share: None,
        };
        for connection in plan.connections() {
            let of_it = plan
                .parts()
                .iter()
                .filter(|part| part.connection.id == connection.id);
            let requests: u64 = of_it.map(|part| plan.count(part, segmenting)).sum();
            cost.requests += requests;
            let Some(entry) = connector_entry(&connection.connector) else {
                continue;
            };
            let rate = parts.gate_limits(connection, entry).requests_per_second;
            cost.seconds = cost
                .seconds
                .max(as_number(requests) / rate.max(f64::MIN_POSITIVE));
            if let Some(free) = entry.free_calls_a_month {
                *cost.share.get_or_insert(0.0) += as_number(requests) / f64::from(free);
            }
        }
        cost
    }

    fn told(&self) -> String {
        let share = self.share.map_or_else(String::new, |share| {
            format!(
                ", {:.1} % of the calls that a free plan grants in a month",
                share * 100.0
            )
        });
        format!(
            "at least {}, {} at the companies' own limits{share}",
            counted(self.requests, "metered request"),
            span(self.seconds)
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and only shown")]
fn as_number(count: u64) -> f64 {
    count as f64
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
