//! Storing the records of a page: read what is there, ask the guard, write only what is new.

use std::collections::HashMap;

use ledgerfleet_model::Record;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::codec::{Stamp, Text, json_list, midnight};
use super::error::failed;
use super::quarantine::release;
use super::segments::WindowColumns;
use crate::guard::{Stored, Verdict, Version, judge, newest_of_each, plausible};
use crate::pages::Part;
use crate::{Effects, LedgerError};

/// Rows a statement: 21 values each stay far below SQLite's 32,766, and the text of a full one is prepared once.
const ROWS: usize = 250;

/// Stores the records of a page. What is written was decided by [`judge`] from what this transaction has read,
/// so nobody can come between.
pub(super) async fn upsert(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &Part<'_>,
) -> Result<Effects, LedgerError> {
    if page.records.is_empty() {
        return Ok(Effects::default());
    }
    let records = newest_of_each(page.records, page.observed_at);
    let stored = stored(tx, now, page, &records).await?;
    let sorted = Sorted::by_verdict(page, records, &stored);
    store(tx, now, page, &sorted.store).await?;
    bury(tx, now, page, &sorted.bury).await?;
    note(tx, page, &sorted.note).await?;
    release(tx, now, page).await?;
    Ok(sorted.effects)
}

/// The records of a page by what is to be done with them.
#[derive(Default)]
struct Sorted<'a> {
    store: Vec<&'a Record>,
    bury: Vec<&'a Record>,
    note: Vec<&'a Record>,
    effects: Effects,
}

impl<'a> Sorted<'a> {
    fn by_verdict(page: &Part<'_>, records: Vec<&'a Record>, stored: &HashMap<String, Stored>) -> Self {
        let mut sorted = Self::default();
        for record in records {
            let verdict = judge(&Version::of(record, page.observed_at), stored.get(&record.id));
            match verdict {
                Verdict::Store | Verdict::Replace => sorted.store.push(record),
                Verdict::Bury => sorted.bury.push(record),
                Verdict::Note => sorted.note.push(record),
                Verdict::Keep => {}
            }
            match verdict {
                Verdict::Store if !record.deleted => sorted.effects.new += 1,
                Verdict::Replace => sorted.effects.changed += 1,
                Verdict::Store | Verdict::Bury => sorted.effects.deleted += 1,
                Verdict::Note | Verdict::Keep => {}
            }
        }
        let written = sorted.store.len() + sorted.bury.len();
        sorted.effects.same = u64::try_from(page.records.len() - written).unwrap_or(u64::MAX);
        sorted
    }
}

/// What is stored under the ids of a page.
async fn stored(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &Part<'_>,
    records: &[&Record],
) -> Result<HashMap<String, Stored>, LedgerError> {
    #[derive(sqlx::FromRow)]
    struct StoredRow {
        id: String,
        payload_hash: Vec<u8>,
        source_version: Option<i64>,
        source_updated_at: Option<Stamp>,
        observed_at_utc: Stamp,
        last_seen_utc: Stamp,
        deleted: bool,
    }
    const STORED: &str = "
        SELECT id, payload_hash, source_version, source_updated_at, observed_at_utc, last_seen_utc,
               deleted_at_utc IS NOT NULL AS deleted
        FROM raw_records
        WHERE connection_id = ? AND entity = ? AND id IN (SELECT value FROM json_each(?))";
    let ids = json_list(records.iter().map(|record| &record.id));
    let stored = sqlx::query_as(STORED)
        .bind(Text(page.connection))
        .bind(page.table)
        .bind(ids);
    let rows: Vec<StoredRow> = stored.fetch_all(tx).await.map_err(failed("stored records"))?;
    let known = |row: StoredRow| {
        let hash = row.payload_hash.try_into();
        let payload_hash =
            hash.map_err(|_| LedgerError::Corrupt(format!("the hash of record {} is no hash", row.id)))?;
        let version = Version {
            source_version: row.source_version,
            source_updated_at: row.source_updated_at.map(|at| at.0),
            observed_at: plausible(row.observed_at_utc.0, now.0),
            deleted: row.deleted,
            payload_hash,
        };
        Ok((
            row.id,
            Stored {
                version,
                last_seen: plausible(row.last_seen_utc.0, now.0),
            },
        ))
    };
    rows.into_iter().map(known).collect()
}

