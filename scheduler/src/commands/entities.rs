//! `entities`: what a connector can copy, and what `all` means.

use ledgerfleet_connectors::{ConnectorEntry, EntityKind, EntitySpec, REGISTRY, connector_entry};

use crate::cli::EntitiesArgs;
use crate::exit::{Exit, Problem};
use crate::session::Session;
use crate::views::entities::EntityRow;

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
