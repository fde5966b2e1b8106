//! `records`: what is stored.

use ledgerfleet_connectors::{EntitySpec, connector_entry, find_entity};
use ledgerfleet_ledger::{Ledger, QuarantineFilter, QuarantinedRecord, RecordFilter, StoredRecord};
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
    let limit = args.limit;
    let shown = if args.quarantined {
        list_quarantined(session, &*parts.ledger, &connection, entity, args).await?
    } else {
        list_stored(session, &*parts.ledger, &connection, entity, args).await?
    };
    if shown as u64 == u64::from(limit) {
        session.talk.say(format!(
            "there may be more: these are the first {limit}; --limit N shows others"
        ));
    }
    Ok(Exit::Done)
}

async fn list_stored(
    session: &Session,
    ledger: &dyn Ledger,
    connection: &Connection,
    entity: &EntitySpec,
    args: RecordsArgs,
) -> anyhow::Result<usize> {
    let filter = RecordFilter {
        connection: connection.id,
        table: entity.table.to_owned(),
        id: args.id,
        from: args.from,
        to: args.to,
        limit: args.limit,
    };
    let rows: Vec<RecordRow> = ledger
        .records(&filter)
        .await?
        .into_iter()
        .map(RecordRow)
        .collect();
    session.output.list(&rows)?;
    Ok(rows.len())
}

async fn list_quarantined(
    session: &Session,
    ledger: &dyn Ledger,
    connection: &Connection,
    entity: &EntitySpec,
    args: RecordsArgs,
) -> anyhow::Result<usize> {
    let filter = QuarantineFilter {
        connection: connection.id,
        entity: entity.name.to_owned(),
        id: args.id,
        limit: args.limit,
    };
    let rows = ledger.quarantined(&filter).await?;
    session.output.list(&rows)?;
    Ok(rows.len())
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

impl Row for QuarantinedRecord {
    const COLUMNS: &'static [&'static str] = &[
        "id", "reason", "length", "kept", "observed", "deleted", "segment", "original",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.reason.to_string(),
            self.length.to_string(),
            self.kept.to_string(),
            instant(self.observed_at),
            self.deleted_at.map(instant).unwrap_or_default(),
            self.segment_id.to_string(),
            self.original.clone().unwrap_or_default(),
        ]
    }
}
