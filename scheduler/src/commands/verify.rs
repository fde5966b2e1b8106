//! `verify`: the source against what is stored.

use chrono::NaiveDate;
use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::{CoverageFilter, NewRun, NewSegment};
use ledgerfleet_model::{Axis, Connection, Days, Lane, RunId, SegmentId, Segmenting, Window};
use ledgerfleet_wiring::Parts;
use rust_decimal::Decimal;
use serde::Serialize;

use super::backfill::{carry_on, tell_submitted};
use crate::carry::{Holding, Role, role};
use crate::cli::VerifyArgs;
use crate::exit::{Exit, Problem};
use crate::output::{Row, counted, optional};
use crate::plan::{Part, Plan, Request, plan};
use crate::session::{Session, connections_named};
use crate::submit::submit;
use crate::upstream::Upstream;
use crate::verify::{Span, Subject, Tallies, Verdict, VerifyError, spans};

pub(crate) async fn run(session: &Session, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let plan = planned(session, &parts, args).await?;
    // Whoever asks a company on its own uses its gate, which only the holder of a file has.
    let holding = match role(session, &parts)? {
        Role::Runner(holding) => Some(holding),
        Role::Client(None) => None,
        Role::Client(Some(held)) => return Err(held.into()),
    };
    let mut found = compare_all(session, &parts, &plan).await?;
    show(session, &found)?;
    // What was paid for is shown first.
    if let Some(failed) = found.iter_mut().find_map(|found| found.failed.take()) {
        return Err(failed.into());
    }
    let worst = found
        .iter()
        .flat_map(Found::spans)
        .map(|span| span.tally.verdict());
    let worst = worst.max().unwrap_or(Verdict::Green);
    if args.fix && worst != Verdict::Green {
        return fix(session, &parts, &plan, &found, holding).await;
    }
    say_what_next(session, worst);
    Ok(if worst == Verdict::Red {
        Exit::Failed
    } else {
        Exit::Done
    })
}

async fn planned(session: &Session, parts: &Parts, args: &VerifyArgs) -> anyhow::Result<Plan> {
    let request = Request {
        connections: connections_named(&*parts.ledger, &args.connection).await?,
        entities: args.entity.clone(),
        from: args.from,
        to: args.to,
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day,
        page_size: session.settings.page_size,
        now: parts.clock.now(),
    };
    Ok(plan(&request)?)
}

/// What was found of one entity of one company.
struct Found {
    connection: Connection,
    entity: &'static EntitySpec,
    tallies: Tallies,
    /// Why it was not compared to its end.
    failed: Option<VerifyError>,
}

impl Found {
    fn spans(&self) -> Vec<Span> {
        spans(self.tallies.iter().map(|(day, tally)| (*day, *tally)))
    }

    /// The windows that have to be read again.
    fn windows(&self) -> impl Iterator<Item = Window> {
        let differing = self
            .tallies
            .iter()
            .filter(|(_, tally)| tally.verdict() != Verdict::Green);
        differing.map(|(day, _)| match day {
            None => Window::Whole,
            Some(day) => Window::Dates {
                days: Days {
                    from: *day,
                    to: *day + chrono::Days::new(1),
                },
            },
        })
    }
}

async fn compare_all(session: &Session, parts: &Parts, plan: &Plan) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut calls = 0;
    for Part {
        connection,
        entity,
        axis,
    } in plan.parts()
    {
        let upstream = Upstream::of(parts, connection).ok_or_else(|| {
            let what = format!("this program lacks the connector `{}`", connection.connector);
            Problem::usage(what, "a program of the version that added the connection")
        })?;
        let filter = CoverageFilter {
            connections: vec![connection.id],
            entities: vec![entity.name.to_owned()],
            ..CoverageFilter::default()
        };
        let coverage = parts.ledger.coverage(&filter).await?;
        let subject = Subject {
            upstream: &upstream,
            ledger: &*parts.ledger,
            entity,
            range: (*axis == Axis::TxnDate).then(|| plan.range()),
            coverage: &coverage,
        };
        let compared = subject.compare().await;
        calls += upstream.count_calls(entity.name).await?;
        let (tallies, failed) = match compared {
            Ok(tallies) => (tallies, None),
            Err(error) => {
                session.talk.warn(format!(
                    "{} {} is not verified: {error}",
                    connection.name, entity.name
                ));
                (Tallies::new(), Some(error))
            }
        };
        found.push(Found {
            connection: connection.clone(),
            entity,
            tallies,
            failed,
        });
    }
    session
        .talk
        .say(format!("{} asked", counted(calls.into(), "metered request")));
    Ok(found)
}

