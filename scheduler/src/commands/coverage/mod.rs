//! `coverage`: which days are complete, and which are not.

mod gaps;

use chrono::NaiveDate;
use ledgerfleet_connectors::{EntitySpec, connector_entry};
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, Missing};
use ledgerfleet_model::Connection;
use serde::Serialize;

use crate::cli::CoverageArgs;
use crate::exit::{Exit, Problem};
use crate::output::{Row, instant, optional, range, thousands};
use crate::plan::unknown_entity_of;
use crate::session::{Session, connections_named};
use gaps::{Gap, Known, Question, gaps};

pub(crate) async fn run(session: &Session, args: &CoverageArgs) -> anyhow::Result<Exit> {
    check_range(args.from, args.to)?;
    let parts = session.parts().await?;
    let connections = if args.connection.is_empty() {
        parts.ledger.connections().await?
    } else {
        connections_named(&*parts.ledger, &args.connection).await?
    };
    let filter = CoverageFilter {
        connections: connections.iter().map(|connection| connection.id).collect(),
        entities: entities(&connections, &args.entity)?,
        from: args.from,
        to: args.to,
    };
    if connections.is_empty() {
        show(session, &[])?;
        session
            .talk
            .say("there are no connections: nothing was ever asked for");
        return Ok(if args.exit_code { Exit::Failed } else { Exit::Done });
    }
    let covered = parts.ledger.coverage(&filter).await?;
    if !args.gaps {
        return show(session, &covered);
    }
    let missing = parts.ledger.asked_and_not_read(&filter).await?;
    let found = all_gaps(&connections, &filter, &covered, &missing);
    tell_gaps(session, &found)?;
    if filter.entities.is_empty() {
        tell_never_asked(session, &connections, &covered, &missing);
    }
    let fails = args.exit_code && !found.is_empty();
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

fn show(session: &Session, covered: &[CoverageRow]) -> anyhow::Result<Exit> {
    if session.output.is_for_people() {
        session.output.list(&Span::joined(covered))?;
    } else {
        session.output.list(covered)?;
    }
    Ok(Exit::Done)
}

pub(super) fn check_range(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<(), Problem> {
    match (from, to) {
        (Some(from), Some(to)) if to < from => Err(Problem::usage(
            format!("the range ends ({to}) before it starts ({from})"),
            format!("--from {to} --to {from}"),
        )),
        _ => Ok(()),
    }
}

/// The product's names of the entities that are meant; none for all.
pub(super) fn entities(connections: &[Connection], names: &[String]) -> anyhow::Result<Vec<String>> {
    if names.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        return Ok(Vec::new());
    }
    let entries = || {
        connections
            .iter()
            .filter_map(|connection| connector_entry(&connection.connector))
    };
    let known = |name: &String| {
        let found = entries().find_map(|entry| ledgerfleet_connectors::find_entity(entry, name));
        found
            .map(|entity| entity.name.to_owned())
            .ok_or_else(|| unknown_entity_of(name, entries()))
    };
    Ok(names.iter().map(known).collect::<Result<_, _>>()?)
}

/// The gaps of every entity that the filter names; without names, of those that were ever asked for.
fn all_gaps(
    connections: &[Connection],
    filter: &CoverageFilter,
    covered: &[CoverageRow],
    missing: &[Missing],
) -> Vec<Gap> {
    let known_of = |connection: &Connection, entity: &EntitySpec| Known {
        covered: covered
            .iter()
            .filter(|row| row.connection == connection.name && row.entity == entity.name)
            .collect(),
        missing: missing
            .iter()
            .filter(|gap| gap.connection == connection.name && gap.entity == entity.name)
            .collect(),
    };
    let mut found = Vec::new();
    for connection in connections {
        let is_known = covered.iter().any(|row| row.connection == connection.name)
            || missing.iter().any(|gap| gap.connection == connection.name);
        if !is_known && filter.entities.is_empty() {
            found.push(Gap::never_asked(&connection.name, filter.from, filter.to));
            continue;
        }
        let entities = connector_entry(&connection.connector).map_or(&[][..], |entry| entry.entities);
        for entity in entities {
            let known = known_of(connection, entity);
            let is_named = filter.entities.iter().any(|name| name == entity.name);
            if is_named || (filter.entities.is_empty() && !known.is_empty()) {
                let question = Question {
                    connection: &connection.name,
                    entity,
                    from: filter.from,
                    to: filter.to,
                };
                found.extend(gaps(&question, &known));
            }
        }
    }
    found
}

/// Says of how many entities nothing was ever asked for: what has no gaps may still lack half the books.
fn tell_never_asked(
    session: &Session,
    connections: &[Connection],
    covered: &[CoverageRow],
    missing: &[Missing],
) {
    for connection in connections {
        let asked = |entity: &&EntitySpec| {
            let read = covered.iter().map(|row| (&row.connection, &row.entity));
            let others = missing.iter().map(|gap| (&gap.connection, &gap.entity));
            read.chain(others)
                .any(|(name, asked)| *name == connection.name && asked == entity.name)
        };
        let of_all: Vec<&EntitySpec> = connector_entry(&connection.connector)
            .map_or(&[][..], |entry| entry.entities)
            .iter()
            .filter(|entity| entity.in_all)
            .collect();
        let never: Vec<&str> = of_all
            .iter()
            .filter(|entity| !asked(entity))
            .map(|entity| entity.name)
            .collect();
        if !never.is_empty() && never.len() < of_all.len() {
            session.talk.say(format!(
                "{}: never asked for {} of {} entities: {}",
                connection.name,
                never.len(),
                of_all.len(),
                never.join(", ")
            ));
        }
    }
}

fn tell_gaps(session: &Session, found: &[Gap]) -> anyhow::Result<()> {
    session.output.list(found)?;
    if found.is_empty() {
        session
            .talk
            .say("no gaps: every day that was asked for is complete");
        return Ok(());
    }
    let begins_with = |word: &str| found.iter().any(|gap| gap.why.starts_with(word));
    session
        .talk
        .say("to fill them: scheduler backfill with these connections, entities and days");
    if begins_with("dead") {
        session
            .talk
            .say("what is dead: scheduler dlq list --group; again: scheduler dlq replay");
    }
    if begins_with("pending") {
        session
            .talk
            .say("what is pending waits for its turn or for a person: scheduler doctor");
    }
    Ok(())
}

impl Row for Gap {
    const COLUMNS: &'static [&'static str] = &["connection", "entity", "by", "days", "count", "why"];
    const LESSER: &'static [&'static str] = &["count", "by"];
    const COLOURED: &'static [&'static str] = &["why"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.entity.clone(),
            self.axis.to_string(),
            range(self.from, self.to),
            optional(self.days),
            self.why.clone(),
        ]
    }
}

