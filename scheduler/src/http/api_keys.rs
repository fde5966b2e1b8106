//! API keys: made, listed, ended. Who sees some companies only makes keys for no others, and nobody makes one that may do
//! more than its maker, or lives longer.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use ledgerfleet_ledger::{ApiKey, Scope};
use serde::Deserialize;

use super::Api;
use super::keys::Caller;
use super::problem::{Cause, Refusal};
use super::read::{body, ids};
use super::route::Route;
use super::routes::Routes;
use crate::cli::key_span;
use crate::commands::api_key::{WantedKey, create_key, end_of, key_meant};
use crate::views::keys::MadeKey;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    scopes: Vec<Scope>,
    /// The only companies that it sees; all where it is left out.
    connections: Option<Vec<String>>,
    /// As on the command line: 90d, 12h.
    expires: Option<String>,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .route(
            Route::get("/api/v1/keys", Scope::Admin, "Every key, without its secret"),
            list,
        )
        .route(
            Route::post(
                "/api/v1/keys",
                Scope::Admin,
                "Makes a key, and shows it this once",
            )
            .taking(r#"{"name": "airflow", "scopes": ["read", "run"], "expires": "90d"}"#)
            .answering_secretly()
            .answering(201),
            create,
        )
        .route(
            Route::post(
                "/api/v1/keys/{key}/revoke",
                Scope::Admin,
                "Ends a key, by its name or id",
            ),
            revoke,
        )
}

/// The keys that a caller may see: of no company that it does not.
async fn seen(api: &Api, caller: &Caller) -> Result<Vec<ApiKey>, Refusal> {
    let mut keys = api.ledger().api_keys().await?;
    if caller.connections.is_some() {
        keys.retain(|key| {
            let companies = key.connections.as_ref();
            companies.is_some_and(|companies| companies.iter().all(|company| caller.sees(*company)))
        });
    }
    Ok(keys)
}

async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<ApiKey>>, Refusal> {
    Ok(Json(seen(&api, &caller).await?))
}

async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<MadeKey>), Refusal> {
    let asked: Wanted = body(&bytes)?;
    if let Some(scope) = asked.scopes.iter().find(|scope| !caller.scopes.contains(scope)) {
        let detail = format!("this key has not the scope `{scope}`, so it makes none that has it");
        return Err(Refusal::new(Cause::InsufficientScope, detail));
    }
    if asked.scopes.is_empty() {
        return Err(Refusal::new(
            Cause::InvalidRequest,
            "a key has at least one scope",
        ));
    }
    let lives = asked.expires.as_deref().map(key_span).transpose();
    let lives = lives.map_err(|why| Refusal::new(Cause::InvalidRequest, format!("expires: {why}")))?;
    let connections = match &asked.connections {
        Some(named) if named.is_empty() || named.iter().any(String::is_empty) => {
            let detail = "connections names at least one, and nothing empty, or is left out";
            return Err(Refusal::new(Cause::InvalidRequest, detail));
        }
        Some(named) => Some(ids(&api.companies(&caller, named).await?)),
        None => caller.connections.clone(),
    };
    let wanted = WantedKey {
        name: asked.name,
        scopes: asked.scopes,
        connections,
        expires_at: end(&api, &caller, lives)?,
    };
    let made = create_key(&api.parts, wanted, &caller.name).await?;
    api.keys_exist();
    Ok((StatusCode::CREATED, Json(made)))
}

/// When a key ends that lives so long: not after its maker, and with its maker where nothing is said.
fn end(api: &Api, caller: &Caller, lives: Option<Duration>) -> Result<Option<DateTime<Utc>>, Refusal> {
    let asked = lives.map(|lives| end_of(&api.parts, lives)).transpose()?;
    if let (Some(asked), Some(own)) = (asked, caller.expires_at)
        && asked > own
    {
        let detail = format!("this key ends at {own}, so it makes none that ends later");
        return Err(Refusal::new(Cause::InsufficientScope, detail));
    }
    Ok(asked.or(caller.expires_at))
}

async fn revoke(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
) -> Result<Json<ApiKey>, Refusal> {
    let known = seen(&api, &caller).await?;
    let missing = |why: String| Refusal::new(Cause::NotFound, why);
    let id = key_meant(&known, &key)
        .map_err(|problem| missing(problem.what))?
        .id;
    api.ledger().revoke_api_key(id, &caller.name).await?;
    let now = seen(&api, &caller).await?.into_iter().find(|key| key.id == id);
    Ok(Json(now.ok_or_else(|| missing(format!("there is no key {id}")))?))
}
