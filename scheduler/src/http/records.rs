//! Records: what is stored of an entity, in pages or as a stream, and what is in quarantine.
//!
//! Pages and streams go by id: an order in which nothing moves while rows change. Who copies what has changed asks with
//! `updated_since`, to the end, and the next time with the `next_since` it was told: tombstones come too, and a row whose
//! transaction ends late comes twice rather than never. All pages of a walk tell the same `next_since`, that of its first.

use axum::body::Body;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, NaiveDate, Utc};
use futures::stream;
use ledgerfleet_ledger::{LedgerError, QuarantineFilter, QuarantinedRecord, RecordPage, Scope, StoredRecord};
use ledgerfleet_planning::{check_days, entity_of};
use serde::{Deserialize, Serialize};

use super::Api;
use super::cursor::Cursor;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{limit, query};
use super::route::Route;
use super::routes::Routes;

/// Rows that a stream holds at once.
const AT_ONCE: u32 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordsQuery {
    connection: String,
    entity: String,
    id: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    updated_since: Option<DateTime<Utc>>,
    deleted: Option<bool>,
    cursor: Option<String>,
    limit: Option<u32>,
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Ndjson,
    Csv,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuarantineQuery {
    connection: String,
    entity: String,
    id: Option<String>,
    limit: Option<u32>,
}

/// A page of records.
#[derive(Serialize)]
struct Page {
    items: Vec<StoredRecord>,
    /// The cursor of the next page; none after the last.
    next: Option<String>,
    /// What to give as `updated_since` the next time, when this walk is over; the same on all its pages.
    next_since: DateTime<Utc>,
}

/// The last line of a stream: without it, the stream is not whole.
#[derive(Serialize)]
struct End {
    #[serde(rename = "end")]
    is_last: bool,
    records: u64,
    next_since: DateTime<Utc>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get(
                "/api/v1/records",
                Scope::Read,
                "Stored records of an entity, by id",
            )
            .with(&[
                ("connection", "the company"),
                ("entity", "the entity"),
                ("id", "the record of that id alone"),
                ("from", "dated on or after this day"),
                ("to", "dated on or before this day"),
                (
                    "updated_since",
                    "stored or found deleted since then, as 2026-05-01T00:00:00Z",
                ),
                ("deleted", "true: tombstones alone; false: none"),
                ("cursor", "what the last page has answered as next"),
                ("limit", "1 to 1000; 100 where nothing is said; pages alone"),
                ("format", "json: a page; ndjson or csv: all of them, streamed"),
            ]),
            records,
        )
        .route(
            Route::get(
                "/api/v1/quarantine",
                Scope::Read,
                "Records that cannot be stored as they are",
            )
            .with(&[
                ("connection", "the company"),
                ("entity", "the entity"),
                ("id", "the record of that id alone"),
                ("limit", "1 to 1000; 100 where nothing is said"),
            ]),
            quarantine,
        )
}

async fn records(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let asked: RecordsQuery = query(&uri)?;
    check_days(asked.from, asked.to)?;
    let company = api.company(&caller, &asked.connection).await?;
    let entity = entity_of(&company, &asked.entity)?;
    check_together(&asked)?;
    let mut page = RecordPage {
        connection: company.id,
        table: entity.table.to_owned(),
        after: String::new(),
        from: asked.from,
        to: asked.to,
        updated_since: asked.updated_since,
        deleted: asked.deleted,
        limit: limit(asked.limit)?,
    };
    let cursor = asked.cursor.as_deref();
    let cursor = cursor.map(|text| Cursor::read(text, &page)).transpose()?;
    // Before the first row is read, so that nothing falls between two walks.
    let next_since = match &cursor {
        Some(cursor) => cursor.horizon,
        None => api.ledger().seen_horizon().await?,
    };
    page.after = cursor.map(|cursor| cursor.after).unwrap_or_default();
    if let Some(id) = asked.id {
        return one(&api, page, &id, next_since).await;
    }
    match asked.format.unwrap_or(Format::Json) {
        Format::Json => paged(&api, &page, next_since).await,
        format => {
            page.limit = AT_ONCE;
            Ok(streamed(api, page, format, next_since))
        }
    }
}

