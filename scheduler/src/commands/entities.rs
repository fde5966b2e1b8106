//! `entities`: what a connector can copy, and what `all` means.

use ledgerfleet_connectors::{ConnectorEntry, EntityKind, EntitySpec, REGISTRY, connector_entry};
use serde::Serialize;

use crate::cli::EntitiesArgs;
use crate::exit::{Exit, Problem};
use crate::output::Row;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &EntitiesArgs) -> anyhow::Result<Exit> {
    let entries: Vec<&ConnectorEntry> = match &args.connector {
        Some(name) => vec![connector_entry(name).ok_or_else(|| no_such_connector(name))?],
        None => REGISTRY.iter().collect(),
    };
    let row = |entry: &ConnectorEntry, entity: &'static EntitySpec| EntityRow {
        connector: entry.name,
        entity: entity.name,
        kind: kind(entity.kind),
        cut_by: entity.default_axis().to_string(),
        in_all: entity.in_all,
        source: entity.upstream,
        view: entity.table,
    };
    let rows: Vec<EntityRow> = entries
        .into_iter()
        .flat_map(|entry| entry.entities.iter().map(move |entity| row(entry, entity)))
        .collect();
    session.output.list(&rows)?;
    session.talk.say(
        "`all` means those with `yes`; the others are named one by one. What is cut by txn_date is asked for day by day, the \
         rest at once",
    );
    Ok(Exit::Done)
}

fn kind(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Document => "document",
        EntityKind::List => "list",
        EntityKind::Single => "single",
    }
}

fn no_such_connector(name: &str) -> Problem {
    let names: Vec<&str> = REGISTRY.iter().map(|entry| entry.name).collect();
    let next = format!("--connector {}", names.join(", or --connector "));
    Problem::usage(format!("there is no connector `{name}`"), next)
}

/// One entity of one connector.
#[derive(Serialize)]
struct EntityRow {
    connector: &'static str,
    entity: &'static str,
    kind: &'static str,
    cut_by: String,
    in_all: bool,
    source: &'static str,
    view: &'static str,
}

impl Row for EntityRow {
    const COLUMNS: &'static [&'static str] =
        &["entity", "kind", "cut by", "all", "source", "view", "connector"];
    const LESSER: &'static [&'static str] = &["connector", "view", "source"];

    fn cells(&self) -> Vec<String> {
        let all = if self.in_all { "yes" } else { "no" };
        [
            self.entity,
            self.kind,
            &self.cut_by,
            all,
            self.source,
            self.view,
            self.connector,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}
