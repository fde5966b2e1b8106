//! `dlq`: dead letters.

use ledgerfleet_ledger::{Attempt, DeadLetter, DeadLetterFilter, DeadLetterGroup};
use ledgerfleet_model::{SegmentId, Window};
use ledgerfleet_wiring::Parts;
use serde::Serialize;

use crate::carry::tell_if_nobody_runs;
use crate::cli::{DlqCommand, ReplayArgs, ReplayFilter};
use crate::exit::{Exit, Problem};
use crate::output::{Row, counted, instant, optional, span};
use crate::session::{Session, connections_named};

/// How many dead letters `replay --dry-run` shows.
const SHOWN: u32 = 1_000;

pub(crate) async fn run(session: &Session, command: DlqCommand) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    match command {
        DlqCommand::List { group: true, .. } => groups(session, &parts).await,
        DlqCommand::List { limit, .. } => list(session, &parts, limit).await,
        DlqCommand::Show { id } => show(session, &parts, id).await,
        DlqCommand::Replay(args) => replay(session, &parts, args).await,
    }
}

async fn list(session: &Session, parts: &Parts, limit: u32) -> anyhow::Result<Exit> {
    let letters = parts
        .ledger
        .dead_letters(&DeadLetterFilter::default(), limit)
        .await?;
    session.output.list(&letters)?;
    if letters.is_empty() {
        session.talk.say("no dead letters");
    }
    Ok(Exit::Done)
}

async fn groups(session: &Session, parts: &Parts) -> anyhow::Result<Exit> {
    session.output.list(
        &parts
            .ledger
            .dead_letter_groups(&DeadLetterFilter::default())
            .await?,
    )?;
    Ok(Exit::Done)
}

async fn show(session: &Session, parts: &Parts, id: SegmentId) -> anyhow::Result<Exit> {
    let filter = DeadLetterFilter {
        ids: vec![id],
        ..DeadLetterFilter::default()
    };
    let found = parts.ledger.dead_letters(&filter, 1).await?.pop();
    let letter =
        found.ok_or_else(|| Problem::usage(format!("there is no dead letter {id}"), "scheduler dlq list"))?;
    let history = parts.ledger.attempts(id).await?;
    let shown = WithHistory { letter, history };
    session.output.one(&shown)?;
    if session.output.is_for_people() {
        session.output.list(&shown.history)?;
        session
            .talk
            .say(format!("to try it again: scheduler dlq replay --id {id}"));
    }
    Ok(Exit::Done)
}

async fn replay(session: &Session, parts: &Parts, args: ReplayArgs) -> anyhow::Result<Exit> {
    let filter = filter(parts, args.which).await?;
    let matching = parts.ledger.count_dead_letters(&filter).await?;
    if args.dry_run {
        session
            .output
            .list(&parts.ledger.dead_letters(&filter, SHOWN).await?)?;
        session.talk.say(format!(
            "{} would be sent again; none was",
            counted(matching, "dead letter")
        ));
        return Ok(Exit::Done);
    }
    if matching == 0 {
        session
            .talk
            .say("no dead letter matches: there is nothing to send again");
    }
    let replayed = parts.ledger.replay(&filter, args.canary).await?;
    parts.bell.ring().await?;
    session.output.one(&ReplayedRow {
        matching,
        segments: replayed.segments,
        runs: replayed.runs,
    })?;
    let left = matching.saturating_sub(replayed.segments);
    if args.canary.is_some() && left > 0 {
        session.talk.say(format!(
            "{left} are left; if these fare well, the same command without --canary sends them"
        ));
    }
    if replayed.segments > 0 {
        tell_if_nobody_runs(session, parts)?;
    }
    Ok(Exit::Done)
}

async fn filter(parts: &Parts, which: ReplayFilter) -> anyhow::Result<DeadLetterFilter> {
    let connections = if which.connection.is_empty() {
        Vec::new()
    } else {
        connections_named(&*parts.ledger, &which.connection).await?
    };
    Ok(DeadLetterFilter {
        ids: which.id,
        run: which.run,
        connections: connections.iter().map(|connection| connection.id).collect(),
        entities: which.entity.iter().map(|name| product_name(name)).collect(),
        reason: None,
        fingerprint: which.fingerprint,
    })
}

/// The product's name of an entity; an unknown one stays as it is and matches nothing.
fn product_name(name: &str) -> String {
    let mut entries = ledgerfleet_connectors::REGISTRY.iter();
    let found = entries.find_map(|entry| ledgerfleet_connectors::find_entity(entry, name));
    found.map_or_else(|| name.to_owned(), |entity| entity.name.to_owned())
}

/// The days of a window as people say them, both ends included.
fn days(window: &Window) -> String {
    let Some(days) = window.days() else {
        return "whole".to_owned();
    };
    match days.to.pred_opt() {
        Some(last) if last != days.from => format!("{}..{last}", days.from),
        _ => days.from.to_string(),
    }
}

impl Row for DeadLetter {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "connection",
        "entity",
        "days",
        "reason",
        "message",
        "fingerprint",
        "attempts",
        "died",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.connection.clone(),
            self.entity.clone(),
            days(&self.window),
            self.reason.to_string(),
            self.message.clone(),
            self.fingerprint.clone(),
            self.attempts.to_string(),
            instant(self.died_at),
        ]
    }
}

impl Row for DeadLetterGroup {
    const COLUMNS: &'static [&'static str] = &[
        "fingerprint",
        "entity",
        "reason",
        "count",
        "message",
        "first",
        "last",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.fingerprint.clone(),
            self.entity.clone(),
            self.reason.to_string(),
            self.count.to_string(),
            self.message.clone(),
            instant(self.first_at),
            instant(self.last_at),
        ]
    }
}

impl Row for Attempt {
    const COLUMNS: &'static [&'static str] = &[
        "attempt",
        "outcome",
        "reason",
        "status",
        "code",
        "message",
        "request",
        "transaction",
        "times",
        "waited",
        "worker",
        "ended",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.attempt.to_string(),
            self.outcome.clone(),
            self.reason.clone(),
            optional(self.status),
            optional(self.upstream_code.as_deref()),
            self.message.clone(),
            optional(self.request.as_deref()),
            optional(self.transaction_id.as_deref()),
            self.times.to_string(),
            span(self.waited_seconds),
            self.worker.clone(),
            instant(self.ended_at),
        ]
    }
}

/// A dead letter and every attempt that was made.
#[derive(Serialize)]
struct WithHistory {
    #[serde(flatten)]
    letter: DeadLetter,
    history: Vec<Attempt>,
}

impl Row for WithHistory {
    const COLUMNS: &'static [&'static str] = DeadLetter::COLUMNS;

    fn cells(&self) -> Vec<String> {
        self.letter.cells()
    }
}

#[derive(Serialize)]
struct ReplayedRow {
    matching: u64,
    segments: u64,
    runs: u64,
}

impl Row for ReplayedRow {
    const COLUMNS: &'static [&'static str] = &["matching", "segments", "runs"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.matching.to_string(),
            self.segments.to_string(),
            self.runs.to_string(),
        ]
    }
}
