//! `model`: the tables in which people read the records.

mod rows;

use ledgerfleet_analysis::{dictionary, layout, layouts};
use ledgerfleet_ledger::{Extent, Ledger, Model, ModelState};
use ledgerfleet_planning::connections_named;
use ledgerfleet_wiring::Parts;

use crate::cli::{DictionaryArgs, ModelCommand, NotesArgs, RefreshArgs};
use crate::exit::{Exit, Problem, explain};
use crate::output::{Output, Talk, counted};
use crate::session::Session;
use crate::views::checks::Check;
use rows::{EntryRow, ModelRow, NoteRow};

pub(crate) async fn run(session: &Session, command: ModelCommand) -> anyhow::Result<Exit> {
    match command {
        ModelCommand::Refresh(args) => refresh(session, &args).await,
        ModelCommand::Notes(args) => notes(session, &args).await,
        ModelCommand::Grant { role } => grant(session, &role).await,
        ModelCommand::Dictionary(args) => dictionary(session, &args),
    }
}

async fn refresh(session: &Session, args: &RefreshArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let chosen = chosen(&parts, &args.connection).await?;
    let extent = if args.full { Extent::All } else { Extent::Differing };
    let models = parts.ledger.lay_out(extent).await?;
    let connections = parts.ledger.connections().await?;
    let mut rows = Vec::new();
    for model in models
        .into_iter()
        .filter(|model| chosen.contains(&model.connection))
    {
        let refreshed = match connections.iter().find(|held| held.name == model.connection) {
            Some(connection) if args.typed => Some(parts.ledger.refresh_typed(connection, extent).await?),
            _ => None,
        };
        rows.push(ModelRow::new(model, refreshed));
    }
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

async fn notes(session: &Session, args: &NotesArgs) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    let chosen = chosen(&parts, &args.connection).await?;
    let mut rows = Vec::new();
    for connection in parts.ledger.connections().await? {
        if chosen.contains(&connection.name) {
            let notes = parts.ledger.typing_notes(&connection).await?;
            rows.extend(notes.into_iter().map(|note| NoteRow::new(&connection.name, note)));
        }
    }
    session.output.list(&rows)?;
    let found = !rows.is_empty();
    if !found {
        session.talk.say("every value is of its column's type");
    }
    Ok(if found && args.exit_code {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The names of those that were asked for; of all, if none was.
async fn chosen(parts: &Parts, names: &[String]) -> anyhow::Result<Vec<String>> {
    let ledger = &*parts.ledger;
    let connections = if names.is_empty() {
        ledger.connections().await?
    } else {
        connections_named(ledger, names).await?
    };
    Ok(connections
        .into_iter()
        .map(|connection| connection.name)
        .collect())
}

async fn grant(session: &Session, role: &str) -> anyhow::Result<Exit> {
    let parts = session.parts().await?;
    parts.ledger.lay_out(Extent::Differing).await?;
    let schemas = parts.ledger.grant_models(role).await?;
    session.talk.say(format!(
        "{role} may read the tables of {}, and what is in `books`; of a company that is added later after the same command",
        counted(schemas, "connection")
    ));
    Ok(Exit::Done)
}

fn dictionary(session: &Session, args: &DictionaryArgs) -> anyhow::Result<Exit> {
    let layout = layout(&args.connector).ok_or_else(|| no_layout(&args.connector))?;
    if session.output.is_for_people() {
        Output::text(&dictionary::page(layout))?;
    } else {
        let rows: Vec<EntryRow> = dictionary::entries(layout).into_iter().map(EntryRow).collect();
        session.output.list(&rows)?;
    }
    Ok(Exit::Done)
}

fn no_layout(connector: &str) -> Problem {
    let names: Vec<&str> = layouts().iter().map(|layout| layout.connector).collect();
    let next = format!("--connector {}", names.join(", or --connector "));
    Problem::usage(format!("there are no tables of a connector `{connector}`"), next)
}

/// Brings the tables into line with the connections, after these have changed. What fails is said, and is no failure of
/// what was asked for: the records are there, and `model refresh` makes up for it.
pub(crate) async fn follow(ledger: &dyn Ledger, talk: &Talk) {
    if let Err(error) = ledger.lay_out(Extent::Differing).await {
        let why = explain(&error).and_then(|problem| problem.why);
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        talk.warn(format!(
            "the tables for analysis are not up to date: {error}{why}; then: scheduler model refresh"
        ));
    }
}

/// Whether the tables of every company are as this program makes them.
pub(crate) async fn check(parts: &Parts) -> anyhow::Result<Check> {
    let models = parts.ledger.models().await?;
    let differing: Vec<&Model> = models
        .iter()
        .filter(|model| model.state != ModelState::Current)
        .collect();
    let Some(first) = differing.first() else {
        let count = counted(models.len().try_into().unwrap_or(u64::MAX), "company");
        return Ok(Check::good(
            "tables",
            format!("of {count}, as this version makes them"),
        ));
    };
    let more = match differing.len() - 1 {
        0 => String::new(),
        more => format!(", and those of {more} more"),
    };
    let detail = format!("those of {} are {}{more}", first.connection, first.state);
    Ok(Check::doubtful("tables", detail, "scheduler model refresh"))
}
