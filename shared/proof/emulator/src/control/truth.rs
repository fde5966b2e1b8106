//! The truth's control: NDJSON, a line per record, streamed while it is worked out.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::channel;

use super::refusal::{Refusal, parameters};
use crate::books::book::Book;
use crate::books::bounds::Bounds;
use crate::books::truth::{TruthError, TruthFilter, TruthLine, TruthTotal, count, tell, text_of};
use crate::contifico;
use crate::server::Stream;
use crate::upstream::{Company, Upstream};

/// Lines are sent in parts of about this size.
const PART: usize = 64 * 1024;

pub(super) async fn serve(
    State(upstream): State<Arc<Upstream>>,
    Path((company, entity)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let filter: TruthFilter = parameters(&uri)?;
    check(&upstream, &company, &entity, &filter).map_err(|error| refusal(&error))?;
    let (sender, receiver) = channel::<Bytes>(4);
    tokio::task::spawn_blocking(move || {
        let mut part = Vec::with_capacity(PART + 1024);
        // It was checked above.
        let _ = tell_any(&upstream, &company, &entity, &filter, &mut |line| {
            // Serialising plain strings into memory cannot fail.
            let _ = serde_json::to_writer(&mut part, &line);
            part.push(b'\n');
            part.len() < PART
                || sender
                    .blocking_send(Bytes::from(std::mem::take(&mut part)))
                    .is_ok()
        });
        // Whoever went away needs no last part.
        let _ = sender.blocking_send(Bytes::from(part));
    });
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Body::new(Stream(receiver)),
    )
        .into_response())
}

/// How many records each entity has and what they come to.
pub(super) async fn serve_totals(
    State(upstream): State<Arc<Upstream>>,
    Path(company): Path<String>,
    uri: Uri,
) -> Result<Json<Vec<TruthTotal>>, Refusal> {
    let filter: TruthFilter = parameters(&uri)?;
    let counted = tokio::task::spawn_blocking(move || totals(&upstream, &company, &filter)).await;
    match counted {
        Ok(Ok(totals)) => Ok(Json(totals)),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(error) => Err(Refusal::bad_request(&error)),
    }
}

fn refusal(error: &TruthError) -> Refusal {
    match error {
        TruthError::Company(_) | TruthError::Entity(_) => Refusal::not_found(error),
        _ => Refusal::bad_request(error),
    }
}

pub(crate) fn totals(
    upstream: &Upstream,
    company: &str,
    filter: &TruthFilter,
) -> Result<Vec<TruthTotal>, TruthError> {
    if let Some(firm) = upstream.firms.find(company) {
        return contifico::counts(firm, filter, upstream.switches().contifico);
    }
    let index = upstream
        .company(company)
        .ok_or_else(|| TruthError::Company(company.to_owned()))?;
    let books = &upstream.companies[index].books;
    let switches = upstream.switches();
    let total = |book: &Book| count(&books.blueprint, book, filter, &switches);
    books.all().map(total).collect()
}

/// A record's complete text, for those in the same process.
pub(crate) fn text(upstream: &Upstream, company: &str, entity: &str, id: &str) -> Option<String> {
    if let Some(firm) = upstream.firms.find(company) {
        let question = contifico::open(entity, &TruthFilter::default()).ok()?;
        return contifico::text(firm, &question, id, upstream.switches().contifico);
    }
    let (company, book, _) = open(upstream, company, entity, &TruthFilter::default()).ok()?;
    text_of(&company.books.blueprint, book, id, &upstream.switches())
}

/// All lines at once, for those in the same process.
pub(crate) fn collect(
    upstream: &Upstream,
    company: &str,
    entity: &str,
    filter: &TruthFilter,
) -> Result<Vec<TruthLine>, TruthError> {
    let mut lines = Vec::new();
    tell_any(upstream, company, entity, filter, &mut |line| {
        lines.push(line);
        true
    })?;
    Ok(lines)
}

/// Whether a question makes sense, before any of it is answered.
fn check(upstream: &Upstream, company: &str, entity: &str, filter: &TruthFilter) -> Result<(), TruthError> {
    match upstream.firms.find(company) {
        Some(_) => contifico::open(entity, filter).map(|_| ()),
        None => open(upstream, company, entity, filter).map(|_| ()),
    }
}

/// Hands over every line, whosever API the company is reached by.
fn tell_any(
    upstream: &Upstream,
    company: &str,
    entity: &str,
    filter: &TruthFilter,
    take: &mut dyn FnMut(TruthLine) -> bool,
) -> Result<(), TruthError> {
    let switches = upstream.switches();
    if let Some(firm) = upstream.firms.find(company) {
        let question = contifico::open(entity, filter)?;
        contifico::stream(firm, &question, switches.contifico, take);
        return Ok(());
    }
    let (company, book, bounds) = open(upstream, company, entity, filter)?;
    tell(&company.books.blueprint, book, filter, &bounds, &switches, take);
    Ok(())
}

fn open<'run>(
    upstream: &'run Upstream,
    company: &str,
    entity: &str,
    filter: &TruthFilter,
) -> Result<(&'run Company, &'run Book, Bounds), TruthError> {
    let index = upstream
        .company(company)
        .ok_or_else(|| TruthError::Company(company.to_owned()))?;
    let company = &upstream.companies[index];
    let book = company
        .books
        .book(entity)
        .ok_or_else(|| TruthError::Entity(entity.to_owned()))?;
    let bounds = filter.bounds(book.entity)?;
    Ok((company, book, bounds))
}