impl Row for CoverageRow {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "entity",
        "by",
        "from",
        "to",
        "state",
        "rows",
        "source count",
        "read",
        "last result",
        "note",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection.clone(),
            self.entity.clone(),
            self.axis.to_string(),
            optional(self.from),
            optional(self.to),
            self.state.to_string(),
            self.rows.to_string(),
            optional(self.source_count),
            instant(self.read_at),
            self.last_result.clone(),
            self.note.clone().unwrap_or_default(),
        ]
    }
}

/// Neighbouring windows of one state, as one line for people.
#[derive(Serialize)]
struct Span {
    first: CoverageRow,
    windows: u64,
    empty: u64,
}

impl Span {
    fn joined(rows: &[CoverageRow]) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for row in rows {
            let empty = u64::from(row.rows == 0);
            match spans.last_mut() {
                Some(span) if span.goes_on_with(row) => {
                    span.windows += 1;
                    span.empty += empty;
                    span.first.to = row.to;
                    span.first.rows += row.rows;
                    span.first.read_at = span.first.read_at.min(row.read_at);
                }
                _ => spans.push(Self {
                    first: row.clone(),
                    windows: 1,
                    empty,
                }),
            }
        }
        spans
    }

    fn goes_on_with(&self, row: &CoverageRow) -> bool {
        let touches = self
            .first
            .to
            .and_then(|day| day.succ_opt())
            .is_some_and(|next| row.from == Some(next));
        touches
            && self.first.connection == row.connection
            && self.first.entity == row.entity
            && self.first.axis == row.axis
            && self.first.state == row.state
            && self.first.last_result == row.last_result
            && self.first.note == row.note
    }
}

impl Row for Span {
    const COLUMNS: &'static [&'static str] = &[
        "connection",
        "entity",
        "by",
        "days",
        "state",
        "windows",
        "empty",
        "rows",
        "read",
        "last result",
        "note",
    ];
    const TEXTS: &'static [&'static str] = &["note"];
    const LESSER: &'static [&'static str] = &["last result", "empty", "by", "windows", "read"];

    fn cells(&self) -> Vec<String> {
        let row = &self.first;
        vec![
            row.connection.clone(),
            row.entity.clone(),
            row.axis.to_string(),
            range(row.from, row.to),
            row.state.to_string(),
            thousands(self.windows),
            thousands(self.empty),
            thousands(row.rows),
            instant(row.read_at),
            row.last_result.clone(),
            row.note.clone().unwrap_or_default(),
        ]
    }
}
