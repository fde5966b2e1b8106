//! Triggers: what is submitted later, once or again and again. A key for some companies sees those that concern these alone.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono_tz::Tz;
use ledgerfleet_ledger::{NewTrigger, Scope};
use ledgerfleet_model::{Axis, Segmenting, TriggerId};
use ledgerfleet_planning::triggers::Wanted;
use serde::Deserialize;

use super::Api;
use super::keys::Caller;
use super::page::Page;
use super::problem::{Cause, Refusal};
use super::read::{body, limit, query, some};
use super::route::Route;
use super::routes::Routes;
use crate::commands::trigger::{When, check, first};
use crate::views::triggers::TriggerRow;

/// What is to be submitted, and when; the words are those of `scheduler trigger add`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    at: Option<String>,
    cron: Option<String>,
    zone: Option<Tz>,
    backfill: Option<Backfill>,
    sync: Option<Sync>,
}

/// Days are kept as they are written: `-30d` is counted when it fires.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backfill {
    #[serde(deserialize_with = "some")]
    connections: Vec<String>,
    #[serde(deserialize_with = "some")]
    entities: Vec<String>,
    from: String,
    to: String,
    by: Option<Axis>,
    segment: Option<Segmenting>,
    page_size: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sync {
    #[serde(deserialize_with = "some")]
    connections: Vec<String>,
    #[serde(default, deserialize_with = "some")]
    entities: Vec<String>,
    since: Option<String>,
    #[serde(default)]
    full: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    cursor: Option<String>,
    limit: Option<u32>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    const EXAMPLE: &str = r#"{"cron": "30 2 * * *", "zone": "America/Guayaquil", "backfill": {"connections": ["acme"], "entities": ["all"], "from": "-30d", "to": "yesterday"}}"#;
    routes
        .route(
            Route::get("/api/v1/triggers", Scope::Read, "What is submitted later").with(&[
                ("cursor", "what the last page has answered as next"),
                ("limit", "1 to 1000; 100 where nothing is said"),
            ]),
            list,
        )
        .route(
            Route::post(
                "/api/v1/triggers",
                Scope::Run,
                "Submits a `backfill` or a `sync` later: once (`at`), or again and again (`cron`, `zone`)",
            )
            .taking(EXAMPLE)
            .answering(201),
            create,
        )
        .route(
            Route::get(
                "/api/v1/triggers/{id}",
                Scope::Read,
                "One trigger, and when it last fired",
            ),
            show,
        )
        .route(
            Route::post(
                "/api/v1/triggers/{id}/cancel",
                Scope::Run,
                "Ends a trigger; what it has submitted goes on",
            ),
            cancel,
        )
}

/// The triggers that a caller sees: those of which it sees all companies.
async fn seen(api: &Api, caller: &Caller) -> Result<Vec<TriggerRow>, Refusal> {
    let mut triggers = api.ledger().triggers().await?;
    if caller.connections.is_some() {
        let companies = api.seen(caller).await?;
        let is_own = |name: &String| companies.iter().any(|company| company.name == *name);
        triggers.retain(|trigger| {
            let wanted = Wanted::read(&trigger.wanted);
            wanted.is_ok_and(|wanted| wanted.connections().iter().all(is_own))
        });
    }
    Ok(triggers.into_iter().map(TriggerRow::from).collect())
}

async fn one(api: &Api, caller: &Caller, id: &str) -> Result<TriggerRow, Refusal> {
    let id: Option<TriggerId> = id.parse().ok();
    let found = seen(api, caller).await?;
    let found = found.into_iter().find(|trigger| Some(trigger.id) == id);
    found.ok_or_else(|| {
        Refusal::new(
            Cause::NotFound,
            "there is no such trigger: GET /api/v1/triggers lists them",
        )
    })
}

async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Page<TriggerRow>>, Refusal> {
    let which: Which = query(&uri)?;
    let key = |trigger: &TriggerRow| trigger.id.to_string();
    let part = (limit(which.limit)?, which.cursor.as_deref());
    Ok(Json(Page::of(seen(&api, &caller).await?, key, part)?))
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<TriggerRow>, Refusal> {
    Ok(Json(one(&api, &caller, &id).await?))
}

async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let asked: Asked = body(&bytes)?;
    let due_at = first(&when(&asked)?, asked.zone, api.ledger().clock().await?.now)?;
    let wanted = wanted(&api, &caller, asked.backfill, asked.sync).await?;
    let zone = check(&api.parts, &api.sync, &wanted, due_at, asked.zone).await?;
    let trigger = NewTrigger {
        id: TriggerId::new(),
        cron: asked.cron,
        zone,
        wanted: wanted.to_text(),
        due_at,
    };
    api.ledger().add_trigger(&trigger, &caller.name).await?;
    let place = format!("/api/v1/triggers/{}", trigger.id);
    let shown = one(&api, &caller, &trigger.id.to_string()).await?;
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(shown)).into_response())
}

fn when(asked: &Asked) -> Result<When<'_>, Refusal> {
    match (asked.at.as_deref(), asked.cron.as_deref()) {
        (Some(at), None) => Ok(When::Once(at)),
        (None, Some(cron)) if asked.zone.is_some() => Ok(When::Again(cron)),
        (None, Some(_)) => Err(invalid(
            "a `cron` is read by the clock of a `zone`, as America/Guayaquil",
        )),
        _ => Err(invalid("either `at` or `cron` says when it fires")),
    }
}

fn invalid(detail: &str) -> Refusal {
    Refusal::new(Cause::InvalidRequest, detail)
}

async fn wanted(
    api: &Api,
    caller: &Caller,
    backfill: Option<Backfill>,
    sync: Option<Sync>,
) -> Result<Wanted, Refusal> {
    match (backfill, sync) {
        (Some(asked), None) => Ok(Wanted::Backfill {
            connections: named(api, caller, asked.connections).await?,
            entities: asked.entities,
            from: asked.from,
            to: asked.to,
            by: asked.by.unwrap_or(Axis::TxnDate).to_string(),
            segment: asked.segment.unwrap_or(api.segment).to_string(),
            page_size: asked.page_size.unwrap_or(api.page_size),
        }),
        (None, Some(asked)) if asked.full && asked.since.is_some() => Err(invalid(
            "everything is read, or what has changed since an instant: not both",
        )),
        (None, Some(asked)) => Ok(Wanted::Sync {
            connections: named(api, caller, asked.connections).await?,
            entities: asked.entities,
            full: asked.full,
            since: asked.since,
        }),
        _ => Err(invalid("either `backfill` or `sync` says what is submitted")),
    }
}

/// Whom it concerns. To a key that sees some companies only, `all` means these, also when it fires.
async fn named(api: &Api, caller: &Caller, names: Vec<String>) -> Result<Vec<String>, Refusal> {
    let companies = api.companies(caller, &names).await?;
    let is_all = names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    if is_all && caller.connections.is_none() {
        return Ok(names);
    }
    Ok(companies.into_iter().map(|company| company.name).collect())
}

async fn cancel(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<TriggerRow>, Refusal> {
    let trigger = one(&api, &caller, &id).await?;
    // One that is over stays as it is; the answer says how that is.
    api.ledger().cancel_trigger(trigger.id, &caller.name).await?;
    Ok(Json(one(&api, &caller, &id).await?))
}
