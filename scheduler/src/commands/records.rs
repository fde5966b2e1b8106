//! `records`: what is stored.

use ledgerfleet_connectors::{ConnectorEntry, EntitySpec, Synopsis, connector_entry, find_entity};
use ledgerfleet_ledger::{Ledger, QuarantineFilter, QuarantinedRecord, RecordFilter, StoredRecord};
use ledgerfleet_model::Connection;
use serde::Serialize;

use crate::cli::RecordsArgs;
use crate::exit::{Exit, Problem};
use crate::output::{Row, amount_text, indented, instant, optional};
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
    let entry = entry_of(connection)?;
    let row = |record: StoredRecord| RecordRow {
        synopsis: (entry.synopsis)(&record.payload),
        record,
    };
    let records = ledger.records(&filter).await?;
    let mut rows: Vec<RecordRow> = records.into_iter().map(row).collect();
    match rows.pop() {
        // Whoever asks for one record wants to see all of it.
        Some(one) if filter.id.is_some() && session.output.is_for_people() => {
            session.output.one(&WholeRecord(one))?;
            return Ok(1);
        }
        last => rows.extend(last),
    }
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
    let entry = entry_of(connection)?;
    find_entity(entry, name).ok_or_else(|| unknown_entity_of(name, std::iter::once(entry)))
}

fn entry_of(connection: &Connection) -> Result<&'static ConnectorEntry, PlanError> {
    connector_entry(&connection.connector).ok_or_else(|| PlanError::UnknownConnector {
        connection: connection.name.clone(),
        connector: connection.connector.clone(),
    })
}

/// A record: to programs as it is stored, to people by what they know it by.
#[derive(Serialize)]
struct RecordRow {
    #[serde(flatten)]
    record: StoredRecord,
    #[serde(skip)]
    synopsis: Synopsis,
}

impl Row for RecordRow {
    const COLUMNS: &'static [&'static str] = &[
        "id", "number", "party", "date", "total", "balance", "changed", "deleted",
    ];
    const TEXTS: &'static [&'static str] = &["party"];
    const LESSER: &'static [&'static str] = &["changed", "deleted"];

    fn cells(&self) -> Vec<String> {
        let (record, synopsis) = (&self.record, &self.synopsis);
        let amount = |digits: &Option<String>| digits.as_deref().map(amount_text).unwrap_or_default();
        vec![
            record.id.clone(),
            synopsis.number.clone().unwrap_or_default(),
            synopsis.party.clone().unwrap_or_default(),
            optional(record.document_date),
            amount(&synopsis.total),
            amount(&synopsis.balance),
            record.source_updated_at.map(instant).unwrap_or_default(),
            record.deleted_at.map(instant).unwrap_or_default(),
        ]
    }
}

/// A record with everything that is kept of it.
#[derive(Serialize)]
#[serde(transparent)]
struct WholeRecord(RecordRow);

impl Row for WholeRecord {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "number",
        "party",
        "date",
        "total",
        "balance",
        "changed",
        "deleted",
        "version",
        "observed",
        "last seen",
        "hash",
        "payload",
    ];

    fn cells(&self) -> Vec<String> {
        let record = &self.0.record;
        let mut cells = self.0.cells();
        cells.extend([
            optional(record.source_version),
            instant(record.observed_at),
            instant(record.last_seen_at),
            record.payload_hash.clone(),
            indented(record.payload.get()),
        ]);
        cells
    }
}

impl Row for QuarantinedRecord {
    const COLUMNS: &'static [&'static str] = &[
        "id", "reason", "length", "kept", "observed", "deleted", "segment", "original",
    ];
    const TEXTS: &'static [&'static str] = &["original"];
    const LESSER: &'static [&'static str] = &["kept", "length", "original", "deleted", "segment"];

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
