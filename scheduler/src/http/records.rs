//! Records: what is stored of an entity, in pages or as a stream, and what is in quarantine.
//!
//! Pages and streams go by id: an order in which nothing moves while rows change. Who copies what has changed asks with
//! `updated_since`, to the end, and the next time with the `next_since` it was told: tombstones come too, and a row whose
//! transaction ends late comes twice rather than never. All pages of a walk tell the same `next_since`, that of its first.

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use ledgerfleet_ledger::{QuarantineFilter, QuarantinedRecord, RecordPage, Scope, StoredRecord};
use ledgerfleet_planning::{check_days, entity_of};
use serde::{Deserialize, Serialize};

use super::Api;
use super::cursor::Cursor;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{limit, query};
use super::record_stream::{Lines, Walk, streamed};
use super::route::Route;
use super::routes::Routes;

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
    marks: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Ndjson,
    Csv,
}

impl Format {
    /// What is streamed in it; none where it is a page.
    fn lines(self) -> Option<Lines> {
        match self {
            Self::Json => None,
            Self::Ndjson => Some(Lines::Ndjson),
            Self::Csv => Some(Lines::Csv),
        }
    }
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

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get(
                "/api/v1/records",
                Scope::Read,
                "Stored records of an entity, by id",
            )
            .streaming(&["application/x-ndjson", "text/csv"])
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
                (
                    "cursor",
                    "what the last page, or the last mark of a stream that broke off, has told as next",
                ),
                ("limit", "1 to 1000; 100 where nothing is said; pages alone"),
                ("format", "json: a page; ndjson or csv: all of them, streamed"),
                (
                    "marks",
                    "true: a stream holds marks, with the cursor to go on from where it breaks off; streams alone",
                ),
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
    if let Some(since) = asked.updated_since.filter(|since| *since > next_since) {
        check_over(&api, since).await?;
    }
    let met = cursor.as_ref().map_or(0, |cursor| cursor.records);
    page.after = cursor.map(|cursor| cursor.after).unwrap_or_default();
    if let Some(id) = asked.id {
        return one(&api, page, &id, next_since).await;
    }
    match asked.format.and_then(Format::lines) {
        None => paged(&api, &page, (next_since, met)).await,
        Some(lines) => {
            let walk = Walk {
                page,
                lines,
                has_marks: asked.marks.unwrap_or(false),
                met,
                next_since,
            };
            streamed(&api, walk)
        }
    }
}

/// Refuses what would be passed over beside something else: whoever asks for it means it.
/// Refuses an instant that is not over by the ledger's clock. Where it is what a walk was told, that clock was set back since,
/// and rows that were stored meanwhile would be in no later walk.
async fn check_over(api: &Api, since: DateTime<Utc>) -> Result<(), Refusal> {
    let now = api.ledger().clock().await?.now;
    if since <= now {
        return Ok(());
    }
    let detail = format!(
        "`updated_since` is ahead of the ledger's clock, which shows {}: where a walk has answered it as `next_since`, that clock \
         was set back, and a walk without `updated_since` has all there is",
        now.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    Err(Refusal::new(Cause::Conflict, detail))
}

fn check_together(asked: &RecordsQuery) -> Result<(), Refusal> {
    let (cursor, limit) = (
        ("cursor", asked.cursor.is_some()),
        ("limit", asked.limit.is_some()),
    );
    let marks = ("marks", asked.marks.is_some());
    let walking = [
        ("deleted", asked.deleted.is_some()),
        ("updated_since", asked.updated_since.is_some()),
        ("format", asked.format.is_some()),
    ];
    let is_stream = asked.format.is_some_and(|format| format != Format::Json);
    let idle = |names: &[(&'static str, bool)]| names.iter().find_map(|(name, is)| is.then_some(*name));
    let (what, name) = if asked.id.is_some() {
        (
            "a record asked for by its id",
            idle(&walking).or(idle(&[cursor, limit, marks])),
        )
    } else if is_stream {
        ("a stream", idle(&[limit]))
    } else {
        ("a page", idle(&[marks]))
    };
    name.map_or(Ok(()), |name| {
        Err(Refusal::new(
            Cause::InvalidRequest,
            format!("{what} has no `{name}`"),
        ))
    })
}

async fn paged(
    api: &Api,
    page: &RecordPage,
    (next_since, met): (DateTime<Utc>, u64),
) -> Result<Response, Refusal> {
    let items = api.ledger().record_page(page).await?;
    let is_full = items.len() as u64 == u64::from(page.limit);
    let last = items.last().filter(|_| is_full);
    let met = met + items.len() as u64;
    let next = last.map(|last| Cursor::of(page, next_since, (last.id.clone(), met)).text());
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
