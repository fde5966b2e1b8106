//! `records`: what is stored.

use ledgerfleet_connectors::EntitySpec;
use ledgerfleet_ledger::{Ledger, QuarantineFilter, RecordFilter, StoredRecord};
use ledgerfleet_model::Connection;
use ledgerfleet_planning::{check_days, connection_named, connector_of, entity_of};

use crate::cli::RecordsArgs;
use crate::exit::Exit;
use crate::session::Session;
use crate::views::records::{RecordRow, WholeRecord};

pub(crate) async fn run(session: &Session, args: RecordsArgs) -> anyhow::Result<Exit> {
    check_days(args.from, args.to)?;
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
    let entry = connector_of(connection)?;
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
