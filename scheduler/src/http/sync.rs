//! Sync: companies are brought in sync now, and how far they are.
//!
//! What is wanted is told in the body, or in the query, as one line of cron has it: `?resources=invoice&full_refresh=true`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use ledgerfleet_ledger::Scope;
use ledgerfleet_planning::entities_named;
use serde::{Deserialize, Serialize};

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{body, names, query, some};
use super::route::Route;
use super::routes::Routes;
use crate::commands::sync::{scope, states, submit};
use crate::views::plans::SubmittedRow;
use crate::views::syncs::StateRow;

/// What is to be brought in sync; the words are those of `scheduler sync`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    #[serde(deserialize_with = "some")]
    connections: Vec<String>,
    #[serde(deserialize_with = "some")]
    entities: Vec<String>,
    since: Option<DateTime<Utc>>,
    full: bool,
}

/// The same as one line has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Short {
    connection: Option<String>,
    resources: Option<String>,
    since: Option<DateTime<Utc>>,
    full_refresh: Option<bool>,
}

/// The run of one company.
#[derive(Serialize)]
struct Begun {
    connection: String,
    #[serde(flatten)]
    run: SubmittedRow,
}

/// The runs that were submitted, one a company; one that is not over is joined.
#[derive(Serialize)]
struct Runs {
    runs: Vec<Begun>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    connection: Option<String>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get("/api/v1/sync", Scope::Read, "How far each entity is in sync").with(&[(
                "connection",
                "names, with commas between; all where it is left out",
            )]),
            show,
        )
        .route(
            Route::post(
                "/api/v1/sync",
                Scope::Run,
                "Brings companies in sync now; told in the body, or in the query",
            )
            .with(&[
                (
                    "connection",
                    "names, with commas between; all where it is left out",
                ),
                (
                    "resources",
                    "entities, with commas between; all that are kept in sync where it is left out",
                ),
                ("since", "what has changed since then, as 2026-05-01T00:00:00Z"),
                ("full_refresh", "true: everything, whatever is in sync"),
            ])
            .taking_if_any(r#"{"connections": ["acme"], "entities": ["invoice"]}"#)
            .answering(202),
            begin,
        )
}

async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Vec<StateRow>>, Refusal> {
    let which: Which = query(&uri)?;
    let connections = api
        .companies(&caller, &names(which.connection.as_deref())?)
        .await?;
    Ok(Json(states(&api.parts, &connections, api.sync.every).await?))
}

async fn begin(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let wanted = wanted(&uri, &bytes)?;
    if wanted.since.is_some() && wanted.full {
        return Err(Refusal::new(
            Cause::InvalidRequest,
            "everything is read, or what has changed since an instant: not both",
        ));
    }
    let connections = api.companies(&caller, &wanted.connections).await?;
    let entities = entities_named(&connections, &wanted.entities)?;
    let scope = scope(&api.parts, wanted.since, wanted.full)?;
    let mut runs = Vec::new();
    for connection in &connections {
        let submitted = submit(&api.parts, &api.sync, connection, (scope, &entities)).await?;
        let Some(submitted) = submitted else { continue };
        let detail = serde_json::json!({ "by": caller.name, "joined": submitted.attached });
        let run = submitted.run.to_string();
        api.ledger().note_audit("sync.submit", Some(&run), detail).await?;
        runs.push(Begun {
            connection: connection.name.clone(),
            run: SubmittedRow(submitted),
        });
    }
    let place = match runs.as_slice() {
        [one] => format!("/api/v1/runs/{}", one.run.0.run),
        _ => "/api/v1/sync".to_owned(),
    };
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(Runs { runs })).into_response())
}

/// What is wanted, from wherever it was told.
fn wanted(uri: &Uri, bytes: &Bytes) -> Result<Wanted, Refusal> {
    let is_short = uri.query().is_some_and(|query| !query.is_empty());
    match (is_short, bytes.is_empty()) {
        (true, false) => Err(Refusal::new(
            Cause::InvalidRequest,
            "what is wanted is told in the query or in the body, not in both",
        )),
        (_, true) => {
            let short: Short = query(uri)?;
            Ok(Wanted {
                connections: names(short.connection.as_deref())?,
                entities: names(short.resources.as_deref())?,
                since: short.since,
                full: short.full_refresh.unwrap_or(false),
            })
        }
        (false, false) => body(bytes),
    }
}
