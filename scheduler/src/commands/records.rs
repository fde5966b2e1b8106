//! `records`: what is stored.

use ledgerfleet_connectors::{EntitySpec, connector_entry, find_entity};
use ledgerfleet_ledger::{RecordFilter, StoredRecord};
use ledgerfleet_model::Connection;
use serde::Serialize;

use crate::cli::RecordsArgs;
use crate::exit::{Exit, Problem};
use crate::output::{Row, instant, optional};
use crate::plan::{PlanError, unknown_entity_of};
use crate::session::{Session, connection_named};

pub(crate) async fn run(session: &Session, args: RecordsArgs) -> anyhow::Result<Exit> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        let what = format!("the range ends ({to}) before it starts ({from})");
        return Err(Problem::usage(what, format!("--from {to} --to {from}")).into());
    }
    let parts = session.parts().await?;
    let connection = connection_named(&*parts.ledger, &args.connection).await?;
    let entity = entity_of(&connection, &args.entity)?;
    let filter = RecordFilter {
        connection: connection.id,
        table: entity.table.to_owned(),
        id: args.id,
        from: args.from,
        to: args.to,
        limit: args.limit,
    };
    let rows: Vec<RecordRow> = parts
        .ledger
        .records(&filter)
        .await?
        .into_iter()
        .map(RecordRow)
        .collect();
    session.output.list(&rows)?;
    if rows.len() as u64 == u64::from(args.limit) {
        session.talk.say(format!(
            "there may be more: these are the first {}; --limit N shows others",
            args.limit
        ));
    }
    Ok(Exit::Done)
}

/// The entity that is meant, of one connection's connector.
pub(crate) fn entity_of(connection: &Connection, name: &str) -> Result<&'static EntitySpec, PlanError> {
    let entry = connector_entry(&connection.connector).ok_or_else(|| PlanError::UnknownConnector {
        connection: connection.name.clone(),
        connector: connection.connector.clone(),
    })?;
    find_entity(entry, name).ok_or_else(|| unknown_entity_of(name, std::iter::once(entry)))
}

#[derive(Serialize)]
#[serde(transparent)]
struct RecordRow(StoredRecord);

impl Row for RecordRow {
    const COLUMNS: &'static [&'static str] = &[
        "id", "version", "updated", "date", "observed", "deleted", "payload",
    ];

    fn cells(&self) -> Vec<String> {
        let Self(record) = self;
        vec![
            record.id.clone(),
            optional(record.source_version),
            record.source_updated_at.map(instant).unwrap_or_default(),
            optional(record.document_date),
            instant(record.observed_at),
            record.deleted_at.map(instant).unwrap_or_default(),
            record.payload.get().to_owned(),
        ]
    }
}
