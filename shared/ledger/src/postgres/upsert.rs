//! Storing the records of a page: one statement for those that exist, or a few where they are long, and one for those that
//! are gone, whatever their number.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, Utc};
use ledgerfleet_model::Record;
use sqlx::PgConnection;

use super::codec::{Count, Texts, changes_numbers, plain, small, storable};
use super::error::failed;
use super::segments::WindowColumns;
use crate::guard::newest_of_each;
use crate::pages::Part;
use crate::{Effects, LedgerError};

/// Bytes of records after which a statement ends: they exist three times while it is sent.
const TEXT: usize = 1 << 20;

/// The records of a page, a column each.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Cow<'a, str>>,
    payloads: Texts<'a>,
    hashes: Vec<&'a [u8]>,
    versions: Vec<Option<i64>>,
    created: Vec<Option<DateTime<Utc>>>,
    updated: Vec<Option<DateTime<Utc>>>,
    dates: Vec<Option<NaiveDate>>,
    originals: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    fn of(records: &[&'a Record]) -> Self {
        let mut columns = Self::default();
        for record in records {
            columns.push(record);
        }
        columns
    }

    fn push(&mut self, record: &'a Record) {
        let payload = storable(&record.payload);
        let as_served = record.original.as_deref();
        let loses_text = *payload != *record.payload || changes_numbers(&record.payload);
        let kept = loses_text.then_some(record.payload.as_bytes());
        self.originals.push(as_served.or(kept));
        self.payloads.0.push(payload);
        self.ids.push(plain(&record.id));
        self.hashes.push(&record.payload_hash);
        self.versions.push(record.source_version);
        self.created.push(record.source_created_at);
        self.updated
            .push(record.source_updated_at.map(|at| at.trunc_subsecs(6)));
        self.dates.push(record.document_date);
    }
}

/// Stores the records of a page by the rules of [`crate::guard`], told once more in SQL: only there can they decide
/// upon what is stored at the very moment of writing.
pub(super) async fn upsert(tx: &mut PgConnection, page: &Part<'_>) -> Result<Effects, LedgerError> {
    let records = newest_of_each(page.records, page.observed_at);
    let (gone, alive): (Vec<&Record>, Vec<&Record>) = records.into_iter().partition(|record| record.deleted);
    let (mut new, mut changed) = (0, 0);
    for part in parts(&alive) {
        let stored = store(tx, page, &Columns::of(part)).await?;
        new += stored.new.0;
        changed += stored.changed.0;
    }
    let gone = Columns::of(&gone);
    let deleted = bury(tx, page, &gone).await?;
    release_gone(tx, page, &gone).await?;
    let written = new + changed + deleted;
    Ok(Effects {
        new,
        changed,
        same: u64::try_from(page.records.len()).unwrap_or(u64::MAX) - written,
        deleted,
    })
}

/// Records in their order, by what one statement carries of them.
fn parts<'r>(records: &'r [&Record]) -> impl Iterator<Item = &'r [&'r Record]> {
    let mut text = 0;
    records.chunk_by(move |record, _| {
        text += record.payload.len();
        let goes_on = text < TEXT;
        text = if goes_on { text } else { 0 };
        goes_on
    })
}

/// What was written of the records that exist.
struct Stored {
    new: Count<u64>,
    changed: Count<u64>,
}