fn show(session: &Session, found: &[Found]) -> anyhow::Result<()> {
    let rows: Vec<VerifiedRow> = found
        .iter()
        .flat_map(|found| {
            let spans = found.spans();
            spans.into_iter().map(move |span| VerifiedRow::of(found, &span))
        })
        .collect();
    session.output.list(&rows)?;
    Ok(())
}

fn say_what_next(session: &Session, worst: Verdict) {
    session.talk.say(match worst {
        Verdict::Green => "what is stored is what the source has",
        Verdict::Yellow => {
            "what differs has changed at the source since it was read, or was never read: --fix reads it"
        }
        Verdict::Red => "something was lost, or is gone at the source: --fix reads those days again",
    });
}

/// Submits a run for whatever differs; embedded, carries it.
async fn fix(
    session: &Session,
    parts: &Parts,
    plan: &Plan,
    found: &[Found],
    holding: Option<Holding>,
) -> anyhow::Result<Exit> {
    let (run, segments) = repair(session, plan, found);
    let submitted = submit(parts, run, &mut segments.into_iter()).await?;
    tell_submitted(session, &submitted);
    let Some(holding) = holding else {
        session.talk.say(format!(
            "to see how it goes: scheduler run watch {}",
            submitted.run
        ));
        return Ok(Exit::Done);
    };
    carry_on(session, parts, submitted.run, holding).await
}

fn repair(session: &Session, plan: &Plan, found: &[Found]) -> (NewRun, Vec<NewSegment>) {
    let segments: Vec<NewSegment> = found
        .iter()
        .flat_map(|found| {
            found.windows().map(|window| NewSegment {
                id: SegmentId::new(),
                connection: found.connection.id,
                entity: found.entity.name.to_owned(),
                window,
            })
        })
        .collect();
    let differing = found.iter().filter(|found| found.windows().next().is_some());
    let (mut connections, mut entities) = (Vec::new(), Vec::new());
    for found in differing {
        connections.push(found.connection.name.clone());
        entities.push(found.entity.name.to_owned());
    }
    for names in [&mut connections, &mut entities] {
        names.sort_unstable();
        names.dedup();
    }
    let run = NewRun {
        id: RunId::new(),
        lane: Lane::Manual,
        connections,
        entities,
        from: Some(plan.range().from()),
        to: Some(plan.range().to()),
        axis: Axis::TxnDate,
        segmenting: Segmenting::Day.to_string(),
        page_size: session.settings.page_size,
        request_key: request_key(&segments),
        trace_context: None,
    };
    (run, segments)
}

/// Repairs of equal days have equal keys, and no backfill has one of them.
fn request_key(segments: &[NewSegment]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"verify");
    for segment in segments {
        let days = segment.window.days();
        hasher.update(format!("/{}/{}/{days:?}", segment.connection, segment.entity).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Days of one entity that are all well, or one that is not.
#[derive(Serialize)]
struct VerifiedRow {
    connection: String,
    entity: &'static str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    verdict: Verdict,
    source: u64,
    stored: u64,
    source_total: Option<Decimal>,
    stored_total: Option<Decimal>,
    missing: u64,
    different: u64,
    gone: u64,
}

impl VerifiedRow {
    fn of(found: &Found, span: &Span) -> Self {
        let tally = &span.tally;
        let total = |total: Option<Decimal>| found.entity.total.and(total);
        Self {
            connection: found.connection.name.clone(),
            entity: found.entity.name,
            from: span.days.map(|(from, _)| from),
            to: span.days.map(|(_, to)| to),
            verdict: tally.verdict(),
            source: tally.source.rows,
            stored: tally.stored.rows,
            source_total: total(tally.source.total),
            stored_total: total(tally.stored.total),
            missing: tally.missing,
            different: tally.different,
            gone: tally.gone,
        }
    }
}

impl Row for VerifiedRow {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "entity",
        "days",
        "verdict",
        "source",
        "stored",
        "source total",
        "stored total",
        "missing",
        "different",
        "gone",
    ];

    fn cells(&self) -> Vec<String> {
        let days = match (self.from, self.to) {
            (Some(from), Some(to)) if from != to => format!("{from}..{to}"),
            (Some(from), _) => from.to_string(),
            _ => "whole".to_owned(),
        };
        vec![
            self.connection.clone(),
            self.entity.to_owned(),
            days,
            self.verdict.word().to_owned(),
            self.source.to_string(),
            self.stored.to_string(),
            optional(self.source_total),
            optional(self.stored_total),
            self.missing.to_string(),
            self.different.to_string(),
            self.gone.to_string(),
        ]
    }
}