/// Writes new and newer records.
async fn store(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &Part<'_>,
    records: &[&Record],
) -> Result<(), LedgerError> {
    const INSERT: &str = "
        INSERT INTO raw_records (connection_id, entity, id, payload, payload_hash, source_version, source_created_at,
            source_updated_at, document_date, observed_at_utc, ingested_at_utc, last_seen_utc,
            extract_window_start_utc, extract_window_end_utc, page_number, page_size, request_payload, segment_id,
            deleted_at_utc, sanitised, original) ";
    const REPLACE: &str = "
        ON CONFLICT (connection_id, entity, id) DO UPDATE SET
            payload = excluded.payload, payload_hash = excluded.payload_hash,
            source_version = excluded.source_version, source_created_at = excluded.source_created_at,
            source_updated_at = excluded.source_updated_at, document_date = excluded.document_date,
            observed_at_utc = excluded.observed_at_utc, ingested_at_utc = excluded.ingested_at_utc,
            last_seen_utc = max(last_seen_utc, excluded.last_seen_utc), extract_window_start_utc = excluded.extract_window_start_utc,
            extract_window_end_utc = excluded.extract_window_end_utc, page_number = excluded.page_number,
            page_size = excluded.page_size, request_payload = excluded.request_payload,
            segment_id = excluded.segment_id, deleted_at_utc = excluded.deleted_at_utc,
            sanitised = excluded.sanitised, original = excluded.original";
    let observed_at = Stamp::from(page.observed_at);
    let (starts_at, ends_at) = bounds(page);
    for rows in records.chunks(ROWS) {
        let mut statement: QueryBuilder<Sqlite> = QueryBuilder::new(INSERT);
        statement.push_values(rows, |mut row, record| {
            row.push_bind(Text(page.connection))
                .push_bind(page.table)
                .push_bind(&record.id)
                .push_bind(&*record.payload)
                .push_bind(record.payload_hash.as_slice())
                .push_bind(record.source_version)
                .push_bind(record.source_created_at.map(Stamp::from))
                .push_bind(record.source_updated_at.map(Stamp::from))
                .push_bind(record.document_date.map(Text))
                .push_bind(observed_at)
                .push_bind(now)
                .push_bind(observed_at)
                .push_bind(starts_at)
                .push_bind(ends_at)
                .push_bind(page.page)
                .push_bind(page.page_size)
                .push_bind(page.request)
                .push_bind(Text(page.segment))
                .push_bind(record.deleted.then_some(observed_at))
                .push_bind(record.original.is_some())
                .push_bind(record.original.as_deref());
        });
        statement.push(REPLACE);
        let stored = statement
            .build()
            .persistent(rows.len() == ROWS)
            .execute(&mut *tx)
            .await;
        all_written("store records", stored, rows.len())?;
    }
    Ok(())
}

/// The window's bounds as instants: dates at midnight UTC, none where everything was asked for.
fn bounds(page: &Part<'_>) -> (Option<Stamp>, Option<Stamp>) {
    let window = WindowColumns::from(page.window);
    let date = |day: Option<Text<_>>| day.map(|day| Stamp(midnight(day.0)));
    (
        window.starts_at.or_else(|| date(window.day_from)),
        window.ends_at.or_else(|| date(window.day_to)),
    )
}

/// Marks records as gone. They keep their last payload: it is all that is left of them.
async fn bury(
    tx: &mut SqliteConnection,
    now: Stamp,
    page: &Part<'_>,
    records: &[&Record],
) -> Result<(), LedgerError> {
    const BURY: &str = "
        UPDATE raw_records
        SET deleted_at_utc = ?4, observed_at_utc = ?4, last_seen_utc = ?4, ingested_at_utc = ?5, segment_id = ?6
        WHERE connection_id = ?1 AND entity = ?2 AND id IN (SELECT value FROM json_each(?3))";
    if records.is_empty() {
        return Ok(());
    }
    let bury = sqlx::query(BURY)
        .bind(Text(page.connection))
        .bind(page.table)
        .bind(json_list(records.iter().map(|record| &record.id)))
        .bind(Stamp::from(page.observed_at))
        .bind(now)
        .bind(Text(page.segment));
    all_written("bury records", bury.execute(tx).await, records.len())
}

/// Notes that records are still as they were.
async fn note(tx: &mut SqliteConnection, page: &Part<'_>, records: &[&Record]) -> Result<(), LedgerError> {
    const NOTE: &str = "
        UPDATE raw_records SET last_seen_utc = ?4
        WHERE connection_id = ?1 AND entity = ?2 AND id IN (SELECT value FROM json_each(?3))";
    if records.is_empty() {
        return Ok(());
    }
    let note = sqlx::query(NOTE)
        .bind(Text(page.connection))
        .bind(page.table)
        .bind(json_list(records.iter().map(|record| &record.id)))
        .bind(Stamp::from(page.observed_at));
    all_written("note records", note.execute(tx).await, records.len())
}

fn all_written(
    step: &'static str,
    result: sqlx::Result<sqlx::sqlite::SqliteQueryResult>,
    expected: usize,
) -> Result<(), LedgerError> {
    let written = result.map_err(failed(step))?.rows_affected();
    if usize::try_from(written) == Ok(expected) {
        return Ok(());
    }
    Err(LedgerError::Corrupt(format!(
        "in step `{step}`: {written} rows were written instead of {expected}"
    )))
}