/// The statement of [`store`]. `same` says that what is stored is alive and equal to what was given; each of the columns
/// then stays as it is.
macro_rules! store_statement {
    ($same:literal, [$($column:literal),*], $($argument:expr),*) => {
        sqlx::query_as!(
            Stored,
            r#"
            WITH released AS (
                DELETE FROM fleet.quarantine
                WHERE connection_id = $1 AND entity = $18 AND id = ANY($3)
                  AND (observed_at < $11 OR observed_at > now() + interval '5 minutes')),
            written AS (
                INSERT INTO raw.records AS r (connection_id, entity, id, payload, payload_hash, source_version,
                    source_created_at, source_updated_at, document_date, observed_at_utc, ingested_at_utc, last_seen_utc,
                    extract_window_start_utc, extract_window_end_utc, page_number, page_size, request_payload, segment_id,
                    sanitised, original)
                SELECT $1, $2, id, payload::jsonb, payload_hash, source_version, source_created_at, source_updated_at,
                    document_date, $11, now(), $11, $12, $13, $14, $15, $16, $17, original IS NOT NULL, original
                FROM unnest($3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::timestamptz[], $8::timestamptz[],
                    $9::date[], $10::bytea[])
                AS given (id, payload, payload_hash, source_version, source_created_at, source_updated_at,
                    document_date, original)
                -- One order of locking for everybody who writes.
                ORDER BY id COLLATE "C"
                ON CONFLICT (connection_id, id, entity) DO UPDATE SET "#
            $(+ $column + " = CASE WHEN " + $same + " THEN r." + $column + " ELSE excluded." + $column + " END, ")*
            + "ingested_at_utc = CASE WHEN " + $same + r#" THEN least(r.ingested_at_utc, now() - interval '1 microsecond')
                                           ELSE clock_timestamp() END,
                    last_seen_utc = CASE WHEN r.last_seen_utc > now() + interval '5 minutes' THEN excluded.last_seen_utc
                                         ELSE greatest(r.last_seen_utc, excluded.last_seen_utc) END,
                    deleted_at_utc = NULL
                WHERE CASE
                    WHEN r.deleted_at_utc IS NOT NULL
                        THEN excluded.observed_at_utc > r.observed_at_utc
                             -- What a clock that was ahead has written counts for nothing (`guard::plausible`).
                             OR r.observed_at_utc > now() + interval '5 minutes'
                    WHEN r.payload_hash = excluded.payload_hash
                        THEN r.last_seen_utc < excluded.last_seen_utc - interval '1 day'
                             OR r.last_seen_utc > now() + interval '5 minutes'
                    WHEN r.source_version <> excluded.source_version
                        THEN excluded.source_version > r.source_version
                    WHEN r.source_updated_at <> excluded.source_updated_at
                        THEN excluded.source_updated_at > r.source_updated_at
                    ELSE excluded.observed_at_utc > r.observed_at_utc
                         OR r.observed_at_utc > now() + interval '5 minutes'
                END
                RETURNING r.ingested_at_utc)
            SELECT count(*) FILTER (WHERE ingested_at_utc = now()) AS "new!: _",
                count(*) FILTER (WHERE ingested_at_utc > now()) AS "changed!: _"
            FROM written"#,
            $($argument),*
        )
    };
}