/// Refuses what would be passed over beside something else: whoever asks for it means it.
fn check_together(asked: &RecordsQuery) -> Result<(), Refusal> {
    let paging = [
        ("cursor", asked.cursor.is_some()),
        ("limit", asked.limit.is_some()),
    ];
    let walking = [
        ("deleted", asked.deleted.is_some()),
        ("updated_since", asked.updated_since.is_some()),
        ("format", asked.format.is_some()),
    ];
    let is_stream = asked.format.is_some_and(|format| format != Format::Json);
    let idle = |names: &[(&'static str, bool)]| names.iter().find_map(|(name, is)| is.then_some(*name));
    let (what, name) = if asked.id.is_some() {
        ("a record asked for by its id", idle(&walking).or(idle(&paging)))
    } else if is_stream {
        ("a stream", idle(&paging))
    } else {
        return Ok(());
    };
    name.map_or(Ok(()), |name| {
        Err(Refusal::new(
            Cause::InvalidRequest,
            format!("{what} has no `{name}`"),
        ))
    })
}

async fn paged(api: &Api, page: &RecordPage, next_since: DateTime<Utc>) -> Result<Response, Refusal> {
    let items = api.ledger().record_page(page).await?;
    let is_full = items.len() as u64 == u64::from(page.limit);
    let last = items.last().filter(|_| is_full);
    let next = last.map(|last| Cursor::of(page, next_since, last.id.clone()).text());
    Ok(Json(Page {
        next: next.transpose()?,
        items,
        next_since,
    })
    .into_response())
}

/// The record of one id.
async fn one(api: &Api, page: RecordPage, id: &str, next_since: DateTime<Utc>) -> Result<Response, Refusal> {
    let filter = ledgerfleet_ledger::RecordFilter {
        connection: page.connection,
        table: page.table,
        id: Some(id.to_owned()),
        from: page.from,
        to: page.to,
        limit: 1,
    };
    let items = api.ledger().records(&filter).await?;
    if items.is_empty() {
        let detail = format!("there is no record `{}`", id.escape_debug());
        return Err(Refusal::new(Cause::NotFound, detail));
    }
    Ok(Json(Page {
        items,
        next: None,
        next_since,
    })
    .into_response())
}

/// Where a stream stands.
struct Walk {
    api: Api,
    page: RecordPage,
    format: Format,
    sent: u64,
    next_since: DateTime<Utc>,
    is_over: bool,
}

/// All records, a few hundred in memory at a time. A stream that breaks off ends as an error, without its last chunk.
fn streamed(api: Api, page: RecordPage, format: Format, next_since: DateTime<Utc>) -> Response {
    let kind = match format {
        Format::Csv => "text/csv; charset=utf-8",
        _ => "application/x-ndjson",
    };
    let walk = Walk {
        api,
        page,
        format,
        sent: 0,
        next_since,
        is_over: false,
    };
    let chunks = stream::try_unfold(walk, |mut walk| async move {
        if walk.is_over {
            return Ok::<_, LedgerError>(None);
        }
        let chunk = walk.chunk().await?;
        Ok(Some((chunk, walk)))
    });
    ([(CONTENT_TYPE, kind)], Body::from_stream(chunks)).into_response()
}

impl Walk {
    async fn chunk(&mut self) -> Result<Vec<u8>, LedgerError> {
        let rows = self.api.ledger().record_page(&self.page).await?;
        self.is_over = (rows.len() as u64) < u64::from(self.page.limit);
        let mut chunk = Vec::new();
        if self.sent == 0 && self.format == Format::Csv {
            chunk.extend_from_slice(b"id,document_date,source_updated_at,ingested_at,deleted_at,payload\r\n");
        }
        for row in &rows {
            match self.format {
                Format::Csv => csv_line(&mut chunk, row),
                _ => json_line(&mut chunk, row)?,
            }
        }
        self.sent += rows.len() as u64;
        if let Some(last) = rows.into_iter().next_back() {
            self.page.after = last.id;
        }
        if self.is_over && self.format == Format::Ndjson {
            let end = End {
                is_last: true,
                records: self.sent,
                next_since: self.next_since,
            };
            json_line(&mut chunk, &end)?;
        }
        Ok(chunk)
    }
}

fn json_line<T: Serialize>(chunk: &mut Vec<u8>, row: &T) -> Result<(), LedgerError> {
    serde_json::to_writer(&mut *chunk, row).map_err(|error| LedgerError::Corrupt(error.to_string()))?;
    chunk.push(b'\n');
    Ok(())
}

fn csv_line(chunk: &mut Vec<u8>, row: &StoredRecord) {
    let text = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let cells = [
        row.id.clone(),
        row.document_date.map(|day| day.to_string()).unwrap_or_default(),
        text(row.source_updated_at),
        text(Some(row.ingested_at)),
        text(row.deleted_at),
        row.payload.get().to_owned(),
    ];
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            chunk.push(b',');
        }
        chunk.push(b'"');
        // A spreadsheet would take such a beginning for a formula.
        if cell.starts_with(['=', '+', '-', '@']) {
            chunk.push(b'\'');
        }
        chunk.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        chunk.push(b'"');
    }
    chunk.extend_from_slice(b"\r\n");
}

async fn quarantine(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<QuarantinedRecord>>, Refusal> {
    let asked: QuarantineQuery = query(&uri)?;
    let company = api.company(&caller, &asked.connection).await?;
    let entity = entity_of(&company, &asked.entity)?;
    let filter = QuarantineFilter {
        connection: company.id,
        entity: entity.name.to_owned(),
        id: asked.id,
        limit: limit(asked.limit)?,
    };
    Ok(Json(api.ledger().quarantined(&filter).await?))
}