/// Stores new and newer records, releases from quarantine what is good now, and notes those that are as they were but were
/// last noted long ago. What is stored is not asked for first: the conflict finds it by the primary key, whatever the
/// planner believes. What is new is stamped with the beginning of the transaction, what replaces another version with the
/// moment of its writing, and what is only noted keeps its stamp: so they are told apart.
async fn store(tx: &mut PgConnection, page: &Part<'_>, columns: &Columns<'_>) -> Result<Stored, LedgerError> {
    let (starts_at, ends_at) = bounds(page);
    let store = store_statement!(
        "r.deleted_at_utc IS NULL AND r.payload_hash = excluded.payload_hash",
        [
            "payload",
            "payload_hash",
            "source_version",
            "source_created_at",
            "source_updated_at",
            "document_date",
            "observed_at_utc",
            "extract_window_start_utc",
            "extract_window_end_utc",
            "page_number",
            "page_size",
            "request_payload",
            "segment_id",
            "sanitised",
            "original"
        ],
        page.connection.0,
        page.table,
        &columns.ids as &[Cow<'_, str>],
        &columns.payloads as &Texts<'_>,
        &columns.hashes as &[&[u8]],
        &columns.versions as &[Option<i64>],
        &columns.created as &[Option<DateTime<Utc>>],
        &columns.updated as &[Option<DateTime<Utc>>],
        &columns.dates as &[Option<NaiveDate>],
        &columns.originals as &[Option<&[u8]>],
        page.observed_at.trunc_subsecs(6),
        starts_at,
        ends_at,
        small(page.page),
        small(page.page_size),
        &plain(page.request),
        page.segment.0,
        page.entity
    );
    store.fetch_one(tx).await.map_err(failed("store records"))
}

/// Marks records as gone; answers how many were not gone before. They keep their last payload: it is all that is left
/// of them. One that was seen alive after this said it was gone, is not.
async fn bury(tx: &mut PgConnection, page: &Part<'_>, columns: &Columns<'_>) -> Result<u64, LedgerError> {
    if columns.ids.is_empty() {
        return Ok(0);
    }
    let (starts_at, ends_at) = bounds(page);
    let bury = sqlx::query_scalar!(
        r#"
        WITH buried AS (
            INSERT INTO raw.records AS r (connection_id, entity, id, payload, payload_hash, source_version,
                source_created_at, source_updated_at, document_date, observed_at_utc, ingested_at_utc, last_seen_utc,
                extract_window_start_utc, extract_window_end_utc, page_number, page_size, request_payload, segment_id,
                deleted_at_utc, sanitised, original)
            SELECT $1, $2, id, payload::jsonb, payload_hash, source_version, source_created_at, source_updated_at,
                document_date, $11, now(), $11, $12, $13, $14, $15, $16, $17, $11, original IS NOT NULL, original
            FROM unnest($3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::timestamptz[], $8::timestamptz[],
                $9::date[], $10::bytea[])
            AS given (id, payload, payload_hash, source_version, source_created_at, source_updated_at, document_date,
                original)
            -- One order of locking for everybody who writes.
            ORDER BY id COLLATE "C"
            ON CONFLICT (connection_id, id, entity) DO UPDATE SET
                last_seen_utc = excluded.last_seen_utc,
                deleted_at_utc = coalesce(r.deleted_at_utc, excluded.deleted_at_utc),
                -- What was gone before is only noted.
                observed_at_utc = CASE WHEN r.deleted_at_utc IS NULL THEN excluded.observed_at_utc
                                       ELSE r.observed_at_utc END,
                ingested_at_utc = CASE WHEN r.deleted_at_utc IS NULL THEN excluded.ingested_at_utc
                                       ELSE r.ingested_at_utc END,
                segment_id = CASE WHEN r.deleted_at_utc IS NULL THEN excluded.segment_id ELSE r.segment_id END
            WHERE CASE
                WHEN r.deleted_at_utc IS NULL
                    THEN (excluded.observed_at_utc > r.observed_at_utc
                          OR r.observed_at_utc > now() + interval '5 minutes')
                     AND (excluded.observed_at_utc > r.last_seen_utc
                          OR r.last_seen_utc > now() + interval '5 minutes')
                ELSE excluded.last_seen_utc > r.last_seen_utc + interval '1 day'
            END
            RETURNING r.ingested_at_utc)
        SELECT count(*) AS "count!: Count<u64>" FROM buried WHERE ingested_at_utc = now()"#,
        page.connection.0,
        page.table,
        &columns.ids as &[Cow<'_, str>],
        &columns.payloads as &Texts<'_>,
        &columns.hashes as &[&[u8]],
        &columns.versions as &[Option<i64>],
        &columns.created as &[Option<DateTime<Utc>>],
        &columns.updated as &[Option<DateTime<Utc>>],
        &columns.dates as &[Option<NaiveDate>],
        &columns.originals as &[Option<&[u8]>],
        page.observed_at.trunc_subsecs(6),
        starts_at,
        ends_at,
        small(page.page),
        small(page.page_size),
        &plain(page.request),
        page.segment.0,
    );
    let buried = bury.fetch_one(tx).await.map_err(failed("bury records"))?;
    Ok(buried.0)
}

/// What waits in quarantine and is gone at the source is listed there no more.
async fn release_gone(tx: &mut PgConnection, page: &Part<'_>, gone: &Columns<'_>) -> Result<(), LedgerError> {
    if gone.ids.is_empty() {
        return Ok(());
    }
    let release = sqlx::query!(
        "
        UPDATE fleet.quarantine SET deleted_at = $4
        WHERE connection_id = $1 AND entity = $2 AND id = ANY($3) AND deleted_at IS NULL
          AND (observed_at < $4 OR observed_at > now() + interval '5 minutes')",
        page.connection.0,
        page.entity,
        &gone.ids as &[Cow<'_, str>],
        page.observed_at.trunc_subsecs(6),
    );
    release.execute(tx).await.map_err(failed("release gone"))?;
    Ok(())
}

/// The window's bounds as instants: dates at midnight UTC, none where everything was asked for.
fn bounds(page: &Part<'_>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let window = WindowColumns::from(page.window);
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    (
        window.starts_at.or_else(|| window.day_from.map(midnight)),
        window.ends_at.or_else(|| window.day_to.map(midnight)),
    )
}
